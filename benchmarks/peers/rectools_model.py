"""SASRec of RecTools, with its own batches and its own trainer.

python rectools_model.py TASK.npz [PRECISION]

PRECISION is that of its trainer, such as bf16-mixed.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from pytorch_lightning import Callback, Trainer
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from worker import answer


class EpochClock(Callback):
    """Seconds of the latest epoch, without the preparation that a further fit repeats."""

    def on_train_epoch_start(self, trainer, module) -> None:
        self.began, self.spent = time.perf_counter(), time.process_time()

    def on_train_epoch_end(self, trainer, module) -> None:
        self.seconds = time.perf_counter() - self.began
        self.processor_seconds = time.process_time() - self.spent


def make_dataset(arrays) -> Dataset:
    """The histories as the table of interactions that RecTools reads."""
    lengths = np.diff(arrays["offsets"])
    users = np.repeat(np.arange(len(lengths)), lengths)
    times = pd.Timestamp("2000-01-01") + pd.to_timedelta(np.arange(len(users)), unit="s")
    return Dataset.construct(
        pd.DataFrame(
            {"user_id": users, "item_id": arrays["items"], "weight": 1.0, "datetime": times}
        )
    )


def main() -> None:
    """Train an epoch whenever asked."""
    warnings.filterwarnings("ignore")
    arrays = np.load(Path(sys.argv[1]))
    task = json.loads(str(arrays["task"]))
    precision = sys.argv[2] if len(sys.argv) > 2 else "32-true"
    dataset, clock = make_dataset(arrays), EpochClock()
    model = SASRecModel(
        n_blocks=task["num_blocks"],
        n_heads=task["num_heads"],
        n_factors=task["width"],
        dropout_rate=task["dropout"],
        session_max_len=task["max_length"],
        loss="sampled_softmax" if task["num_negatives"] else "softmax",
        n_negatives=task["num_negatives"] or 1,
        batch_size=task["batch_size"],
        get_trainer_func=lambda: Trainer(
            max_epochs=1,
            accelerator="cpu",
            precision=precision,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        ),
    )
    positions = int((arrays["ends"] - arrays["starts"] - 1).sum())

    def run_epoch() -> dict:
        if not model.is_fitted:
            model._trainer.callbacks.append(clock)  # Before the trainer is copied for the fit.
        model.fit_partial(dataset, min_epochs=1, max_epochs=1)
        timed = next(c for c in model.fit_trainer.callbacks if isinstance(c, EpochClock))
        return {
            "positions": positions,
            "seconds": timed.seconds,
            "processor_seconds": timed.processor_seconds,
        }

    answer(run_epoch)


if __name__ == "__main__":
    main()
