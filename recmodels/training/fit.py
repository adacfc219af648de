"""Train a task with Keras `fit`: validated, resumable, reproducible."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import keras

from recmodels.data.errors import require
from recmodels.data.text import counted
from recmodels.features.epochs import EpochBatches
from recmodels.tasks.tfrs import refuse_legacy_layers
from recmodels.training.callbacks import (
    Checkpoint,
    Progress,
    ReleaseMemory,
    ReproducibleEpochs,
    Validate,
)
from recmodels.training.checkpoints import OtherRun, load_checkpoint, write_variables
from recmodels.training.collapse import CollapseCheck
from recmodels.training.curve import LearningCurve
from recmodels.training.processes import (
    SameBatches,
    check_agreement,
    process_count,
    process_rank,
    shared_batches,
    table_by_rows,
)
from recmodels.training.seeds import set_seed
from recmodels.training.settings import Training, make_optimizer
from recmodels.training.state import TrainingState

# Steps between two returns to Python, during which the cores would wait.
STEPS_TOGETHER = 8


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
    warm_start: bool = False,
    collapse: CollapseCheck | None = None,
) -> LearningCurve:
    """Train a task and leave the best weights in it, also if training is stopped or diverges.

    The curve grows in `model.curve`, where it can be found after Ctrl-C (`KeyboardInterrupt`).
    Afterwards `model.training_state` has what a warm start needs; None after a divergence.

    Args:
        task: a Keras model with its own loss, such as `NextItem`; compiled here.
        batches: such as `NextItemBatches`.
        training: how.
        measure: validation score of the task as it stands, higher is better. Without it the last
            weights are kept.
        measure_name: what the score is, for progress and curve.
        checkpoint: file to write after each epoch and to continue from if it is there. A run
            that was killed continues at the next epoch, to the same result. One that
            `max_seconds` ended continues with a larger limit, at the same point of its schedule.
        verbose: print one line per epoch to standard error.
        model: the part of the task that is kept, which gets `curve`; by default the task.
        identity: what else a run that is continued must share with its checkpoint, besides
            settings and batches, such as digests of the validation data; plain values by name.
        warm_start: whether to continue from `model.training_state`: epochs are counted on, and the
            optimiser keeps its moments. A schedule covers the epochs of this call.
        collapse: reports, and perhaps stops, a training that learns little but popularity.

    Returns:
        The learning curve.

    Raises:
        FloatingPointError: the loss, a weight or a score became NaN or infinite.
        ValueError: the checkpoint belongs to a run with other settings or data (`OtherRun`) or is
            damaged, there is no state to start from or one of another optimiser, or a layer of
            TensorFlow Recommenders inside the task would not be trained.
    """
    model = task if model is None else model
    earlier = _earlier_state(model) if warm_start else TrainingState()
    model.training_state = None
    curve = model.curve = LearningCurve(measure=measure_name)
    collapse = collapse or CollapseCheck()
    validate = Validate(measure, curve, *_limits(training))
    optimizer = _build(task, training, len(batches) * training.epochs, earlier.steps)
    if warm_start:
        earlier.restore(optimizer, task.trainable_variables, model)
    validate.set_model(task)
    settings = {"epochs before": earlier.epochs} if warm_start else {}
    if checkpoint is not None:
        settings |= {**_settings(task, batches, training), **batches.identity(), **(identity or {})}
        _resume(checkpoint, task, validate, settings)
    collapse.watch(curve)
    if not (validate.ends() or collapse.ends) and len(curve.rows) < training.epochs:
        callbacks = _epoch_begins(batches, training) + [validate, collapse]
        callbacks += [Checkpoint(checkpoint, validate, settings)] if checkpoint else []
        callbacks += [Progress(curve)] if verbose and process_rank() == 0 else []
        epochs = range(earlier.epochs + len(curve.rows), earlier.epochs + training.epochs)
        _train(task, batches, epochs, callbacks, validate)
    else:
        validate.leave_best()
    if not table_by_rows():  # Of which no process has the state as a whole.
        model.training_state = TrainingState.of(optimizer, earlier.epochs + len(curve.rows), model)
    return curve


def _epoch_begins(batches: EpochBatches, training: Training) -> list[keras.callbacks.Callback]:
    """Return the callbacks that make an epoch reproducible and the same in all processes."""
    callbacks = [ReproducibleEpochs(batches, training.seed)]
    return callbacks + ([SameBatches(batches)] if table_by_rows() else [])


def _limits(training: Training) -> tuple[int | None, int, float | None]:
    """Patience, epochs between validations and seconds of a training."""
    alone = training.max_seconds is None or process_count() == 1
    must = "`max_seconds` must be None for several processes, whose clocks differ"
    require(alone, must, max_seconds=training.max_seconds)
    return training.patience, training.validate_every, training.max_seconds


def _build(
    task: keras.Model, training: Training, steps: int, begin: int
) -> keras.optimizers.Optimizer:
    """Build and compile a task, and build its optimiser."""
    optimizer = make_optimizer(training, steps, begin)
    compile_task(task, optimizer)
    set_seed(training.seed)
    task.build()
    if "tensorflow_recommenders" in sys.modules:  # Nobody else has layers of Keras 2.
        refuse_legacy_layers(task)
    optimizer.build(task.trainable_variables)
    return optimizer


def _earlier_state(model: keras.Model) -> TrainingState:
    state = getattr(model, "training_state", None)
    if state is None:
        raise ValueError(
            "`warm_start` needs a model that `fit` has trained in this process, or one that `grow` "
            "made of it. Train the model with `warm_start=False` first; with the same data and "
            "`checkpoint` as an earlier run, that takes the result from the file. "
            f"Received: model={type(model).__name__} without a training state"
        )
    return state


def _train(task, batches, epochs: range, callbacks: list, validate: Validate) -> None:
    callbacks = callbacks + ([ReleaseMemory()] if keras.backend.backend() == "jax" else [])
    try:
        task.fit(
            shared_batches(batches),
            initial_epoch=epochs.start,
            epochs=epochs.stop,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )
    except KeyboardInterrupt:
        best = validate.curve.best
        kept = "the last step" if best is None else f"epoch {best['epoch']}"
        message = f"Training was stopped. The model has the weights of {kept}; `model.curve` has "
        print(f"{message}{counted(len(validate.curve.rows), 'finished epoch')}.", file=sys.stderr)
        raise
    finally:
        validate.leave_best()


def compile_task(task: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """Compile a task with the fastest CPU settings of its backend."""
    backend = keras.backend.backend()
    task.compile(
        optimizer=optimizer,
        # XLA makes Keras dropout about fifty times slower in TensorFlow.
        jit_compile=backend == "jax",
        # JAX would compile every mix of shapes; PyTorch in Keras knows single steps only.
        steps_per_execution=STEPS_TOGETHER if backend == "tensorflow" else 1,
    )


def _settings(task: keras.Model, batches: EpochBatches, training: Training) -> dict:
    """Return the settings that must be equal in a continued run, as a flat dict for JSON.

    A limit of time is none of them: it changes no step, only how many there are.
    """
    task_settings = dict(_leaves(task.get_config(), "task"))
    of_training = {k: v for k, v in asdict(training).items() if k != "max_seconds"}
    return {**of_training, **task_settings, "steps": len(batches)}


def _leaves(config: dict, prefix: str) -> Iterator[tuple[str, object]]:
    """Return the plain values of nested dicts under dotted names.

    Names and shapes are left out: they depend on what else was made or called before.
    """
    for key, value in config.items():
        if isinstance(value, dict) and key != "build_config":
            yield from _leaves(value, f"{prefix}.{key}")
        elif isinstance(value, str | int | float | None) and key != "name":
            yield f"{prefix}.{key}", value


def _resume(path: Path, task: keras.Model, validate: Validate, settings: dict) -> None:
    """Restore a checkpoint if there is one."""
    check_agreement(settings)
    if not path.exists():
        return
    state, arrays = load_checkpoint(path)
    stored = {k: v for k, v in state["settings"].items() if k != "max_seconds"}
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
    write_variables(task.weights, arrays["weights"])
    write_variables(task.optimizer.variables, arrays["optimizer"])
    validate.curve.rows.extend(state["rows"])
    validate.best_weights = arrays.get("best")
