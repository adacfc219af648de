"""Choose one of several families of encoders by successive halving on validation cases."""

import inspect
import math
from collections.abc import Callable
from dataclasses import replace

from recmodels.experiments.entry import Experiment
from recmodels.experiments.tournament import Candidate
from recmodels.models.block_encoder import BlockEncoder
from recmodels.models.families import FAMILIES


def experiment_of(family: str, experiment: Experiment) -> Experiment:
    """The experiment of another family, with those of its options that the family has."""
    kind = FAMILIES[family].kind
    shared = BlockEncoder if issubclass(kind, BlockEncoder) else kind
    names = {*inspect.signature(shared).parameters, *getattr(kind, "own_settings", ())}
    options = {name: value for name, value in experiment.options.items() if name in names}
    return replace(experiment, model=family, options=options)


def halve(
    families: tuple[str, ...],
    epochs: int,
    train: Callable[[str, int, float | None], Candidate],
    score: Callable[[Candidate], float],
    seconds: float | None = None,
) -> tuple[str, dict[str, list[Candidate]]]:
    """Train all families for few epochs, the better half for twice as many, and so on.

    The chosen one is to be trained for all `epochs` afterwards. Each rung costs about as much as
    that training. Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and
    Hyperparameter Optimization", 2016.

    Args:
        families: names of `FAMILIES`, at least one.
        epochs: of the training that follows.
        train: makes a candidate from a family, a number of epochs and the seconds that it may take,
            or None for any. One without a model is dropped first.
        score: of a candidate that has a model, higher is better.
        seconds: budget, of which each rung has an equal part, and in it each family; None for any.

    Returns:
        The chosen family, and all candidates of each family, the one with most epochs last.

    Example:
        >>> halve(("gru4rec", "hstu", "sasrec"), 16, train, score)[0]
        'hstu'
    """
    left, trained = list(families), {family: [] for family in families}
    rungs = math.ceil(math.log2(len(left)))

    def rank(family: str) -> float:
        candidate = trained[family][-1]
        return -math.inf if candidate.model is None else score(candidate)

    for rung in range(rungs):
        each = None if seconds is None else seconds / (rungs * len(left))
        for family in left:
            trained[family].append(train(family, max(1, epochs >> (rungs - rung)), each))
        left = sorted(left, key=rank, reverse=True)[: -(-len(left) // 2)]
    return left[0], trained
