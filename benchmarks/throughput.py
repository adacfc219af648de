"""Tokens a second of small and large models, and the share of what the chip could multiply."""

import sys
from collections.abc import Mapping
from pathlib import Path

import keras
from keras import ops

from benchmarks.roofline import matmul_rate, median_seconds
from benchmarks.scaling import (
    Load,
    circumstances,
    random_histories,
    store_scaling,
    time_steps,
    work,
)
from recmodels.experiments.stored import read_json

# MovieLens 1M's catalogue: the size most papers train, and sizes that want a graphics processor.
_ML_1M = {"num_items": 3416, "loss": "full_softmax"}
MODELS = {
    "2 blocks, width 64, length 200": Load(length=200, width=64, **_ML_1M),
    "8 blocks, width 256, length 200": Load(length=200, width=256, num_blocks=8, **_ML_1M),
    "8 blocks, width 256, length 1,000": Load(length=1000, width=256, num_blocks=8, **_ML_1M),
}


def throughput(
    models: Mapping[str, Load] = MODELS, *, steps: int = 5, results: Path = Path("results")
) -> dict:
    """Time training steps of models on whatever the backend computes on.

    Args:
        models: by name.
        steps: timed of each, after warm-up; the median counts.
        results: `scaling.json` in it gets `throughput`; what else it holds, other chips too, stays.

    Returns:
        `throughput`: by backend and chip, the rate of matrix products, and of each model tokens a
        second and the share of that rate that its useful arithmetic reaches.
    """
    around = circumstances()
    rate = max(matmul_rate(), backend_matmul_rate())
    rows = {}
    for name, load in models.items():
        paced = time_steps(load, random_histories(load, steps), steps)
        tokens = 1e6 / paced["microseconds"]
        share = work(load)["flops"] * tokens / rate
        rows[name] = {"tokens_per_second": round(tokens), "share_of_matmul_rate": round(share, 4)}
        print(f"  {name:36} {tokens:12,.0f} tokens a second  {share:6.1%}", file=sys.stderr)
    measured = {
        **around,
        "matmul_gflops": round(rate / 1e9, 1),
        "models": rows,
    }
    known = read_json(results / "scaling.json").get("throughput", {})
    return store_scaling(results, {"throughput": {**known, chip(): measured}})


def backend_matmul_rate(size: int = 4096, repeats: int = 7) -> float:
    """Multiplications and additions a second of the backend's own square matrix products.

    Its precision is the one layers have, which on some chips is less than float32.
    """
    matrix = ops.ones((size, size), "float32")
    # The sum is read, so that nothing is still to be done when the clock stops.
    return 2 * size**3 / median_seconds(lambda: float(ops.sum(matrix @ matrix)), repeats)


def chip() -> str:
    """The backend and where it computes, such as `jax on gpu:0`."""
    backend = keras.backend.backend()
    # Keras cannot list the devices of PyTorch, whose arrays say where they are.
    place = ops.ones(()).device if backend == "torch" else keras.distribution.list_devices()[0]
    return f"{backend} on {place}"


def describe_throughput(result: dict) -> str:
    """What `throughput` found as a table in plain text."""
    lines = []
    for name, run in result["throughput"].items():
        lines.append(f"{name}, {run['matmul_gflops']:,.0f} GFLOP/s of matrix products")
        lines += [
            f"  {model:36} {row['tokens_per_second']:12,} tokens a second"
            f"  {row['share_of_matmul_rate']:6.1%} of that rate"
            for model, row in run["models"].items()
        ]
    return "\n".join(lines)
