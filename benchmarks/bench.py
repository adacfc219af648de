"""Time an epoch of ours against that of others, in one run, and store what came out."""

import contextlib
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.competitors import (
    COMPETITORS,
    SAMPLED_NEGATIVES,
    SETTINGS,
    ask,
    find_competitors,
    worker_of,
)
from benchmarks.race import stored_races
from benchmarks.roofline import (
    copy_bandwidth,
    layer_times,
    matmul_rate,
    median_seconds,
    useful_flops,
)
from recmodels.data.files import locked, write_json
from recmodels.data.registry import load
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.report import evaluate
from recmodels.experiments.run import versions
from recmodels.features.sequences import SequenceData, prepare
from recmodels.models.sasrec import SASRec
from recmodels.plots.results import model_comparison
from recmodels.threads import usable_cores


def bench(
    dataset: str = "ml-1m-sasrec",
    competitors: Iterable[str] = tuple(COMPETITORS),
    *,
    rounds: int = 3,
    runs: Path = Path("runs"),
    results: Path = Path("results"),
) -> dict:
    """Let the competitors train an epoch in turns and store medians and ratios.

    Each is a process of its own that waits while others work. All train on the newest window of
    each user, the same targets, model size and loss. Each round is stored when it ends.

    Args:
        dataset: a name `load` knows.
        competitors: keys of `COMPETITORS`.
        rounds: epochs of each.
        runs: folder of environments and of the task file; environments are made once.
        results: `bench.json` is written here.

    Raises:
        ValueError: a competitor is unknown, or this is no checkout of the repository.
        RuntimeError: a competitor ended before it answered; its own words are in the message.
    """
    chosen = find_competitors(competitors)
    folder = runs / "bench"
    data = prepare(leave_one_out(load(dataset)))
    answers = {name: [] for name in chosen}
    alone = {
        "layers": layer_times(),
        "seconds_whole_test_ranking": round(ranking_seconds(data), 3),
    }
    with contextlib.ExitStack() as stack:
        workers = {
            name: stack.enter_context(worker_of(competitor, data, folder))
            for name, competitor in chosen.items()
        }
        for number in range(rounds):
            for name, worker in workers.items():
                answers[name].append(ask(worker))
                seconds = answers[name][-1]["seconds"]
                print(f"  round {number + 1}/{rounds}  {name:36} {seconds:7.1f} s", file=sys.stderr)
            result = {"dataset": dataset, **summarise(answers, data), **alone}
            with locked(results / "bench.json"):
                write_json(results / "bench.json", {"races": stored_races(results), **result})
    _draw(result, folder / "bench.png")
    return result


def ranking_seconds(data: SequenceData, repeats: int = 3) -> float:
    """Seconds to rank the whole catalogue for every test user, seen items out, with all metrics.

    Args:
        data: with a test part.
        repeats: of which the median is taken; one more, before, compiles.
    """
    options = {k: v for k, v in SETTINGS.items() if k != "batch_size"}
    model = SASRec(data.num_items, **options)
    model.build()

    def measure():
        return evaluate(model, data.test, filter_seen=True, train=data.train)

    return median_seconds(measure, repeats)


def describe_bench(result: dict) -> str:
    """The result of `bench` as a table in plain text."""
    lines = [f"{'seconds per epoch (median)':38} {'seconds':>9} {'of ours':>9} {'peak GiB':>9}"]
    for name, row in result["epochs"].items():
        ratio = result.get(f"ratio_{name}", 1.0)
        lines.append(f"{name:38} {row['seconds']:9.1f} {ratio:9.2f} {row['peak_gib']:9.2f}")
    if "share_of_matmul_rate" in result:
        lines.append(
            f"useful arithmetic at {result['share_of_matmul_rate']:.0%} of the rate of square "
            f"matrix products, {result['matmul_gflops']:.0f} GFLOP/s on {result['cores']} cores"
        )
    if "seconds_whole_test_ranking" in result:
        lines.append(f"whole test ranking: {result['seconds_whole_test_ranking']:.2f} s")
    lines += ["", f"{'a layer, forward and back':38} {'ms':>9} {'floor':>9} {'of floor':>9}"]
    for name, row in result["layers"].items():
        milliseconds, floor = row["milliseconds"], row["floor_milliseconds"]
        lines.append(f"{name:38} {milliseconds:9.2f} {floor:9.2f} {milliseconds / floor:9.1f}")
    return "\n".join(lines)


def _draw(result: dict, path: Path) -> None:
    """Medians and ranges of the competitors."""
    rows = {
        name.replace("_epoch_", ", ").replace("_", " "): [run["seconds"] for run in runs]
        for name, runs in result["all_runs"].items()
    }
    table = pd.DataFrame(
        {"mean": [np.median(r) for r in rows.values()], "low": [min(r) for r in rows.values()]},
        index=list(rows),
    ).assign(high=[max(r) for r in rows.values()])
    axes = model_comparison(table, label="seconds per epoch, median and range")
    axes.figure.savefig(path, bbox_inches="tight", dpi=150)


def summarise(answers: dict[str, list[dict]], data: SequenceData) -> dict:
    """Medians of each competitor, ratios to ours with the same loss, and the share of the machine.

    Args:
        answers: by competitor, what its epochs took: `seconds`, `processor_seconds`, `positions`,
            `peak_gib`.
        data: what they trained on.
    """
    rate = matmul_rate()
    medians = {
        name: {key: float(np.median([row[key] for row in rows])) for key in rows[0]}
        for name, rows in answers.items()
    }
    result = {
        "settings": {**SETTINGS, "sampled_negatives": SAMPLED_NEGATIVES},
        "cores": usable_cores(),
        "matmul_gflops": round(rate / 1e9, 1),
        "copy_gib_per_second": round(copy_bandwidth() / 2**30, 2),
        "epochs": medians,
        "all_runs": answers,
        "versions": versions(),
    }
    for name, row in medians.items():
        _, _, loss = name.partition("_epoch_")
        ours = medians.get(f"recmodels_epoch_{loss}")
        if ours is not None and row is not ours:
            result[f"ratio_{name}"] = round(row["seconds"] / ours["seconds"], 3)
    full = medians.get("recmodels_epoch_full_softmax")
    if full is not None:
        lengths = np.minimum(data.train.lengths - 1, SETTINGS["max_length"]).clip(0)
        work = useful_flops(lengths, data.num_items, SETTINGS)
        result["useful_tflop"] = round(work / 1e12, 3)
        result["share_of_matmul_rate"] = round(work / full["seconds"] / rate, 4)
        result["peak_gib"] = round(full["peak_gib"], 3)
    return result
