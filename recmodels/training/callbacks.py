"""Keras callbacks of a training: reproducible epochs, validation, checkpoints, progress."""

import ctypes
import math
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import keras

from recmodels.features.epochs import EpochBatches
from recmodels.layers.text_embedding import TextItemEmbedding
from recmodels.training.checkpoints import read_variables, save_checkpoint, write_variables
from recmodels.training.curve import LearningCurve
from recmodels.training.processes import (
    host_array,
    process_rank,
    table_by_rows,
    whole_tables,
)
from recmodels.training.seeds import seed_dropout
from recmodels.training.state import averages_of

SILENT_SECONDS = 10.0  # The longest time without a line where no terminal shows the progress.


class ReproducibleEpochs(keras.callbacks.Callback):
    """Make batches and dropout a function of the seed and the epoch.

    Keras calls `on_epoch_end` of the batches more often than epochs end, so the number of the
    epoch is set here.
    """

    def __init__(self, batches: EpochBatches, seed: int) -> None:
        super().__init__()
        self.batches = batches
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.batches.set_epoch(epoch)
        seed_dropout(self.model, self.seed, epoch)


class ReleaseMemory(keras.callbacks.Callback):
    """Return to the system after each epoch what the C library keeps of freed memory.

    After JAX has compiled a step, that is some 0.3 GiB. Does nothing where the C library has no
    such function.
    """

    def on_epoch_end(self, epoch, logs=None) -> None:
        library = ctypes.CDLL(None) if sys.platform == "linux" else None
        if hasattr(library, "malloc_trim"):
            library.malloc_trim(0)


class Validate(keras.callbacks.Callback):
    """Score the model after an epoch, keep the best weights, and stop early without improvement.

    A loss, a weight or a score that is not a finite number raises a `FloatingPointError`.

    Args:
        measure: called with no argument, returns the score (higher is better); None only
            records the loss.
        curve: gets a row per epoch.
        patience: epochs without a better score before training stops; None never stops.
        max_seconds: of all epochs, after which training stops with a last validation; None for any.
        every: epochs between two validations.
    """

    def __init__(
        self,
        measure: Callable[[], float] | None,
        curve: LearningCurve,
        patience: int | None,
        every: int = 1,
        max_seconds: float | None = None,
    ) -> None:
        super().__init__()
        self.measure = measure
        self.curve = curve
        self.patience = patience
        self.every = every
        self.max_seconds = math.inf if max_seconds is None else max_seconds
        self.best_weights = None

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None) -> None:
        loss = float(logs["loss"])
        self._refuse_divergence(epoch, loss)
        used_up = self.curve.seconds + self._seconds() >= self.max_seconds
        due = (epoch + 1) % self.every == 0 or epoch + 1 == self.params["epochs"] or used_up
        best, score = self.curve.best, None
        if self.measure is not None and due:
            with averaged_weights(self.model), whole_tables(self.model.weights):
                refresh_texts(self.model)
                score = float(self.measure())
                if not math.isfinite(score):
                    raise FloatingPointError(
                        f"The validation score of epoch {epoch + 1} is {score}, so that no epoch "
                        "can be called the best. `measure` must return a finite number."
                    )
                if best is None or score > best["score"]:
                    self.best_weights = read_variables(self.model.weights)
        self.curve.rows.append(
            {"epoch": epoch + 1, "loss": loss, "score": score, "seconds": self._seconds()}
        )
        self.model.stop_training = self.ends()

    def _seconds(self) -> float:
        """Since the epoch began."""
        return round(time.perf_counter() - self._began, 3)

    def ends(self) -> bool:
        """Return whether patience or time is used up by the epochs of the curve."""
        last, best = (self.curve.rows or [{"score": None}])[-1], self.curve.best
        scored = self.patience is not None and last["score"] is not None
        if scored and last["epoch"] - best["epoch"] >= self.patience:
            return True
        self.curve.out_of_time = self.curve.seconds >= self.max_seconds
        return self.curve.out_of_time

    def _refuse_divergence(self, epoch: int, loss: float) -> None:
        """Raise if the loss or a weight is not finite; the loss may be capped."""
        reason = f"the loss of epoch {epoch + 1} is {loss}"
        if math.isfinite(loss):
            variables = self.model.trainable_variables
            if all(bool(keras.ops.all(keras.ops.isfinite(variable))) for variable in variables):
                return
            reason = (
                f"after epoch {epoch + 1} a weight is not finite, though the loss is {loss:.4g}"
            )
        raise FloatingPointError(
            f"Training diverged: {reason}. Try a smaller `learning_rate`, a `warmup` or gradient "
            "clipping."
        )

    def leave_best(self) -> None:
        """Set the weights to the best so far; without a score to those of the last step."""
        optimizer = self.model.optimizer
        if self.best_weights is not None:
            write_variables(self.model.weights, self.best_weights)
        elif int(optimizer.iterations):  # Before the first step there is no average.
            optimizer.finalize_variable_values(self.model.trainable_variables)
            refresh_texts(self.model)


