"""Training settings, and the optimiser made from them."""

import math
import numbers
from dataclasses import dataclass

import keras

from recmodels.features.checks import check_whole

SCHEDULES = ("constant", "cosine")
OPTIMISERS = ("adam", "adagrad")
WHOLE = {"epochs": 1, "warmup": 0, "patience": 1, "validate_every": 1, "seed": 0}  # At least.


@dataclass(frozen=True)
class Training:
    """Training settings: optimiser, epochs, early stopping.

    Args:
        epochs: the most passes over the batches.
        optimiser: `"adam"`, or `"adagrad"` as in the tutorials of TensorFlow Recommenders.
        learning_rate: after the warm-up.
        schedule: `"constant"`, or `"cosine"` down to a fiftieth over all epochs.
        warmup: steps over which the rate rises from zero.
        weight_decay: decoupled, as AdamW has it.
        clip_norm: the largest global gradient norm, greater than 0; None clips nothing.
        average: momentum of an exponential average of the weights that validation and the final
            model use (0.999 averages about a thousand steps); None keeps the last step's.
        patience: epochs without a better validation score before stopping; None never stops.
        max_seconds: stop after the epoch in which training and validation have taken this long,
            before an interruption included; None for any time. The schedule covers all `epochs`
            nevertheless and is cut off there; a checkpoint continues it with a larger limit.
        validate_every: epochs between two validations.
        seed: of initial weights, batches, negatives and dropout. A model that has been trained,
            loaded or given weights keeps them.

    Raises:
        ValueError: a setting is out of its range, which the message names.
    """

    epochs: int = 50
    optimiser: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup: int = 0
    weight_decay: float = 0.0
    clip_norm: float | None = None
    average: float | None = None
    patience: int | None = 10
    max_seconds: float | None = None
    validate_every: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise ValueError(
                f"`schedule` must be one of {SCHEDULES}. Received: schedule={self.schedule!r}"
            )
        if self.optimiser not in OPTIMISERS:
            raise ValueError(
                f"`optimiser` must be one of {OPTIMISERS}. Received: optimiser={self.optimiser!r}"
            )
        for name, least in WHOLE.items():
            if name != "patience" or self.patience is not None:
                check_whole(name, getattr(self, name), least)
        limits = {"learning_rate": (0, math.inf), "clip_norm": (0, math.inf), "average": (0, 1)}
        limits["max_seconds"] = (0, math.inf)
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is None and name != "learning_rate":
                continue
            if not isinstance(value, numbers.Real) or not low < value < high:
                raise ValueError(
                    f"`{name}` must be a number between {low} and {high}, both left out. "
                    f"Received: {name}={value!r}"
                )
        decay = self.weight_decay
        if not isinstance(decay, numbers.Real) or not 0 <= decay < math.inf:
            raise ValueError(f"`weight_decay` must be 0 or more. Received: weight_decay={decay!r}")


def make_optimizer(training: Training, steps: int, begin: int = 0) -> keras.optimizers.Optimizer:
    """Make Adam with beta2 0.98, as in the published code of SASRec, or Adagrad.

    Args:
        training: kind, rate, schedule, decay, clipping, averaging.
        steps: of the whole training.
        begin: steps of earlier trainings, at which a schedule begins.
    """
    settings = {
        "learning_rate": _rate(training, steps, begin),
        # Without decay, a table would be read and written in every step without any effect.
        "weight_decay": training.weight_decay or None,
        "global_clipnorm": training.clip_norm,
        "use_ema": training.average is not None,
        "ema_momentum": training.average or 0.99,
    }
    if training.optimiser == "adagrad":
        optimizer = keras.optimizers.Adagrad(**settings)
    else:
        optimizer = AdamWithFactors(beta_2=0.98, name="adam", **settings)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


class AdamWithFactors(keras.optimizers.Adam):
    """Adam in which a weight with a `rate_factor` has its learning rate multiplied by it."""

    def update_step(self, gradient, variable, learning_rate):
        weight = self._trainable_variables[self._get_variable_index(variable)]
        factor = getattr(weight, "rate_factor", 1.0)
        rate = learning_rate if factor == 1 else learning_rate * factor
        super().update_step(gradient, variable, rate)


class _From(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that begins at a later step."""

    def __init__(self, schedule, begin: int) -> None:
        self.schedule = schedule
        self.begin = begin

    def __call__(self, step):
        return self.schedule(step - self.begin)


def _rate(training: Training, steps: int, begin: int):
    """Return the learning rate or its schedule."""
    rate = training.learning_rate
    if training.schedule == "cosine":
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if training.warmup else rate,
            decay_steps=max(1, steps - training.warmup),
            alpha=0.02,
            warmup_target=rate if training.warmup else None,
            warmup_steps=training.warmup,
        )
    elif training.warmup:
        schedule = keras.optimizers.schedules.PolynomialDecay(
            rate / training.warmup, training.warmup, rate
        )
    else:
        return rate
    return _From(schedule, begin) if begin else schedule
