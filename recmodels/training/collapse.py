"""Detect a training that learns little more than the popularity of items."""

import sys

import keras

from recmodels.training.curve import LearningCurve

EPOCHS = 3  # After as many epochs,
STEPS = 300  # and as many steps, so that small logs and warm-ups are not judged too early,
SHARE = 0.97  # the loss must be below this share of the entropy of the targets.


def find_collapse(curve: LearningCurve, entropy: float, steps: int) -> str | None:
    """Return a message if a training has learnt little more than popularity; else None.

    Args:
        curve: of the training so far.
        entropy: `target_entropy` of the training histories, in nats.
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
    """Report a training that learns little more than popularity as soon as this is visible.

    Args:
        entropy: `target_entropy` of the training histories, in nats; None reports nothing.
        steps: per epoch.
        stop: whether to stop the training.
    """

    def __init__(self, entropy: float | None = None, steps: int = 1, stop: bool = False) -> None:
        super().__init__()
        self.entropy, self.steps, self.stop = entropy, steps, stop
        self.curve = LearningCurve()

    def watch(self, curve: LearningCurve) -> None:
        """Use this curve, which may have rows of an earlier part of the run."""
        self.curve = curve
        if self.entropy is not None:
            curve.collapse = find_collapse(curve, self.entropy, self.steps)

    @property
    def ends(self) -> bool:
        """Whether a collapse was found that stops the training."""
        return self.stop and self.curve.collapse is not None

    def on_epoch_end(self, epoch, logs=None) -> None:
        if self.curve.collapse is not None:
            return
        self.watch(self.curve)
        if self.curve.collapse is not None:
            print(self.curve.collapse, file=sys.stderr)
            self.model.stop_training = self.model.stop_training or self.stop
