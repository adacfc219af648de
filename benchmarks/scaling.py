"""Growth of the cost with events, length, catalogue and width, compared with a prediction."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from matplotlib.ticker import LogLocator, NullFormatter
from scipy.optimize import nnls

from benchmarks.roofline import copy_bandwidth, matmul_rate, useful_flops
from recmodels.data.files import locked, write_json
from recmodels.data.shop import simulate
from recmodels.experiments.run import versions
from recmodels.experiments.stored import read_json
from recmodels.features.batches import NextItemBatches
from recmodels.features.histories import Histories
from recmodels.features.negatives import NegativeSampler
from recmodels.models.sasrec import SASRec
from recmodels.plots.inputs import response_curves
from recmodels.plots.panels import panels
from recmodels.plots.style import save
from recmodels.tasks.next_item import NextItem
from recmodels.threads import usable_cores
from recmodels.training.fit import Training, compile_task, make_optimizer

POSITIONS = 6_400  # Of a step, however long the histories are.
NEGATIVES = 256
WARM_UP = 3  # Tracing ends when every dimension that varies has varied.
# What the twelve operations of Adam read and write of each number it learns, with its gradient.
TABLE_PASSES = 33
# A product writes a logit, the softmax reads and writes it as a probability, two products read it.
LOGIT_PASSES = 6
EVENTS_PER_USER = 40


@dataclass(frozen=True)
class Load:
    """A training to time.

    Args:
        events: of the whole log; an epoch asks for all but the first of each user.
        length: inputs of a window.
        num_items: V.
        width: D, of the feed-forward networks too.
        loss: of the task.
        num_blocks: of SASRec.
    """

    events: int = 1_000_000
    length: int = 50
    num_items: int = 10_000
    width: int = 64
    loss: str = "sampled_softmax"
    num_blocks: int = 2


BASE = Load()
# What the prediction does not know follows from these two; all else is predicted.
MEASURED_FIRST = (BASE, replace(BASE, length=200))
# One thing varied at a time; what is varied, then the trainings.
AXES = {
    "events": ("events", [replace(BASE, events=10**n) for n in (5, 6, 7)]),
    "length": ("length", [replace(BASE, length=n) for n in (50, 100, 200, 400, 800)]),
    "items": ("num_items", [replace(BASE, num_items=10**n) for n in (3, 4, 5, 6)]),
    "items_full_softmax": (
        "num_items",
        [replace(BASE, num_items=10**n, loss="full_softmax") for n in (3, 4, 5)],
    ),
    "width": ("width", [replace(BASE, width=n) for n in (16, 32, 64, 128, 256)]),
}
Axes = Mapping[str, tuple[str, Sequence[Load]]]


def scaling(axes: Axes = AXES, *, steps: int = 9, results: Path = Path("results")) -> dict:
    """Time steps of trainings that differ in one thing, and compare with a prediction.

    Args:
        axes: by name, the field of `Load` that is varied, and the trainings.
        steps: timed of each, after warm-up; the median counts.
        results: `scaling.json` in it gets `curves`; what else it holds stays.

    Returns:
        `curves`: the machine, what predictions start from, and by axis the trainings with
        measured and predicted microseconds a position, and by how much each grew.
    """
    around = circumstances()
    rate, bandwidth = matmul_rate(), copy_bandwidth()
    first = {
        load: time_steps(load, random_histories(load, steps), steps) for load in MEASURED_FIRST
    }
    seconds = {load: measured["microseconds"] / 1e6 for load, measured in first.items()}
    passes = passes_of(seconds, rate, bandwidth)
    curves = {
        **around,
        "matmul_gflops": round(rate / 1e9, 1),
        "copy_gib_per_second": round(bandwidth / 2**30, 2),
        "measured_first": [{**asdict(load), **measured} for load, measured in first.items()],
        "passes": {name: round(times, 1) for name, times in passes.items()},
        "steps": steps,
        "axes": {},
    }
    for name, (field, loads) in axes.items():
        points = []
        for load in loads:
            point = measure(load, field, steps)
            need = work(load, point["positions"])
            point["predicted_microseconds"] = round(
                1e6 * predicted_seconds(need, rate, bandwidth, passes), 2
            )
            points.append(point)
            print(f"  {name:20} {point['at']:10,} {point['microseconds']:8.1f}", file=sys.stderr)
        curves["axes"][name] = {"field": field, "points": points, **growth(points)}
    return store_scaling(results, {"curves": curves})


def measure(load: Load, field: str, steps: int) -> dict:
    """Microseconds a position of one training, and what an epoch of its events would take."""
    point, histories = {}, None
    if field == "events":
        began = time.perf_counter()
        shop = simulate(load.events // EVENTS_PER_USER, load.num_items, seed=0)
        point["generating_seconds"] = round(time.perf_counter() - began, 2)
        _, offsets = shop.interactions.user_offsets()
        items = shop.items_at(shop.interactions.events["item"]).astype(np.int32) + 1
        histories = Histories(np.arange(len(offsets) - 1), items, offsets, {})
    point |= time_steps(load, histories or random_histories(load, steps), steps)
    positions = load.events * (1 - 1 / EVENTS_PER_USER)
    point["epoch_seconds"] = round(positions * point["microseconds"] / 1e6, 2)
    return {"at": getattr(load, field), **point}


def random_histories(load: Load, steps: int, seed: int = 0) -> Histories:
    """Users enough for some steps, each with one full window of items drawn evenly.

    For the cost of a step it does not matter what follows what.
    """
    users = (WARM_UP + steps) * max(1, POSITIONS // load.length)
    rng = np.random.default_rng(seed)
    items = rng.integers(1, load.num_items + 1, users * (load.length + 1), dtype=np.int32)
    offsets = np.arange(users + 1) * (load.length + 1)
    return Histories(np.arange(users), items, offsets, {})


def time_steps(load: Load, histories: Histories, steps: int) -> dict:
    """Microseconds a real position, with the making of its batch: median and range of the steps.

    Few events fill the last batch of each length badly, so the mean `positions` of a step are told.
    """
    sampler = NegativeSampler(histories.item_counts(load.num_items)[1:], NEGATIVES)
    batches = NextItemBatches(
        histories,
        load.length,
        max(1, POSITIONS // load.length),
        seed=0,
        windows="all",
        negatives=None if load.loss == "full_softmax" else sampler,
    )
    model = SASRec(load.num_items, load.length, load.width, load.num_blocks)
    task = NextItem(model, load.loss)
    optimizer = make_optimizer(Training(), steps)
    compile_task(task, optimizer)
    task.build()  # Otherwise the first step is traced twice.
    optimizer.build(task.trainable_variables)
    pace, positions = [], []
    for step in range(WARM_UP + steps):
        began = time.perf_counter()
        inputs, targets, weights = batches[step % len(batches)]
        task.train_on_batch(inputs, targets, weights)
        positions.append(weights.sum())
        pace.append(1e6 * (time.perf_counter() - began) / positions[-1])
    pace, positions = pace[WARM_UP:], positions[WARM_UP:]
    times = {"microseconds": np.median(pace), "fastest": min(pace), "slowest": max(pace)}
    times["positions"] = np.mean(positions)
    return {name: round(float(value), 2) for name, value in times.items()}


def work(load: Load, positions: float = POSITIONS) -> dict[str, float]:
    """What a position needs: arithmetic, numbers of states and attention, and what else moves.

    Args:
        load: the training.
        positions: of a step, which share Adam's passes over the table.

    Returns:
        `flops`; the numbers of its `states` and of its `attention` weights; in `fixed` numbers
        moved that are known: logits, and the position's part of Adam's passes.
    """
    scored = load.num_items if load.loss == "full_softmax" else NEGATIVES + 1
    settings = {"width": load.width, "hidden_width": load.width, "num_blocks": load.num_blocks}
    return {
        "flops": useful_flops(np.array([load.length]), scored, settings) / load.length,
        "states": load.num_blocks * load.width,
        "attention": load.num_blocks * load.length,
        "fixed": LOGIT_PASSES * scored + TABLE_PASSES * load.num_items * load.width / positions,
    }


def predicted_seconds(
    need: Mapping[str, float], rate: float, bandwidth: float, passes: Mapping[str, float]
) -> float:
    """Seconds a position: arithmetic at `rate`, and all that moves at `bandwidth`.

    Args:
        need: what `work` returns.
        rate: of matrix products, operations a second.
        bandwidth: of a copy, bytes a second.
        passes: how often each number of `states` and of `attention` is read or written.
    """
    moved = sum(times * need[name] for name, times in passes.items()) + need["fixed"]
    return need["flops"] / rate + 4 * moved / bandwidth


def passes_of(seconds: Mapping[Load, float], rate: float, bandwidth: float) -> dict[str, float]:
    """The two numbers the prediction does not know, from measured trainings; at least 0."""
    needs = [work(load) for load in seconds]
    names = ("states", "attention")
    moved = np.array([[4 * need[name] / bandwidth for name in names] for need in needs])
    known = np.array([predicted_seconds(need, rate, bandwidth, {}) for need in needs])
    times, _ = nnls(moved, np.array(list(seconds.values())) - known)
    return dict(zip(names, map(float, times), strict=True))


def growth(points: Sequence[dict]) -> dict[str, float]:
    """Growth from the first to the last training, and the largest factor off the prediction.

    `epoch_growth` is that of seconds per epoch; growth of events leaves a position as it is.
    """
    measured = np.array([p["microseconds"] for p in points])
    predicted = np.array([p["predicted_microseconds"] for p in points])
    off = np.abs(np.log(measured / predicted)).max()
    return {
        "growth": round(float(measured[-1] / measured[0]), 3),
        "predicted_growth": round(float(predicted[-1] / predicted[0]), 3),
        "epoch_growth": round(points[-1]["epoch_seconds"] / points[0]["epoch_seconds"], 3),
        "largest_factor_off": round(float(np.exp(off)), 3),
    }


def describe_scaling(result: dict) -> str:
    """What `scaling` found as a table in plain text."""
    lines = [f"{'microseconds a position':24} {'at':>10} {'measured':>9} {'predicted':>10}"]
    for name, axis in result["curves"]["axes"].items():
        for point in axis["points"]:
            measured, reckoned = point["microseconds"], point["predicted_microseconds"]
            lines.append(f"{name:24} {point['at']:10,} {measured:9.1f} {reckoned:10.1f}")
        lines.append(f"{'':24} at most {axis['largest_factor_off']:.2f} times off")
    return "\n".join(lines)


def draw_scaling(result: dict, path: Path) -> None:
    """Draw measured and predicted cost, one panel per axis, with logarithmic scales."""
    axes = result["curves"]["axes"]
    rows = panels(len(axes), width=3.4 * len(axes))
    for ax, (name, axis) in zip(rows, axes.items(), strict=True):
        table = pd.DataFrame(axis["points"]).set_index("at")
        table = table[["microseconds", "predicted_microseconds"]]
        table = table.set_axis(["measured", "predicted"], axis=1).rename_axis(axis["field"])
        response_curves(table, "microseconds a position", ax=ax)
        ax.set_xscale("log")
        ax.set_yscale("log")
        low, high = table.min(axis=None), table.max(axis=None)
        reach = 1.1 * max(2.0, (high / low) ** 0.5)  # A decimal more or less is no growth.
        ax.set_ylim((low * high) ** 0.5 / reach, (low * high) ** 0.5 * reach)
        ax.set_xticks(table.index, [f"{at:g}" for at in table.index])
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.set_title(name.replace("_", " "))
    save(rows[0], path)


def circumstances() -> dict:
    """The machine before a measurement begins: cores, what else they do, and versions."""
    busy = psutil.getloadavg()[0]
    return {"cores": usable_cores(), "load_before": round(busy, 2), "versions": versions()}


def store_scaling(results: Path, result: dict) -> dict:
    """Add the results to `scaling.json`."""
    path = results / "scaling.json"
    with locked(path):
        write_json(path, {**read_json(path), **result})
    return result
