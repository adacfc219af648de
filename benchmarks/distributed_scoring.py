"""Measure bulk scoring: the lists and the speed of two processes against those of one."""

import shutil
import sys
from pathlib import Path

import pyarrow.parquet as pq

import recmodels as rm
from benchmarks.distributed import run_measured, store
from recmodels.features.vocabulary import Vocabulary
from recmodels.scale.prepare import prepare_shards
from recmodels.scale.shards import read_manifest, shard_path

WIDTH, LENGTH, K = 64, 50, 10


def measure_scoring(source: Path, work: Path, results: Path) -> dict:
    """Score all users of a log with one process and with two, and store how much faster two are.

    The model has initial weights, which take as long as trained ones.

    Args:
        source: of `prepare_shards`.
        work: folder of shards, bundle and lists.
        results: folder with distributed.json.

    Raises:
        RuntimeError: the lists differ.
    """
    shards, bundle = work / "shards", work / "bundle"
    prepare_shards(source, shards)
    items = pq.read_table(shards / "shards" / "vocabulary.parquet")["item_id"].to_pandas()
    model = rm.SASRec(len(items), max_length=LENGTH, width=WIDTH)
    model.build()
    rm.Recommender(model, Vocabulary(items), filter_seen=True).save(bundle)
    counts, measured = read_manifest(shards)["counts"], {}
    for processes in (1, 2):
        out = work / f"lists-{processes}"
        shutil.rmtree(out, ignore_errors=True)  # Files that are there would not be made again.
        command = [sys.executable, "-m", "recmodels", "score", str(bundle), str(shards), str(out)]
        command += ["-k", str(K), "--processes", str(processes), "--json"]
        measured[processes] = run_measured(command)
    for shard in range(16):
        one, two = (pq.read_table(shard_path(work / f"lists-{n}", shard)) for n in (1, 2))
        if not one.equals(two):
            raise RuntimeError(f"The lists of shard {shard} differ between one and two processes")
    found = {
        "bulk_speedup": round(measured[1]["seconds"] / measured[2]["seconds"], 2),
        "bulk": {
            "users": counts["users"],
            "items": counts["items"],
            "seconds": [measured[n]["seconds"] for n in (1, 2)],
            "processor_seconds": [measured[n]["processor_seconds"] for n in (1, 2)],
            "load": [measured[n]["load"] for n in (1, 2)],
            "lists_are_equal": True,
        },
    }
    store(results, lambda content: content.update(found))
    return found
