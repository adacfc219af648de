"""Add the scores of several models, with weights that are chosen on validation cases."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.evaluation.ranking import validation_score
from recmodels.features.checks import check_whole, digest
from recmodels.features.sequences import SequenceData
from recmodels.models.capabilities import Scores, can, columns_of
from recmodels.models.hybrid import Hybrid

CELLS, LEAST = 1e8, 500  # Scores of each model that are kept, and the fewest users.
MOST_SUMS = 1_000


@dataclass(frozen=True, eq=False)
class Fusion:
    """The best weighted sum of some models, and all that were tried.

    Args:
        model: the sum.
        tried: one row per sum, the best first: `scaling`, one column of weights per model, named
            by its class and place, and the score.
    """

    model: Hybrid
    tried: pd.DataFrame


class Remembered:
    """A model that keeps its answers, so that many sums of it score each history once."""

    def __init__(self, model) -> None:
        self.model = model
        self.max_length = model.max_length
        self.columns = columns_of(model)
        self._answers: dict[bytes, np.ndarray] = {}

    def score(self, queries: dict[str, np.ndarray], items=None) -> np.ndarray:
        """What the model answers; the same histories belong to the same users here."""
        key = digest(*queries.values())
        if key not in self._answers:
            self._answers[key] = self.model.score(queries, items)
        return self._answers[key]


def fusion_sample(data: SequenceData, users: int) -> SequenceData:
    """The data with at most so many validation users, fewer where the catalogue is large."""
    count = max(LEAST, min(users, int(CELLS / data.num_items)))
    return replace(data, validation=data.validation.sample(count))


def fuse(
    models: Sequence,
    data: SequenceData,
    weights: Sequence[float] = (0.0, 0.1, 0.2, 0.5, 1.0),
    scalings: Sequence[str] = ("spread",),
    users: int = 4_000,
) -> Fusion:
    """Choose the weights of a `Hybrid` on validation cases; test cases are not read.

    The first model has weight 1. All combinations of `weights` for the others are tried: five
    weights for each of two other models make 25 sums. Each model scores each history once.

    Args:
        models: trained or fitted already, two or more.
        data: its validation part chooses.
        weights: what each of the other models may have; 0 leaves it out.
        scalings: of the scores, see `Hybrid`.
        users: validation users to choose by, drawn at random; fewer where the catalogue is large,
            because the scores of all models are kept in memory.

    Returns:
        The best sum, of equal ones the first, and the table of all.

    Raises:
        ValueError: there are fewer than two models, something that cannot score, no weights or
            scalings, more than 1,000 combinations, or no validation cases.

    Example:
        >>> fused = fuse([model, Content(texts).fit(data.train, data.num_items)], data)
        >>> evaluate(fused.model, data.test)
    """
    kinds = [type(each).__name__ for each in models]
    must = "`models` must be two or more trained models, such as a `SASRec` or a fitted `Markov`"
    require(len(models) > 1 and all(can(m, Scores) for m in models), must, models=kinds)
    require(data.validation is not None, "`data` must have validation cases, which choose")
    require(len(weights) > 0 and len(scalings) > 0, "`weights` and `scalings` must not be empty")
    sums = len(scalings) * len(weights) ** (len(models) - 1)
    must = f"`weights` must make at most {MOST_SUMS:,} combinations; give fewer weights or models"
    require(sums <= MOST_SUMS, must, combinations=sums, models=len(models), weights=len(weights))
    sample = fusion_sample(data, check_whole("users", users))
    kept = [m if isinstance(m, Remembered) else Remembered(m) for m in models]
    names = [f"{type(each.model).__name__} {place}" for place, each in enumerate(kept)]
    rows = []
    for scaling, *others in itertools.product(scalings, *[weights] * (len(models) - 1)):
        chosen = [1.0, *others]
        score = validation_score(Hybrid(kept, chosen, scaling), sample)
        rows.append({"scaling": scaling, **dict(zip(names, chosen, strict=True)), "score": score})
    tried = pd.DataFrame(rows).sort_values("score", ascending=False, kind="stable")
    best = tried.iloc[0]
    model = Hybrid([each.model for each in kept], best[names].tolist(), best["scaling"])
    measure = data.protocol.choose_by
    return Fusion(model, tried.rename(columns={"score": measure}).reset_index(drop=True))
