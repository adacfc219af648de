"""Readable names of experiments."""

from recmodels.experiments.labels import MODELS, experiment_label, model_label


def test_an_experiment_is_named_by_data_and_model():
    assert model_label("ml-1m-sasrec-in_batch_uncorrected") == "SASRec, in-batch, no logQ"
    assert experiment_label("ml-100k-temporal-item-knn") == "MovieLens 100K, temporal: ItemKNN"


def test_a_model_without_a_label_keeps_its_name():
    assert model_label("beauty-two-tower") == experiment_label("two-tower") == "two tower"


def test_no_two_models_have_one_label():
    assert len(set(MODELS.values())) == len(MODELS)
