"""The study of reasons: what explanations are checked against, and the stored results."""

import json
from pathlib import Path

import numpy as np
import pytest

from recmodels.evaluation.ranking import ask
from recmodels.experiments.reason_checks import ExactShop, check_sentences
from recmodels.experiments.reasons import (
    Study,
    measure_explainers,
    measure_sentences,
    reasons_table,
)
from recmodels.recommend.recommender import Recommender

ROOT = Path(__file__).parents[1]
STORED = json.loads((ROOT / "results" / "reasons.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Study(tmp_path_factory.mktemp("runs"), num_users=60, users={"shop": 10})


def test_exact_probabilities_of_whole_histories_are_those_of_the_shop(study):
    data = study.shop_data
    exact, rows = ExactShop(study.shop, data.vocabulary), np.arange(20)
    queries = ask(exact, data.test, rows)
    found = exact.score(queries)
    users = data.train.users[data.test.user_ids[rows]]
    target = study.shop.rows(users, data.test.histories.lengths[rows])
    # The shop knows the time of the event to predict, which is another week than that of the query.
    week = 7 * 24 * 3600
    times = study.shop.interactions.events["timestamp"].to_numpy()[target]
    same = times // week == queries["at"] // week
    expected = study.shop.bayes(users, data.test.histories.lengths[rows])
    columns = study.shop.items_at(data.vocabulary.raw_ids)
    assert same.sum() > 10
    np.testing.assert_allclose(found[same, 1:], expected[same][:, columns], atol=1e-12)


def test_the_true_cause_is_found_by_leaving_single_events_out(study):
    rows = {row["explainer"]: row for row in measure_explainers(study, "shop", "Markov")}
    assert rows["leave one out"]["true_cause"] >= 0.8 > rows["random"]["true_cause"]
    assert rows["leave one out"]["low"] > 0 and rows["random"]["low"] == 0


def test_sentences_are_true(study):
    found = measure_sentences(study, "EASE", lists=4)
    assert found["sentences_checked"] == found["sentences_true"] == 40
    assert found["sentences_with_reason"] > 10


@pytest.mark.parametrize("family", ["EASE", "ItemKNN", "Markov"])
def test_changed_sentences_are_not_true(study, family):
    recommender = Recommender(study.model("shop", family), study.shop_data)
    events = study.shop.interactions.events.groupby("user").get_group(1)[-5:]
    history = {name: events[name].tolist() for name in ("item", "action")}
    answer = recommender.recommend(history, 3, explain=True)
    rank = next(rank for rank, text in enumerate(answer.why) if "because" in text)
    assert all(check_sentences(recommender, history, answer.items, answer.why, "en"))

    def true(change):
        sentences = [*answer.why[:rank], change]
        listed = answer.items[: rank + 1]
        return check_sentences(recommender, history, listed, sentences, "en")[rank]

    sentence = answer.why[rank]
    word = next(word for word in ("mostly", "partly", "slightly") if word in sentence)
    share = sentence.split(" %")[0].rsplit(" ")[-1]
    about = "about " if family == "Markov" else ""
    for old, new in ((f"{share} %", "1 %"), (word, {"slightly": "mostly"}.get(word, "slightly")),
                     (f"rank {rank + 1}", "rank 9"),
                     (" because of ", ' because of "5" ("view", "x") and '),
                     (f'"{answer.items[rank]}"', '"0"'),
                     (f"{about}{share}", share if about else f"about {share}")):  # fmt: skip
        assert old in sentence and not true(sentence.replace(old, new, 1)), (old, sentence)


def test_the_page_shows_the_stored_numbers():
    page = (ROOT / "docs" / "explanations.md").read_text("utf-8")
    assert reasons_table(STORED["rows"]).strip() in page, "write `reasons_table` to the page again"
    assert (
        f"{STORED['sentences_checked']:,} sentences, of which {STORED['sentences_true']:,}" in page
    )
    for key in ("counterfactual_found", "counterfactual_first_found", "shop_top_event_precision"):
        assert f"{100 * STORED[key]:.1f} %" in page, key
    assert f"{100 * STORED['ig_relative_error']:.2f} %" in page


def test_what_the_page_says_of_explainers_holds():
    rows = {(r["dataset"], r["model"], r["explainer"]): r for r in STORED["rows"]}
    for model in ("Markov", "ItemKNN", "EASE", "SASRec"):
        for explainer in ("leave one out", "Shapley", "leave one out, margin", "recency"):
            assert rows["ml-100k", model, explainer]["deletion_ratio"] > 3
            assert rows["ml-100k", model, explainer]["low"] > 0
    assert rows["ml-100k", "SASRec", "attention"]["high"] < 0
    assert rows["ml-100k", "EASE", "leave one out"]["recency_low"] > 0
    assert rows["ml-100k", "ItemKNN", "leave one out, margin"]["recency_low"] > 0
    for model in ("Markov", "SASRec"):
        assert rows["ml-100k", model, "Shapley"]["recency_low"] > 0
    assert rows["ml-100k", "SASRec", "integrated gradients"]["relative_error_95"] < 0.01
    assert STORED["sentences_true"] == STORED["sentences_checked"] == 10_000
    assert STORED["counterfactual_first_found"] > 0.95 > STORED["counterfactual_found"]
