"""The untrained model of an experiment, and vectors that its item table may start from."""

import numpy as np

from recmodels.experiments.entry import Experiment, build_model
from recmodels.experiments.text_columns import cached_encoder, texts_of
from recmodels.features.sequences import SequenceData
from recmodels.models.initial_items import initialise_items
from recmodels.models.similar_items import (
    SimilarItems,
    similar_texts,
    similar_users,
    similar_vectors,
)
from recmodels.models.with_similarities import WithSimilarities
from recmodels.tasks.similar_targets import SimilarTargets


def initial_model(experiment: Experiment, data: SequenceData, seed: int):
    """Make the model of an experiment, with the `initial_items` of the entry."""
    model = build_model(experiment.model, experiment.options, data, seed)
    if experiment.initial_items:
        initialise_items(model, initial_vectors(experiment.initial_items, data, seed))
    if experiment.similarities:
        model = WithSimilarities(model, experiment.similarities)
        model.adapt({k: _similar(how, data) for k, how in experiment.similarities.items()})
    return model


def similar_targets(experiment: Experiment, data: SequenceData) -> dict[str, SimilarTargets]:
    """The option of `fit` for targets that share their probability; empty for none."""
    if not experiment.similar_targets:
        return {}
    described = dict(experiment.similar_targets)
    settings = {name: described.pop(name) for name in ("share", "count") if name in described}
    return {"similar_targets": SimilarTargets(_similar(described, data), **settings)}


def _similar(described: dict, data: SequenceData) -> SimilarItems:
    """Similar items by their users, by the words of their texts, or by vectors of these."""
    match described.get("model"):
        case "item-knn":
            return similar_users(data.train, data.num_items, **described["options"])
        case "content":
            return similar_texts(texts_of(data))
        case _:
            return similar_vectors(initial_vectors(described, data, seed=0))


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
