"""Notice a training that learns little more than which items are popular."""

import sys

import keras
import numpy as np

from recmodels.features.histories import Histories
from recmodels.training.curve import LearningCurve

EPOCHS = 3  # After as many epochs,
STEPS = 300  # and as many steps, so that small logs and warm-ups are not judged too early,
SHARE = 0.97  # the loss must be below this share of the entropy of the targets.


def target_entropy(histories: Histories) -> float:
    """Entropy of the items that training asks for, in nats.

    It is the lowest full softmax loss of a model that knows only how frequent each item is.

    Args:
        histories: training histories; every event but the first of each user is asked for.

    Example:
        Two users with the histories 1 2 and 1 3 ask for 2 and 3 once each: log(2) = 0.693.
    """
    first = histories.offsets[:-1][histories.lengths > 0]
    counts = np.bincount(np.delete(histories.items, first))
    shares = counts[counts > 0] / max(1, counts.sum())
    return float(-(shares * np.log(shares)).sum())


def find_collapse(curve: LearningCurve, entropy: float, steps: int) -> str | None:
    """Say so where a training has learnt little more than popularity; else None.

    Args:
        curve: of the training so far.
        entropy: of the targets, from `target_entropy`.
        steps: per epoch.
    """
    judged = max(EPOCHS, -(-STEPS // steps))
    if len(curve.rows) < judged or curve.rows[judged - 1]["loss"] < SHARE * entropy:
        return None
    return (
        f"After {judged} epochs the loss is {curve.rows[judged - 1]['loss']:.2f}, and a model that "
        f"only knows how frequent each item is has {entropy:.2f}: the training has learnt little "
        "more than popularity. Lower `dropout` or `learning_rate`, or use one block."
    )


class CollapseCheck(keras.callbacks.Callback):
    """Report a training that learns little more than popularity as soon as that shows.

    Args:
        curve: of the training; it gets the report in `collapse`.
        entropy: of the targets.
        steps: per epoch.
        stop: whether to stop the training.
    """

    def __init__(self, curve: LearningCurve, entropy: float, steps: int, stop: bool) -> None:
        super().__init__()
        self.curve, self.entropy, self.steps, self.stop = curve, entropy, steps, stop

    def on_epoch_end(self, epoch, logs=None) -> None:
        found = find_collapse(self.curve, self.entropy, self.steps)
        if found is not None and self.curve.collapse is None:
            self.curve.collapse = found
            print(found, file=sys.stderr)
            self.model.stop_training = self.model.stop_training or self.stop
