"""The stored study of sentences agrees with itself and with the page of results."""

import json
from pathlib import Path

import pytest

from recmodels.experiments.sentences import WAYS, table

ROOT = Path(__file__).parent.parent
STORED = json.loads((ROOT / "results" / "sentences.json").read_text("utf-8"))
RUNS = {name: one for name, one in STORED.items() if "way" in one}


def test_each_run_is_of_a_known_way_and_below_the_ceiling():
    assert RUNS
    for name, one in RUNS.items():
        assert name == f"{one['language']} {one['way']} {one['seed']}" and one["way"] in WAYS
        limits = STORED[f"{one['language']} limits"]
        nats = one["test"]["log_likelihood"]
        assert nats < limits["ceiling"]["log_likelihood"]
        above_shares = nats - limits["shares"]["log_likelihood"]
        assert abs(above_shares) < 0.01 if one["way"] == "wrong tokenizer" else above_shares > 0.5
        assert one["trained"] <= 10_000_000


def test_only_the_wrong_tokenizer_has_unknown_tokens():
    for one in RUNS.values():
        assert (one["unknown_share"] > 0) == (one["way"] == "wrong tokenizer")


def test_full_training_has_nine_tenths_of_the_hit_rate_of_the_ceiling():
    full = [one for one in RUNS.values() if one["way"] == "full"]
    for one in full:
        limit = STORED[f"{one['language']} limits"]["ceiling"]
        assert one["test"]["hr@10"] >= 0.9 * limit["hr@10"]
    assert full


def test_names_of_items_do_not_tell_the_next_one():
    leaks = [one["leaks"] for name, one in STORED.items() if name.endswith("limits")]
    assert leaks and not any(sign["leak"] for of in leaks for sign in of.values())


def test_the_page_of_results_has_the_stored_numbers():
    assert table(STORED) in (ROOT / "docs" / "results.md").read_text("utf-8")


def test_the_table_places_models_between_shares_and_ceiling():
    limits = {n: {"log_likelihood": v, "hr@10": 0.5, "ndcg@10": 0.25}
              for n, v in {"shares": -6.0, "markov": -4.0, "ceiling": -2.0}.items()}  # fmt: skip
    test = {"log_likelihood": -3.0, "hr@10": 0.6, "ndcg@10": 0.3}
    run = {"language": "zh", "way": "full", "seed": 0, "seconds": 9.5, "test": test}
    lines = table({"zh limits": limits, "zh full 0": run}).splitlines()
    # (-3 + 6) / (-2 + 6) = 0.75.
    assert lines[-1] == "| zh | full, seed 0 | -3.0000 | 0.750 | 0.6000 | 0.3000 | 9.5 |"
    assert [line.split(" | ")[3] for line in lines[2:5]] == ["0.000", "0.500", "1.000"]


@pytest.mark.parametrize("name", ["hr@10", "ndcg@10"])
def test_the_chain_of_pairs_is_above_the_shares(name):
    for limits in (one for key, one in STORED.items() if key.endswith("limits")):
        assert limits["shares"][name] < limits["markov"][name] < limits["ceiling"][name]
