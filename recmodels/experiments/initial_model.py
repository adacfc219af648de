"""The untrained model of an experiment, and vectors that its item table may start from."""

import numpy as np

from recmodels.experiments.entry import Experiment, build_model
from recmodels.experiments.text_columns import cached_encoder, texts_of
from recmodels.features.sequences import SequenceData
from recmodels.models.initial_items import initialise_items


def initial_model(experiment: Experiment, data: SequenceData, seed: int):
    """Make the model of an experiment, with the `initial_items` of the entry."""
    model = build_model(experiment.model, experiment.options, data, seed)
    if experiment.initial_items:
        initialise_items(model, initial_vectors(experiment.initial_items, data, seed))
    return model


def initial_vectors(described: dict, data: SequenceData, seed: int) -> np.ndarray:
    """Learn vectors of items from the training events, or encode their titles and categories.

    Args:
        described: `model` and `options` of word vectors, or the arguments of a `TextEncoder`.
        data: what the experiment is trained on.
        seed: of the word vectors.

    Returns:
        (V + 1, F), row i for item i, as `initialise_items` takes it.
    """
    if "model" in described:
        words = build_model(described["model"], described["options"], data, seed)
        return words.fit(data.train, data.num_items).vectors
    texts = texts_of(data)
    vectors = np.nan_to_num(
        cached_encoder(described).fit(texts).encode(texts)
    )  # A missing text has no vector.
    return np.pad(vectors, ((1, 0), (0, 0)))
