"""Measure bulk scoring: the lists and the speed of two processes against those of one."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

import recmodels as rm
from benchmarks.distributed import one_core, run_measured, store
from recmodels.features.vocabulary import Vocabulary
from recmodels.scale.prepare import prepare_shards
from recmodels.scale.shards import read_manifest

WIDTH, LENGTH, K = 64, 50, 10


def measure_scoring(source: Path, work: Path, results: Path) -> dict:
    """Score all users of a log with one process and with two, and store how much faster two are.

    The one process has one core and each of the two has one; a further row is that of one process
    with all cores. The model has initial weights, which take as long as trained ones.

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
    counts = read_manifest(shards)["counts"]
    rows = {
        "one core": score(work, 1, one_core()),
        "two processes with a core each": score(work, 2),
    }
    check_equal(work)
    rows["one process with all cores"] = score(work, 1)
    one, two, _ = rows.values()
    found = {
        "bulk_speedup": round(one["seconds"] / two["seconds"], 2),
        "bulk": {
            "users": counts["users"],
            "items": counts["items"],
            "lists_are_equal": True,
            "rows": rows,
        },
    }
    store(results, lambda content: content.update(found))
    return found


def score(work: Path, processes: int, before: Sequence[str] = ()) -> dict:
    """Score all users by the command, and return what it took.

    Args:
        work: folder of shards, bundle and lists.
        processes: their number.
        before: words before the command.
    """
    out = work / f"lists-{processes}"
    shutil.rmtree(out, ignore_errors=True)  # Files that are there would not be made again.
    command = [*before, sys.executable, "-m", "recmodels", "score", work / "bundle"]
    command += [work / "shards", out, "-k", K, "--processes", processes, "--json"]
    measured = run_measured(list(map(str, command)))
    del measured["output"]
    return measured


def check_equal(work: Path) -> None:
    """Raise a `RuntimeError` unless one process and two have written the same lists."""
    for path in sorted((work / "lists-1").glob("shard-*.parquet")):
        if not pq.read_table(path).equals(pq.read_table(work / "lists-2" / path.name)):
            raise RuntimeError(f"{path.name} differs between one process and two")
