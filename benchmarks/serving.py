"""Time a bundle's answers: single requests, all users at once, and the exported SavedModel.

    python benchmarks/serving.py [--requests 300] [--users 6040] [--hidden-widths 64 256]

The models are SASRecs for MovieLens-1M (length 200, width 64, 2 blocks, 2 heads) with random
weights: what they recommend costs as much. Lengths of histories are those of the data set where it
is at hand. Medians and 95th percentiles of the wall time, and the processor time, which other work
on the machine does not lengthen as much, go to `results/serving.json`. The first requests, which
compile, are not counted.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
NUM_ITEMS, MAX_LENGTH = 3416, 200
WARM_UP = 30
EVERYBODY = 11  # Times; the first is not counted.
# Nothing of the package is imported here: this is what a server runs.
SERVER = """
import json, sys, time
import numpy as np, tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
requests = [tf.constant([row], tf.int64) for row in json.load(open(sys.argv[2]))]
k, none = tf.constant(10), tf.zeros(0, tf.int64)
wall, own = [], []
for request in requests:
    began, used = time.perf_counter(), time.process_time()
    loaded.recommend(request, k, none, none)["items"].numpy()
    wall.append(time.perf_counter() - began)
    own.append(time.process_time() - used)
print(json.dumps([wall, own]))
"""


def make_bundle(
    folder: Path, lengths: np.ndarray, rng: np.random.Generator, hidden_width: int
) -> list[list[int]]:
    """A bundle with random weights, and a random history of each user in raw ids."""
    from recmodels.features.histories import Histories
    from recmodels.features.vocabulary import Vocabulary
    from recmodels.models.sasrec import SASRec
    from recmodels.recommend import Recommender

    model = SASRec(
        NUM_ITEMS, MAX_LENGTH, width=64, num_blocks=2, num_heads=2, hidden_width=hidden_width
    )
    model.build(None)
    items = rng.integers(1, NUM_ITEMS + 1, lengths.sum()).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    histories = Histories(np.arange(len(lengths)), items, offsets, {})
    vocabulary = Vocabulary(np.arange(1, NUM_ITEMS + 1) * 7)
    table = pd.DataFrame({"category": np.arange(NUM_ITEMS) % 20}, index=vocabulary.raw_ids)
    Recommender(model, vocabulary, items=table, histories=histories).save(folder)
    return [part.tolist() for part in np.split(vocabulary.decode(items), offsets[1:-1])]


def timed(work: Callable, requests: Iterable) -> tuple[list[float], list[float]]:
    """Wall and processor seconds of each request."""
    wall, processor = [], []
    for request in requests:
        began, used = time.perf_counter(), time.process_time()
        work(request)
        wall.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
    return wall, processor


def summary(wall: list[float], processor: list[float]) -> dict[str, float]:
    """Milliseconds, without those of the first requests where there are many."""
    first = WARM_UP if len(wall) > WARM_UP else 1
    wall, processor = (np.array(part[first:]) * 1e3 for part in (wall, processor))
    return {
        "median_ms": round(float(np.median(wall)), 2),
        "p95_ms": round(float(np.quantile(wall, 0.95)), 2),
        "processor_median_ms": round(float(np.median(processor)), 2),
        "requests": len(wall),
    }


def measure_bundle(folder: Path, histories: list[list[int]], requests: int) -> dict:
    """Single requests and all users at once, from a loaded bundle."""
    from recmodels.recommend import AtMost, Diverse, Recommender

    recommender = Recommender.load(folder)
    some = histories[: requests + WARM_UP]
    rules = [AtMost(2), Diverse(0.3)]
    users = range(len(histories))
    everybody = timed(lambda _: recommender.recommend_many(users=users), range(EVERYBODY))
    return {
        "single": summary(*timed(recommender.recommend, some)),
        "single with rules": summary(
            *timed(lambda history: recommender.recommend(history, rules=rules), some)
        ),
        "everybody": summary(*everybody) | {"users": len(histories)},
    }


def measure_export(folder: Path, out: Path, histories: list[list[int]], requests: int) -> dict:
    """Single requests to the SavedModel in a process that knows TensorFlow alone."""
    from recmodels.recommend import Recommender
    from recmodels.recommend.export import export_saved_model

    export_saved_model(Recommender.load(folder), out)
    request_file = out.parent / "requests.json"
    request_file.write_text(json.dumps(histories[: requests + WARM_UP]))
    command = [sys.executable, "-c", SERVER, str(out), str(request_file)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {"SavedModel single": summary(*json.loads(printed))}


def history_lengths(name: str, users: int, rng: np.random.Generator) -> np.ndarray:
    """Lengths of the data set's histories, or drawn ones of a similar spread."""
    from recmodels.data.registry import load

    try:
        _, offsets = load(name).user_offsets()
    except OSError:
        return np.clip(rng.lognormal(4.6, 0.9, users).astype(int), 20, 2000)
    return rng.permutation(np.diff(offsets))[:users]


def measure(hidden_width: int, lengths: np.ndarray, requests: int) -> dict:
    """All that is timed of one model."""
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "bundle", Path(place) / "saved_model"
        histories = make_bundle(folder, lengths, np.random.default_rng(0), hidden_width)
        rows = measure_bundle(folder, histories, requests)
        return rows | measure_export(folder, out, histories, requests)


def main() -> None:
    """Measure, print and store."""
    from recmodels.data.files import write_json
    from recmodels.experiments.run import versions
    from recmodels.threads import usable_cores

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--users", type=int, default=6040)
    parser.add_argument("--hidden-widths", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--data", default="ml-1m-sasrec")
    chosen = parser.parse_args()
    lengths = history_lengths(chosen.data, chosen.users, np.random.default_rng(0))
    result = {
        "command": " ".join(["python benchmarks/serving.py", *sys.argv[1:]]),
        "cores": usable_cores(),
        "versions": versions(),
        "items": NUM_ITEMS,
        "median_history": float(np.median(lengths)),
        "hidden_width": {
            str(width): measure(width, lengths, chosen.requests) for width in chosen.hidden_widths
        },
    }
    print(json.dumps(result, indent=1))
    write_json(ROOT / "results" / "serving.json", result)


if __name__ == "__main__":
    main()
