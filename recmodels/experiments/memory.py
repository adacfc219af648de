"""Estimate the least memory of a training, and raise an error if the machine has less."""

import inspect
import resource
import sys

import psutil

from recmodels.experiments.entry import Experiment
from recmodels.models.sasrec import SASRec
from recmodels.tasks.fast_losses import LOGITS_PARTS

FLOAT = 4  # Bytes.
GIB = 2**30


def peak_gib(whose: int = resource.RUSAGE_SELF) -> float:
    """The most memory this process has held so far, GiB.

    Of a process that a larger one started, Linux tells the larger one's.

    Args:
        whose: `resource.RUSAGE_CHILDREN` asks for the largest of its children that have ended.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(whose).ru_maxrss * unit / GIB


def with_defaults(options: dict) -> dict:
    """Arguments of a SASRec with those that were left out."""
    model = SASRec(1)
    names = inspect.signature(SASRec).parameters
    return {name: vars(model)[name] for name in names if name in vars(model)} | options


def parameter_count(options: dict, num_items: int) -> int:
    """Numbers in the tables and matrices of a SASRec; norms and biases are not worth counting.

    Example: V = 10, width 4, length 5, one block of hidden width 8: items 40, positions 20,
    attention 4 x 4 x 4 = 64, feed-forward 2 x 4 x 8 = 64, in all 188.
    """
    options = with_defaults(options)
    width, hidden = options["width"], options.get("hidden_width") or options["width"]
    block = 4 * width**2 + 2 * width * hidden
    return (num_items + options["max_length"]) * width + options["num_blocks"] * block


def least_bytes(experiment: Experiment, num_items: int) -> dict[str, int]:
    """Bytes that a step cannot do without, by what asks for them.

    Returns:
        `"weights"`: the parameters with their gradient, Adam's two moments, the best so far and,
        where weights are averaged, the average; `"logits"`: of one part of the positions, with
        their exponentials, for the full softmax, 0 for losses that sample.
    """
    options, training = with_defaults(experiment.options), experiment.fit
    copies = 5 + (training.get("average") is not None)
    logits = 0
    if training.get("loss", "full_softmax") == "full_softmax":
        positions = training.get("batch_size", 16) * options["max_length"]
        logits = 2 * FLOAT * -(-positions // LOGITS_PARTS) * num_items
    return {
        "weights": FLOAT * copies * parameter_count(options, num_items),
        "logits": logits,
    }


def refuse_what_cannot_fit(experiment: Experiment, num_items: int) -> None:
    """Raise before a training that cannot fit into memory, and say what to change.

    Raises:
        MemoryError: the machine has less memory left than a step cannot do without.
    """
    needed = least_bytes(experiment, num_items)
    available = psutil.virtual_memory().available
    if sum(needed.values()) <= available:
        return
    advice = {
        "weights": "a smaller `width`, or fewer items (`k_core` leaves out rare ones)",
        "logits": "a smaller `batch_size`, or `loss='sampled_softmax'`",
    }[max(needed, key=needed.get)]
    raise MemoryError(
        f"{experiment.name} with {num_items} items cannot be trained here: weights need at least "
        f"{needed['weights'] / GIB:.1f} GiB and scores of one group of positions "
        f"{needed['logits'] / GIB:.1f} GiB, and {available / GIB:.1f} GiB are left. "
        f"Try {advice}."
    )
