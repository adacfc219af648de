"""Choose one of several families of encoders by successive halving on validation cases."""

import inspect
import math
from collections.abc import Callable
from dataclasses import replace

from recmodels.experiments.entry import Experiment
from recmodels.experiments.tournament import Candidate
from recmodels.models.block_encoder import BlockEncoder
from recmodels.models.families import FAMILIES
from recmodels.training.settings import Training


def experiment_of(family: str, experiment: Experiment) -> Experiment:
    """The experiment of another family, with those of its options that the family has."""
    kind = FAMILIES[family].kind
    shared = BlockEncoder if issubclass(kind, BlockEncoder) else kind
    names = {*inspect.signature(shared).parameters, *getattr(kind, "own_settings", ())}
    options = {name: value for name, value in experiment.options.items() if name in names}
    return replace(experiment, model=family, options=options)


def shortened(options: dict, epochs: int) -> dict:
    """Options of `fit` for fewer epochs, with warm-up and average over the same share of them."""
    share = epochs / options.get("epochs", Training.epochs)
    short = {**options, "epochs": epochs, "validate_every": epochs, "patience": None}
    if options.get("warmup"):
        short["warmup"] = int(share * options["warmup"])
    if options.get("average"):
        short["average"] = max(0.5, 1 - (1 - options["average"]) / share)
    return short


def halve(
    families: tuple[str, ...],
    epochs: int,
    train: Callable[[str, int], Candidate],
    score: Callable[[Candidate], float],
    seconds: float | None = None,
) -> tuple[str, list[Candidate]]:
    """Train all families for few epochs, the better half for twice as many, and so on.

    The last one is to be trained for all `epochs` afterwards. Each rung costs about as much as
    that training. Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and
    Hyperparameter Optimization", 2016.

    Args:
        families: names of `FAMILIES`, at least one.
        epochs: of the training that follows.
        train: makes a trained candidate of a family and a number of epochs.
        score: of a candidate that has a model, higher is better.
        seconds: budget, as the candidates report their time; None for any. Once it is used up no
            further training begins, and the best so far is chosen. With 0 the first is.

    Returns:
        The chosen family, and the last candidate of each of the others that was trained.

    Example:
        >>> halve(("gru4rec", "hstu", "sasrec"), 16, train, score)[0]
        'hstu'
    """
    left, trained, spent = list(families), {}, 0.0
    epochs = max(1, epochs >> math.ceil(math.log2(len(left))))

    def rank(family: str) -> float:
        candidate = trained.get(family)
        return -math.inf if candidate is None or candidate.model is None else score(candidate)

    while len(left) > 1 and (seconds is None or spent < seconds):
        for family in left:
            if seconds is None or spent < seconds:
                trained[family] = train(family, epochs)
                spent += trained[family].seconds
        left = sorted(left, key=rank, reverse=True)[: -(-len(left) // 2)]
        epochs *= 2
    return left[0], [candidate for family, candidate in trained.items() if family != left[0]]
