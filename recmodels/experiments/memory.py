"""Estimate the least memory of a training, and raise an error if the machine has less."""

import resource
import sys

import psutil

from recmodels.experiments.entry import Experiment
from recmodels.models.families import FAMILIES
from recmodels.models.sequence_encoder import SequenceEncoder
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


def untrained(experiment: Experiment) -> SequenceEncoder:
    """The encoder of an experiment for a catalogue of one item, without the schema's columns."""
    options = dict(experiment.options)
    options.pop("id_vectors", None)  # False needs columns of items.
    return FAMILIES[experiment.model].build(1, **options)


def parameter_count(experiment: Experiment, num_items: int) -> int:
    """Numbers in the tables and matrices of a sequence encoder for `num_items` items."""
    model = untrained(experiment)
    model.build()
    return model.count_params() + (num_items - 1) * model.width


def least_bytes(experiment: Experiment, num_items: int) -> dict[str, int]:
    """Bytes that a step cannot do without, by what asks for them.

    Returns:
        `"weights"`: the parameters with their gradient, Adam's two moments, the best so far and,
        where weights are averaged, the average; `"logits"`: of one part of the positions, with
        their exponentials, for the full softmax, 0 for losses that sample.
    """
    training = experiment.fit
    copies = 5 + (training.get("average") is not None)
    logits = 0
    if training.get("loss", "full_softmax") == "full_softmax":
        positions = training.get("batch_size", 16) * untrained(experiment).max_length
        logits = 2 * FLOAT * -(-positions // LOGITS_PARTS) * num_items
    return {
        "weights": FLOAT * copies * parameter_count(experiment, num_items),
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
