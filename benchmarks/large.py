"""An epoch over ten million events of a million items."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.scaling import NEGATIVES, circumstances, store_scaling
from recmodels.api import fit
from recmodels.data.shop import simulate
from recmodels.data.splits import leave_one_out
from recmodels.experiments.memory import peak_gib
from recmodels.features.sequences import Queries, SequenceData, prepare
from recmodels.models.sasrec import SASRec


def train_large(
    num_users: int = 265_000,
    num_items: int = 1_100_000,
    *,
    batch_size: int = 2048,
    validated: int = 200,
    results: Path = Path("results"),
) -> dict:
    """Train an epoch of a large shop with sampled softmax, through `recmodels.fit`.

    Args:
        num_users: of about 40 events each.
        num_items: of the shop; items that nobody touched are not in the catalogue.
        batch_size: histories of 50 a step. The larger, the fewer of Adam's passes over the table.
        validated: users whose validation queries are ranked at the end.
        results: `scaling.json` in it gets `large`; what else it holds stays.
    """
    around = circumstances()
    began = time.perf_counter()
    shop = simulate(num_users, num_items, seed=0)
    generated = time.perf_counter()
    data = _few_validated(prepare(leave_one_out(shop.interactions)), validated)
    del shop
    prepared = time.perf_counter()
    model = SASRec(data.num_items, max_length=50, width=64)
    options = {"loss": "sampled_softmax", "num_negatives": NEGATIVES, "batch_size": batch_size}
    curve = fit(model, data, epochs=1, patience=None, **options)
    large = {
        **around,
        "events": len(data.train.items),
        "num_items": data.num_items,
        **options,
        "generating_seconds": round(generated - began, 1),
        "preparing_seconds": round(prepared - generated, 1),
        "epoch_seconds": round(curve.rows[0]["seconds"], 1),
        "loss_after": round(curve.rows[0]["loss"], 4),
        "ndcg@10": round(curve.rows[0]["score"], 4),
        "peak_gib": round(peak_gib(), 2),
    }
    return store_scaling(results, {"large": large})


def _few_validated(data: SequenceData, count: int) -> SequenceData:
    """The first validation queries, because ranking for all users would take too long."""
    queries, rows = data.validation, np.arange(min(count, len(data.validation)))
    few = Queries(
        queries.histories.select(rows),
        queries.user_ids[rows],
        queries.targets[rows],
        queries.trained[rows],
    )
    return replace(data, validation=few, test=None)


def describe_large(result: dict) -> str:
    """What `train_large` found, in words."""
    large = result["large"]
    return (
        f"{large['events']:,} events, {large['num_items']:,} items: an epoch in "
        f"{large['epoch_seconds']:.0f} s, {large['peak_gib']:.1f} GiB at the most"
    )
