"""What each family of encoders remembers, and what it costs: the lag task and the copy task."""

import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.memory import memory_growth
from recmodels.api import fit
from recmodels.data.files import locked, write_json
from recmodels.data.memory_tasks import copy_log, lag_ceiling, lag_log
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.report import evaluate
from recmodels.experiments.stored import read_json
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import SequenceData, prepare
from recmodels.models.families import FAMILIES
from recmodels.training.seeds import set_seed

TASKS = {"lag": (1, 4, 16), "copy": (4, 8)}
MODEL = {"max_length": 40, "width": 32, "num_blocks": 2, "dropout": 0.0}
TRAINING = {"batch_size": 16, "epochs": 15, "learning_rate": 0.003, "schedule": "cosine",
            "validate_every": 15, "patience": None}  # fmt: skip
WITHOUT_TIMES = tuple(name for name in FAMILIES if name != "hstu-times")
REQUESTS = 30
COSTS = ["parameters", "epoch_seconds", "request_ms", "memory_mib"]
MIB = 2**20


def memory_tasks(
    families: tuple[str, ...] = WITHOUT_TIMES,
    *,
    training: dict | None = None,
    num_users: int = 1000,
    results: Path = Path("results"),
) -> list[dict]:
    """Train each family on each task and size; store a row each in `memory_tasks.json`.

    Rows that are stored already are kept, so that an interrupted run continues.

    Args:
        families: names of `FAMILIES`.
        training: options of `fit` instead of `TRAINING`.
        num_users: of each log.
        results: folder of the file.

    Returns:
        All rows: `task`, `size`, `family`, test `hr@1` with its `ceiling`, `parameters`,
        `epoch_seconds`, `request_ms` and `memory_mib`, by which the process grew at most.
    """
    path = results / "memory_tasks.json"
    with locked(path):
        rows = read_json(path)["rows"] if path.exists() else []
        done = {(row["task"], row["size"], row["family"]) for row in rows}
        for task, sizes in TASKS.items():
            for size in sizes:
                log = (lag_log if task == "lag" else copy_log)(size, num_users)
                data = prepare(leave_one_out(log), protocol=Protocol(filter_seen=False))
                for family in families:
                    if (task, size, family) not in done:
                        measured = alone(measure_family, family, data, training or TRAINING)
                        ceiling = lag_ceiling() if task == "lag" else 1.0
                        place = {"task": task, "size": size, "family": family}
                        rows.append({**place, "ceiling": ceiling, **measured})
                        write_json(path, {"model": MODEL, "training": TRAINING, "rows": rows})
    return rows


def alone(function, *args):
    """Call a function in a process of its own, whose memory no earlier call has used."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        return executor.submit(function, *args).result()


def measure_family(family: str, data: SequenceData, training: dict) -> dict:
    """Train one family and measure what it answers and what it costs."""
    set_seed(0)
    with memory_growth() as grown:
        model = FAMILIES[family].build(data.num_items, **MODEL)
        curve = fit(model, data, verbose=False, **training)
    hits = evaluate(model, data.test, ks=(1,)).metrics["hr@1"]
    request = data.test.histories.window([0])
    seconds = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        model.score(request)
        seconds.append(time.perf_counter() - began)
    return {
        "hr@1": round(hits, 4),
        "parameters": model.count_params(),
        "epoch_seconds": round(statistics.median(row["seconds"] for row in curve.rows), 3),
        "request_ms": round(1000 * float(np.median(seconds)), 2),
        "memory_mib": round(grown[0] / MIB),
    }


def memory_curves(rows: list[dict], task: str) -> dict[str, pd.Series]:
    """HR@1 by size for each family, for `plots.option_curves`."""
    table = pd.DataFrame(rows).query("task == @task")
    table = table.pivot(index="size", columns="family", values="hr@1")
    return {FAMILIES[name].title: table[name] for name in FAMILIES if name in table}


def describe_memory_tasks(rows: list[dict]) -> str:
    """Return the table of the results as text."""
    table = pd.DataFrame(rows)
    table["task"] += " " + table["size"].astype(str)
    hits = table.pivot(index="family", columns="task", values="hr@1")
    costs = table.groupby("family")[COSTS].median()
    return hits.join(costs).to_string()
