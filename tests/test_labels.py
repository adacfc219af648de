"""Readable names of experiments."""

from recmodels.experiments.labels import MODELS, experiment_label, full_model_name, model_label


def test_an_experiment_is_named_by_data_and_model():
    assert model_label("ml-1m-sasrec-in_batch_uncorrected") == "SASRec, in-batch, no logQ"
    assert experiment_label("ml-1m-gru4rec") == "MovieLens 1M: GRU4Rec"
    assert experiment_label("ml-100k-temporal-item-knn") == "MovieLens 100K, temporal: ItemKNN"


def test_a_model_without_a_label_keeps_its_name():
    assert model_label("beauty-two-tower") == experiment_label("two-tower") == "two tower"


def test_no_two_models_have_one_label():
    assert len(set(MODELS.values())) == len(MODELS)


def test_the_full_name_of_a_model_says_what_is_added():
    plain = {"model": "bsarec", "settings": {"options": {}, "fit": {}}}
    assert full_model_name(plain) == "bsarec"
    text, words = {"source": "minilm"}, {"model": "item2vec", "options": {}}
    counted = {"model": "item-knn", "options": {}, "weight": 0.2}
    trained = {"experiment": {"model": "sasrec"}, "weight": 0.5}
    assert full_model_name({**plain, "settings": {"initial_items": text}}) == "bsarec+text"
    assert full_model_name({**plain, "settings": {"initial_items": words}}) == "bsarec+item2vec"
    settings = {"item_text": {"t": text}, "ensemble_with": [trained, counted]}
    assert full_model_name({**plain, "settings": settings}) == "bsarec+text+sasrec+item-knn"
