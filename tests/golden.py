"""Results of short trainings and of counted models, stored to show that a change alters none.

`PYTHONPATH=. python tests/golden.py` measures all of them again and names those whose weights or
ranks differ in any bit from the stored ones. With `--write` it stores the new values: use it only
where a change is meant to alter results, and list the altered rows in the commit. The test compares
with a tolerance instead, because other processors round differently.
"""

import contextlib
import functools
import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np

from recmodels.data.registry import open_log
from recmodels.experiments.catalogue import find_experiment
from recmodels.experiments.run import run_seed, split_log
from recmodels.features.batches import NextItemBatches
from recmodels.features.ratings import RatingBatches

STORED = Path(__file__).with_name("golden.json")
EPOCHS, STEPS = 5, 10  # 50 steps in all.
# One experiment of each family: data set, protocol, model and loss.
TRAINED = (
    "shop-softmax",
    "ml-1m-sasrec-softmax",
    "ml-1m-sasrec-sampled_softmax",
    "ml-1m-sasrec-bce",
    "ml-1m-sasrec-gbce",
    "ml-1m-sasrec-in_batch",
    "beauty-softmax",
    "ml-100k-temporal-sasrec",
    "ml-100k-temporal-two-tower-ease",
    "ml-100k-random-tutorial",
    "ml-100k-random-joint",
    "ml-100k-random-rating",
    "ml-100k-random-dcn",
    "ml-100k-temporal-80-20-mlp",
)
COUNTED = (
    "ml-1m-sasrec-random",
    "ml-1m-sasrec-popularity",
    "ml-1m-sasrec-markov",
    "ml-1m-sasrec-item-knn",
    "beauty-markov",
    "ml-100k-temporal-ease",
    "ml-100k-temporal-recent-popularity",
    "ml-100k-random-als",
    "ml-100k-random-bias",
    "ml-100k-temporal-80-20-popularity",
)


def measure(name: str) -> dict:
    """Losses per epoch of ten steps, norms of the weights, and metrics of one experiment."""
    experiment = find_experiment(name)
    log = _log(experiment.dataset)
    if name in TRAINED:
        short = {"epochs": EPOCHS, "validate_every": EPOCHS, "warmup": STEPS // 2}
        experiment = replace(experiment, fit={**experiment.fit, **short})
    with _few_steps():
        split = split_log(log, experiment.protocol, 0)
        run = run_seed(experiment, 0, split, verbose=False)
    ranks = _rating_rows(run, log) if experiment.holds_out_ratings else run.test.per_user["rank"]
    # The stored metrics need nothing but ranks and lists, no categories of the items.
    metrics = {k: v for k, v in run.test.metrics.items() if not k.startswith("diversity")}
    found = {"metrics": metrics, "ranks": _digest([ranks.to_numpy()])}
    if run.curve is not None:
        weights = [np.asarray(w, np.float64) for w in _network(run.model).get_weights()]
        found["losses"] = [row["loss"] for row in run.curve.rows]
        found["norms"] = [float(np.sqrt((w**2).sum())) for w in weights]
        found["weights"] = _digest(weights)
    return found


def _rating_rows(run, log):
    """Measures of each held-out rating, with the place of its user among all of the log."""
    places = np.searchsorted(np.unique(log.events["user"]), run.data.train.users)
    return run.test.table.assign(user=places[run.test.table["user"]]).astype(np.float64)


def _network(model):
    """The trained network, also where counted models are added to it."""
    return model if hasattr(model, "get_weights") else model.scorers[0]


@functools.cache
def _log(dataset: str):
    return open_log(dataset, {})[0]


@contextlib.contextmanager
def _few_steps():
    """Let every epoch end after the first ten batches."""
    with contextlib.ExitStack() as stack:
        for kind in (NextItemBatches, RatingBatches):
            steps = kind.__len__
            short = lambda self, steps=steps: min(STEPS, steps(self))  # noqa: E731
            stack.enter_context(mock.patch.object(kind, "__len__", short))
        yield


def _digest(arrays) -> str:
    joined = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)
    return hashlib.sha256(joined).hexdigest()[:16]


def main() -> None:
    """Compare every experiment with its stored values, or store new ones with `--write`."""
    found = {}
    for name in (*TRAINED, *COUNTED):
        found[name] = measure(name)
        print(name, end=" ", flush=True)
    if "--write" in sys.argv:
        STORED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return
    stored = json.loads(STORED.read_text("utf-8"))
    exact = ("ranks", "weights")
    changed = [n for n in found if any(found[n].get(k) != stored[n].get(k) for k in exact)]
    print("\ndiffer:", changed or "none")


if __name__ == "__main__":
    main()
