"""Train a task around Keras `fit`: validated, resumable, reproducible."""

import json
import math
import numbers
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import keras

from recmodels.features.checks import check_whole
from recmodels.features.epochs import EpochBatches
from recmodels.tasks.tfrs import refuse_legacy_layers
from recmodels.training.callbacks import Checkpoint, Progress, ReproducibleEpochs, Validate
from recmodels.training.checkpoints import OtherRun, load_checkpoint, write_variables
from recmodels.training.curve import LearningCurve
from recmodels.training.seeds import set_seed

SCHEDULES = ("constant", "cosine")
OPTIMISERS = ("adam", "adagrad")
WHOLE = {"epochs": 1, "warmup": 0, "patience": 1, "validate_every": 1, "seed": 0}  # At least.
# Steps between two returns to Python, during which the cores would wait.
STEPS_TOGETHER = 8


@dataclass(frozen=True)
class Training:
    """How to train: what optimiser, how long, when to stop.

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


def fit(
    task: keras.Model,
    batches: EpochBatches,
    training: Training,
    *,
    measure: Callable[[], float] | None = None,
    measure_name: str = "score",
    checkpoint: Path | None = None,
    verbose: bool = True,
    model: keras.Model | None = None,
    identity: dict[str, object] | None = None,
) -> LearningCurve:
    """Train a task and leave the best weights in it, also when training is stopped or diverges.

    The curve grows in `model.curve`, where it can be found after Ctrl-C (`KeyboardInterrupt`).

    Args:
        task: a Keras model with its own loss, such as `NextItem`; compiled here.
        batches: such as `NextItemBatches`.
        training: how.
        measure: validation score of the task as it stands, higher is better. Without it the last
            weights are kept.
        measure_name: what the score is, for progress and curve.
        checkpoint: file to write after each epoch and to continue from if it is there. A run
            that was killed goes on at the next epoch to the result it would have had.
        verbose: whether a line an epoch goes to standard error.
        model: the part of the task that is kept, which gets `curve`; by default the task.
        identity: what else a run that is continued must share with its checkpoint, besides
            settings and batches, such as digests of the validation data; plain values by name.

    Returns:
        The learning curve.

    Raises:
        FloatingPointError: the loss, a weight or a score became NaN or infinite.
        ValueError: the checkpoint belongs to a run with other settings or data (`OtherRun`) or is
            damaged, or a layer of TensorFlow Recommenders hides in the task that would never be
            trained.
    """
    model = task if model is None else model
    curve = model.curve = LearningCurve(measure=measure_name)
    validate = Validate(measure, curve, training.patience, training.validate_every)
    optimizer = make_optimizer(training, steps=len(batches) * training.epochs)
    compile_task(task, optimizer)
    set_seed(training.seed)
    task.build()
    if "tensorflow_recommenders" in sys.modules:  # Nobody else has layers of Keras 2.
        refuse_legacy_layers(task)
    optimizer.build(task.trainable_variables)
    validate.set_model(task)
    settings, stopped = {}, False
    if checkpoint is not None:
        settings = {**_settings(task, batches, training), **batches.identity(), **(identity or {})}
        stopped = _resume(checkpoint, task, validate, settings)
    if not stopped and len(curve.rows) < training.epochs:
        callbacks = [ReproducibleEpochs(batches, training.seed), validate]
        callbacks += [Checkpoint(checkpoint, validate, settings)] if checkpoint else []
        callbacks += [Progress(curve)] if verbose else []
        _train(task, batches, training, callbacks, validate)
    else:
        validate.leave_best()
    return curve


def _train(task, batches, training: Training, callbacks: list, validate: Validate) -> None:
    try:
        task.fit(
            batches,
            initial_epoch=len(validate.curve.rows),
            epochs=training.epochs,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
    except KeyboardInterrupt:
        best = validate.curve.best
        kept = "the last step" if best is None else f"epoch {best['epoch']}"
        message = f"Training was stopped. The model has the weights of {kept}; `model.curve` has "
        print(f"{message}the {len(validate.curve.rows)} finished epochs.", file=sys.stderr)
        raise
    finally:
        validate.leave_best()


def compile_task(task: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """Compile a task the way its backend trains fastest on a CPU."""
    backend = keras.backend.backend()
    task.compile(
        optimizer=optimizer,
        # XLA makes Keras dropout about fifty times slower in TensorFlow.
        jit_compile=backend == "jax",
        # JAX would compile every mix of shapes; PyTorch in Keras knows single steps only.
        steps_per_execution=STEPS_TOGETHER if backend == "tensorflow" else 1,
    )


def make_optimizer(training: Training, steps: int) -> keras.optimizers.Optimizer:
    """Adam with beta2 0.98, as the published code of SASRec has it, or Adagrad.

    Args:
        training: kind, rate, schedule, decay, clipping, averaging.
        steps: of the whole training.
    """
    settings = {
        "learning_rate": _rate(training, steps),
        # Without decay, a table would be read and written for nothing in every step.
        "weight_decay": training.weight_decay or None,
        "global_clipnorm": training.clip_norm,
        "use_ema": training.average is not None,
        "ema_momentum": training.average or 0.99,
    }
    if training.optimiser == "adagrad":
        optimizer = keras.optimizers.Adagrad(**settings)
    else:
        optimizer = keras.optimizers.Adam(beta_2=0.98, **settings)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _rate(training: Training, steps: int):
    """The learning rate, or how it changes over the steps."""
    rate = training.learning_rate
    if training.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if training.warmup else rate,
            decay_steps=max(1, steps - training.warmup),
            alpha=0.02,
            warmup_target=rate if training.warmup else None,
            warmup_steps=training.warmup,
        )
    if training.warmup:
        return keras.optimizers.schedules.PolynomialDecay(
            rate / training.warmup, training.warmup, rate
        )
    return rate


def _settings(task: keras.Model, batches: EpochBatches, training: Training) -> dict:
    """What must not change between a run and its continuation, in a flat dict JSON can hold."""
    task_settings = dict(_leaves(task.get_config(), "task"))
    return {**asdict(training), **task_settings, "steps": len(batches)}


def _leaves(config: dict, prefix: str) -> Iterator[tuple[str, object]]:
    """Plain values of nested dicts under dotted names.

    Names and shapes are left out: they depend on what else was made or called before.
    """
    for key, value in config.items():
        if isinstance(value, dict) and key != "build_config":
            yield from _leaves(value, f"{prefix}.{key}")
        elif isinstance(value, str | int | float | None) and key != "name":
            yield f"{prefix}.{key}", value


def _resume(path: Path, task: keras.Model, validate: Validate, settings: dict) -> bool:
    """Put a checkpoint back where there is one; say whether that run had already stopped."""
    if not path.exists():
        return False
    state, arrays = load_checkpoint(path)
    stored = state["settings"]
    if "training data" not in stored:
        raise OtherRun(
            "`checkpoint` was written by an older version, which did not note the data of its run. "
            f"Delete it or name another file. Received: checkpoint={str(path)!r}"
        )
    present = json.loads(json.dumps(settings))  # As the file has them: lists in place of tuples.
    differing = sorted(
        name for name in {**stored, **present} if stored.get(name) != present.get(name)
    )
    if differing:
        there = {name: stored.get(name) for name in differing}
        raise OtherRun(
            f"`checkpoint` holds another run, with other {', '.join(differing)}. Delete it to "
            "start afresh, or name another file. "
            f"Received: checkpoint={str(path)!r}, which holds {there}"
        )
    write_variables(task.trainable_variables, arrays["weights"])
    write_variables(task.optimizer.variables, arrays["optimizer"])
    validate.curve.rows.extend(state["rows"])
    validate.best_weights = arrays.get("best")
    return state["stopped"]