def refresh_texts(model: keras.Model) -> None:
    """Compute the item vectors that come from texts by the weights as they are."""
    for layer in model._flatten_layers():
        if isinstance(layer, TextItemEmbedding):
            layer.refresh()


@contextmanager
def averaged_weights(model: keras.Model):
    """Set the weights to the optimiser's averages inside the block."""
    averages = averages_of(model.optimizer)
    if not averages:
        yield
        return
    weights = read_variables(model.trainable_variables)
    write_variables(model.trainable_variables, read_variables(averages))
    try:
        yield
    finally:
        write_variables(model.trainable_variables, weights)


class Checkpoint(keras.callbacks.Callback):
    """Write after each epoch everything needed to continue.

    All weights of the model are held: some, such as the moving averages of a
    `BatchNormalization`, change in training though no gradient moves them.

    Args:
        path: of the file.
        validate: the callback that holds curve and best weights.
        settings: of the run and its data; a checkpoint with others is not continued.
    """

    def __init__(self, path: Path, validate: Validate, settings: dict) -> None:
        super().__init__()
        self.path = path
        self.validate = validate
        self.settings = settings

    def on_epoch_end(self, epoch, logs=None) -> None:
        state = {"settings": self.settings, "rows": self.validate.curve.rows}
        arrays = {
            "weights": map(host_array, self.model.weights),
            "optimizer": map(host_array, self.model.optimizer.variables),
            "best": self.validate.best_weights or [],
        }
        if process_rank() == 0:  # One of several processes writes the file.
            save_checkpoint(self.path, state, arrays)
        elif table_by_rows():  # The others give it their rows.
            for _ in chain(arrays["weights"], arrays["optimizer"]):
                pass


class Progress(keras.callbacks.Callback):
    """One line per epoch on standard error: loss, score, seconds, time left.

    Within an epoch, a terminal shows one line that is redrawn; elsewhere a line is added after
    every `SILENT_SECONDS`.
    """

    def __init__(self, curve: LearningCurve) -> None:
        super().__init__()
        self.curve = curve
        self._live = sys.stderr.isatty()

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self._epoch, self._began, self._drawn = epoch, time.perf_counter(), 0
        self._said = self._began

    def on_train_batch_end(self, batch, logs=None) -> None:
        steps, now = self.params.get("steps"), time.perf_counter()
        if not steps:
            return
        done = min(batch + 1, steps)  # Several steps may end at once, the last time fewer.
        fresh = done - self._drawn >= steps // 50 if self._live else self._silent_since(now)
        if not fresh:
            return
        self._drawn, self._said = done, now
        left = (now - self._began) / done * (steps - done)
        begin, end = ("\r", " \033[K") if self._live else ("", "\n")
        sys.stderr.write(
            f"{begin}  epoch {self._epoch + 1}/{self.params['epochs']}: "
            f"{done / steps:4.0%}, {_duration(left)} left in it{end}"
        )
        sys.stderr.flush()

    def _silent_since(self, now: float) -> bool:
        return now - self._said >= SILENT_SECONDS

    def on_epoch_end(self, epoch, logs=None) -> None:
        row, best = self.curve.rows[-1], self.curve.best
        left = (self.params["epochs"] - epoch - 1) * self.curve.seconds / len(self.curve.rows)
        score = (
            ""
            if row["score"] is None
            else (f"  {self.curve.measure} {row['score']:.4f} (best {best['score']:.4f})")
        )
        sys.stderr.write(
            f"{chr(13) if self._live else ''}  epoch {epoch + 1}/{self.params['epochs']}"
            f"  loss {row['loss']:.4f}{score}  {row['seconds']:.1f} s"
            f"  at most {_duration(left)} left{chr(27) + '[K' if self._live else ''}\n"
        )
        sys.stderr.flush()


def _duration(seconds: float) -> str:
    """`45 s`, `12 min` or `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
