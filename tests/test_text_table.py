"""The table of what texts add to ids."""

import numpy as np
import pytest

from recmodels.evaluation.metrics import ndcg
from recmodels.experiments import text_table as module
from recmodels.experiments.catalogue import EXPERIMENTS
from recmodels.experiments.comparisons import against
from recmodels.experiments.results import RESULTS, load_results
from recmodels.experiments.stored import read_per_user
from recmodels.experiments.text_table import TEXTS_COMPARED, text_table


def test_compared_experiments_have_one_data_set_split_and_filter():
    for ids, others in TEXTS_COMPARED.items():
        for other in others:
            for name in ("dataset", "protocol", "filter_seen"):
                assert getattr(EXPERIMENTS[ids], name) == getattr(EXPERIMENTS[other], name), other


def test_the_difference_is_that_of_the_means_over_users():
    results = load_results(RESULTS)
    found = against({"shop-text-ids": ("shop-text-tfidf",)}, results, RESULTS)["shop-text-tfidf"]
    stored = {result["experiment"]: result for result in results}
    ids, text = (
        float(np.mean(ndcg(read_per_user(stored[name], RESULTS), 10)))
        for name in ("shop-text-ids", "shop-text-tfidf")
    )
    assert found["baseline"] == "shop-text-ids"
    assert found["difference"] == pytest.approx(text - ids, abs=1e-6)
    assert found["low"] < found["difference"] < found["high"] < 0


def test_each_group_follows_its_ids_and_slices_stand_in_their_columns(monkeypatch):
    monkeypatch.setattr(module, "TEXTS_COMPARED", {"a": ("b", "not stored")})

    def row(name, part, value, compared=None):
        metrics = {m: {"mean": value, "low": 0.1, "high": 0.9} for m in ("ndcg@10", "hr@10")}
        return {
            "experiment": name, "slice": part, "metrics": metrics, "dataset": "shop",
            "model": "sasrec", "against_ids": compared, "seeds": [0], "seconds": 3.2,
            "seen_kept": {"ndcg@10": 0.25, "hr@10": 0.5} if compared else None,
        }  # fmt: skip

    compared = {"difference": 0.25, "low": 0.125, "high": 0.5, "p_holm": 0.04}
    rows = [row("b", "all", 0.75, compared), row("b", "cold", 0.2), row("a", "all", 0.5)]
    lines = [line.split(" | ")[2:] for line in text_table(rows).splitlines()[2:]]
    assert lines[0][:3] == ["a", "0.5000 (0.1000 to 0.9000)", "0.5000"]
    assert lines[0][3:7] == ["-", "-", "-", "-"]
    assert lines[1][3] == "0.2500 (0.1250 to 0.5000), 0.0400"
    assert lines[1][4:7] == ["-", "0.2000 / 0.2000", "0.2500 / 0.5000"]
