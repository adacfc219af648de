"""Experiments on the next event: from a log to a stored row, with choices made on validation."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.shop_behaviour import simulate_behaviour
from recmodels.experiments.catalogue import EXPERIMENTS
from recmodels.experiments.results import store_run
from recmodels.experiments.rows import table_rows
from recmodels.experiments.run import run_seed, split_log
from recmodels.experiments.stored import read_per_user
from recmodels.experiments.tables import markdown_table
from recmodels.experiments.train import compare_with_shop, save_bundle_of
from recmodels.recommend.bundle import load_bundle

ENTRIES = {name: e for name, e in EXPERIMENTS.items() if e.predicts_events}
FLOORS = [name for name, e in ENTRIES.items() if e.task is None]
SMALL = {"max_length": 6, "width": 4, "num_blocks": 1, "num_heads": 1, "read_items": False}
pytestmark = pytest.mark.usefixtures("eagerly")  # Trainings are too short to trace a graph for.


def make_log(seed=0, users=16):
    """Three days of a view, then a cart or another view, with long gaps after a cart."""
    rng, rows = np.random.default_rng(seed), []
    for user in range(users):
        time, action = user * 60, "view"
        for event in range(12):
            rows.append((user, int(rng.integers(20)), int(rng.integers(3)), action, time))
            time += int(18_000 + 7_200 * rng.random() + 3_600 * (action == "cart"))
            action = "view" if action == "cart" or event == 10 else rng.choice(["view", "cart"])
    columns = ["user", "item", "category", "action", "timestamp"]
    frame = pd.DataFrame(rows, columns=columns).astype({"action": str})
    items = frame.groupby("item")[["category"]].first()
    return Interactions(frame.drop(columns="category"), "timed", name="taobao", items=items)


LOG = make_log()
SHOP = simulate_behaviour(num_users=40, num_items=14, events_per_user=9, seed=1)


def small(entry):
    """The entry with a small model, briefly trained, and without the window of Taobao."""
    if entry.task is None:
        return replace(entry, split={})
    # Windows of a single event, such as the oldest of all windows may be, train no attention.
    fit = {**entry.fit, "epochs": 1, "warmup": 1, "windows": "latest"}
    return replace(entry, split={}, options={"encoder": SMALL}, fit=fit, seeds=(0, 1))


@cache
def run_of(name, seed=0, log=None):
    """Cached, because several tests look at the same run and change nothing of it."""
    entry = small(ENTRIES[name])
    if log is None:
        log = SHOP.interactions if entry.dataset.startswith("shop") else LOG
    return run_seed(entry, seed, split_log(log, entry.protocol, seed, entry.split), verbose=False)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if e.task else ()) for n, e in ENTRIES.items()],
)
def test_every_entry_is_run_and_stored(name, tmp_path):
    run = run_of(name)
    result = store_run(run, tmp_path)
    (row,) = table_rows(tmp_path)
    assert row["metrics"]["type_accuracy"]["mean"] == pytest.approx(
        run.test.metrics["type_accuracy"], abs=1e-6
    )
    assert (row["filter_seen"], row["query_time"]) == (False, False)
    assert result["settings"]["schema"] == run.experiment.schema.to_config()
    assert set(run.test.table.add_suffix("_seed_0")) == set(read_per_user(result, tmp_path))
    assert f"### {run.experiment.dataset}, {run.experiment.protocol}" in markdown_table([row])


def test_results_of_the_shop_hold_what_can_be_known_and_how_far_the_model_comes(tmp_path):
    for name in ("shop-behaviour-median-gap", "shop-behaviour-next-event"):
        run, ceiling = compare_with_shop(run_of(name), SHOP)
        result = store_run(run, tmp_path, ceiling)
        assert result["ceiling"]["type_log_loss"] < result["metrics"]["type_log_loss"]["mean"]
    floor, model = sorted(table_rows(tmp_path), key=lambda row: row["model"])
    assert floor["of_ceiling"] is None and floor["ceiling"] == model["ceiling"]
    parts = model["of_ceiling"]
    assert list(parts) == ["type", "item", "bought item", "gap"]
    for part in parts.values():
        gain = part["ceiling"] - part["floor"]
        assert part["share"] == pytest.approx((part["model"] - part["floor"]) / gain, abs=1e-4)
    *_, last = markdown_table([floor, model]).splitlines()
    assert last.startswith(f"| highest possible value | {model['ceiling']['type_accuracy']:.4f} |")
    assert f"{parts['type']['share']:.3f}, {parts['item']['share']:.3f}" in markdown_table([model])
    assert compare_with_shop(run_of("taobao-last-event-majority"), None)[1] is None


def test_items_of_last_events_are_ranked_by_kind_of_target(tmp_path):
    entry = small(EXPERIMENTS["taobao-last-event-items-repeat-last"])
    split = split_log(LOG, entry.protocol, 0, entry.split)
    assert split.protocol == "last-event-items"
    run = run_seed(entry, 0, split, verbose=False)
    store_run(run, tmp_path)
    (row,) = table_rows(tmp_path)
    kinds = row["by_target"]
    for kind, group in run.test.by_target().items():
        assert kinds[kind] == pytest.approx(group, abs=1e-6)
    assert sum(group["users"] for group in kinds.values()) == 16
    assert kinds["repeated"]["ndcg@10"] > kinds["new"]["ndcg@10"] + 0.2
    title = " / ".join(f"{kind} ({group['users']:.0f})" for kind, group in kinds.items())
    assert f"NDCG@10 of targets: {title} |" in markdown_table([row])


@pytest.mark.slow
def test_seeds_of_a_model_share_a_mean_and_a_bundle_knows_its_columns(tmp_path):
    runs = [run_of("taobao-last-event-next-event", seed) for seed in (0, 1)]
    for run in runs:
        result = store_run(run, tmp_path)
    losses = [run.test.metrics["type_log_loss"] for run in runs]
    found = result["metrics"]["type_log_loss"]
    assert found["mean"] == pytest.approx(np.mean(losses), abs=1e-6)
    assert found["low"] < found["mean"] < found["high"]
    assert found["seed_std"] == pytest.approx(np.std(losses, ddof=1), abs=1e-6)
    save_bundle_of(runs[0], LOG, tmp_path / "bundle")
    loaded = load_bundle(tmp_path / "bundle").model
    for name in ("temperature", "time_width"):
        assert getattr(loaded, name) == pytest.approx(runs[0].decision[name], abs=1e-3)


def test_a_stored_result_with_other_forecasts_is_refused(tmp_path):
    result = store_run(run_of("taobao-last-event-markov-type"), tmp_path)
    path = tmp_path / "per_user" / f"{result['experiment']}.parquet"
    table = pd.read_parquet(path)
    table["predicted_seed_0"] = 1 - table["predicted_seed_0"].clip(upper=1)
    table.to_parquet(path)
    with pytest.raises(ValueError, match="must agree with what it keeps of each user"):
        table_rows(tmp_path)


@pytest.mark.slow
def test_choices_are_made_only_on_validation():
    """Test targets of other types change neither temperature, weights nor the trained model."""
    events = LOG.events.copy()
    last = ~events["user"].duplicated(keep="last")
    events.loc[last, "action"] = "cart"
    other = replace(LOG, events=events)
    runs = [run_of("taobao-last-event-next-event", log=log) for log in (LOG, other)]
    assert runs[0].decision == runs[1].decision
    np.testing.assert_array_equal(runs[0].test.probabilities, runs[1].test.probabilities)
    assert runs[0].test.metrics["type_accuracy"] != runs[1].test.metrics["type_accuracy"]


def test_counted_models_learn_from_all_that_is_not_tested():
    run = run_of("taobao-last-event-majority")
    known = LOG.events[LOG.events["user"].duplicated(keep="last")]
    counts = known["action"].value_counts()[list(run.test.types)] + 1
    np.testing.assert_allclose(run.test.probabilities[0], counts / counts.sum())


def test_rows_with_query_time_are_not_compared_with_others(tmp_path):
    entry = replace(EXPERIMENTS["shop-softmax"], model="markov", options={}, fit={}, seeds=(0,))
    for name, told in (("a", False), ("b", True), ("c", True)):
        named = replace(entry, name=name, query_time=told, options={"smoothing": 1.0 + len(name)})
        run = run_seed(named, 0, split_log(LOG, "leave-one-out"), verbose=False)
        store_run(run, tmp_path)
    rows = {row["experiment"]: row for row in table_rows(tmp_path)}
    assert rows["a"]["against_best"] is None and not rows["a"]["query_time"]
    assert {rows[n]["against_best"] is None for n in "bc"} == {True, False}
