"""Sentences about lists state what the model does, and nothing else."""

import numpy as np
import pandas as pd
import pytest
from test_explain import make_queries

from recmodels.explain.faithfulness import rank_correlation
from recmodels.explain.influence import leave_one_out_influence, recency_influence
from recmodels.explain.removal import Removal
from recmodels.explain.words import Cited, Facts, check_sentence, rename, write_sentence
from recmodels.features.vocabulary import Vocabulary
from recmodels.recommend.recommender import Recommender
from recmodels.recommend.rules import AtLeast, AtMost

ITEMS = [f"i{number}" for number in range(12)]
TABLE = pd.DataFrame({"category": ["a", "b"] * 6, "stars": range(12)}, index=ITEMS)


class Weighted:
    """The score of an item is the sum of the weights that the items of a history have for it."""

    max_length = 8

    def __init__(self, weights=None):
        table = np.random.default_rng(0).normal(size=(14, 13)) if weights is None else weights
        self.weights = np.asarray(table, np.float32)
        self.weights[0] = self.weights[-1] = 0

    def score(self, queries, items=None):
        scores = self.weights[queries["item_ids"]].sum(axis=1)
        return scores if items is None else scores[:, items]


def recommender(**settings) -> Recommender:
    return Recommender(Weighted(), Vocabulary(ITEMS), items=TABLE, **settings)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sentences_name_the_events_with_the_largest_weights(language):
    answering, rng = recommender(), np.random.default_rng(1)
    reasons = count = 0
    while count < 150:
        history = rng.choice(ITEMS, rng.integers(1, 7), replace=False).tolist()
        answer = answering.recommend(history, k=3)
        facts = answering.reasons(answer.items, history)
        sentences = answering.with_reasons(answer, language, history=history).why
        for place, (one, sentence) in enumerate(zip(facts, sentences, strict=True), 1):
            answering.check_sentence(sentence, one.item, history, language=language)
            count += 1
            if not one.cited:
                continue
            reasons += 1
            column = ITEMS.index(one.item) + 1
            weights = {i: answering.scorer.weights[ITEMS.index(i) + 1, column] for i in history}
            names = [cited.item for cited in one.cited]
            assert set(names) <= {*sorted(weights, key=weights.get)[-2:]}
            positive = sum(max(value, 0) for value in weights.values())
            np.testing.assert_allclose(
                one.share, sum(weights[n] for n in names) / positive, rtol=1e-4
            )
            assert one.rank == place
            left = [i for i in history if i not in names]
            kept = (
                answering.recommend(left or ["other"], k=12, exclude=history).items if left else []
            )
            assert not left or kept[place - 1] == one.instead
            assert [cited.category for cited in one.cited] == TABLE.category[names].tolist()
    assert reasons > 60


def test_a_sentence_with_another_fact_is_refused():
    facts = Facts("pot", (Cited("tea", "buy"), Cited("cup")), 0.7, 1, "milk")
    sentence = write_sentence(facts)
    assert sentence.startswith(
        '"pot" is at rank 1 mostly because of "tea" ("buy") and "cup", which add'
    )
    check_sentence(sentence, facts)
    for old, new in (
        ("tea", "jam"),
        ("70", "90"),
        ("mostly", "partly"),
        ("at rank 1", "at rank 2"),
    ):
        with pytest.raises(ValueError, match="must state the facts alone"):
            check_sentence(sentence.replace(old, new), facts)
    with pytest.raises(ValueError, match=r"does\. Received: .*not_given=.*jam") as refused:
        check_sentence(sentence.replace("tea", "jam"), facts)
    assert repr(sentence) in str(refused.value) and ".. " not in str(refused.value)
    with pytest.raises(ValueError, match="`language`"):
        write_sentence(facts, "fr")


def test_no_reason_is_found_where_no_event_matters():
    flat = Recommender(Weighted(np.ones((14, 13))), Vocabulary(ITEMS))
    assert all("No reason found" in text for text in flat.recommend(ITEMS[:4], explain=True).why)
    same = recommender(fallback=None)
    assert [f.cited for f in same.reasons(["i3"], ["not known"])] == [()]
    with pytest.raises(ValueError, match="`items` must hold raw ids"):
        same.reasons(["nothing"], ["i0"])


def test_a_list_shows_its_reasons():
    answer = recommender().recommend(["i0"], k=3, explain=True)
    assert answer.table["why"].tolist() == list(answer.why)
    assert answer.to_dict()["items"][0]["why"] == answer.why[0]
    assert "why" not in recommender().recommend(["i0"], k=3).table
    first = answer.items[0]
    assert '"i0" ("a")' in answer.why[0]  # The only event, with its category.
    excluded = recommender().reasons([answer.items[1]], ["i0"], exclude=[first])[0]
    assert excluded.rank == 1 and excluded.instead != first


def test_why_not_names_the_filter_the_rule_or_the_rank():
    answering = recommender(rules=[AtLeast(2, "stars")])
    every = answering.recommend(["i0"], k=12).items
    assert answering.why_not(["i0"], "i0").kind == "seen"
    rule = answering.why_not(["i0"], "i1")
    assert rule.kind == "rule" and "AtLeast(least=2, column='stars')" in rule.text
    assert answering.why_not(["i0"], "other").kind == "unknown"
    assert answering.why_not(["i0"], every[1], k=3).kind == "listed"
    lower = answering.why_not(["i0"], every[5], k=3)
    assert (lower.kind, lower.rank, lower.instead) == ("lower", 6, every[2])
    limited = recommender(rules=[AtMost(1)])
    plain = recommender().recommend(["i0"], k=4).items
    missing = next(i for i in plain if i not in limited.recommend(["i0"], k=4).items)
    assert limited.why_not(["i0"], missing, k=4).kind == "rule"


def test_why_not_takes_what_recommend_was_called_with():
    answering = recommender()
    plain = answering.recommend(["i0"], k=12).items
    without = answering.why_not(["i0"], plain[0], k=2, exclude=[plain[0]])
    assert (without.kind, without.rank) == ("excluded", None)
    assert "`exclude` or `only`" in without.text
    assert answering.why_not(["i0"], plain[0], only=iter([plain[1]])).kind == "excluded"
    lower = answering.why_not(["i0"], plain[5], k=2, exclude=iter([plain[0]]))
    assert (lower.kind, lower.rank, lower.instead) == ("lower", 5, plain[2])


def test_items_may_be_any_list_and_a_sentence_is_a_text():
    answering = recommender()
    expected = answering.reasons(["i3", "i4"], ["i0"])
    assert answering.reasons(iter(["i3", "i4"]), iter(["i0"])) == expected
    for items in ("i3", None, {"i3": 1}):
        with pytest.raises(ValueError, match=r"`items` must be a list of raw ids.*Received: items"):
            answering.reasons(items, ["i0"])
    with pytest.raises(ValueError, match="`sentence` must be a text. Received: sentence=None"):
        answering.check_sentence(None, "i3", ["i0"])


def test_influence_changes_with_redrawn_weights_but_recency_does_not():
    rng = np.random.default_rng(2)
    lists = [rng.integers(1, 13, 8).tolist() for _ in range(50)]
    models = [Weighted(), Weighted(rng.normal(size=(14, 13)))]
    items = np.full(50, 3)
    removals = [Removal(model, make_queries(lists, 12), items=items) for model in models]
    found = rank_correlation(*map(leave_one_out_influence, removals))
    assert abs(found.mean()) < 0.5
    np.testing.assert_allclose(rank_correlation(*map(recency_influence, removals)), 1)


def test_a_history_may_be_read_once_only():
    answering = recommender()
    expected = answering.recommend(["i0", "i3"], k=3, exclude=["i5"], explain=True)
    once = answering.recommend(
        (item for item in ("i0", "i3")), k=3, exclude=iter(["i5"]), explain=True
    )
    assert once.items == expected.items and once.why == expected.why
    assert any("because" in text for text in once.why)


def test_an_item_that_may_not_be_listed_has_a_score_but_no_rank():
    answering = recommender()
    listed = answering.recommend(["i0"], k=1).items[0]
    for facts in (
        answering.reasons([listed], ["i0"], exclude=[listed])[0],
        answering.reasons([listed], [listed, "i0"])[0],  # The filter of seen items hides it.
    ):
        assert facts.rank is None and facts.instead is None
        text = write_sentence(facts)
        assert "rank" not in text and (not facts.cited or "has its score" in text)
        assert "位" not in write_sentence(facts, "zh")
    assert answering.reasons([listed], ["i0"], exclude=[listed])[0].cited


def test_an_item_below_the_list_is_explained_with_its_rank():
    answering = recommender()
    ranked = answering.recommend(["i0", "i4"], k=10)
    for rank, facts in enumerate(answering.reasons(ranked.items, ["i0", "i4"]), 1):
        assert facts.rank in (None, rank)
        assert not facts.cited or f"is at rank {rank} " in write_sentence(facts)


def test_equal_scores_have_the_places_of_the_list():
    weights = np.zeros((14, 13))
    weights[1, 1:] = weights[2, 1:6] = 1.0  # Of i0 and i1, for all items alike.
    answering = Recommender(Weighted(weights), Vocabulary(ITEMS), items=TABLE)
    answer = answering.recommend(["i0", "i1", "i11"], k=4)
    facts = answering.reasons(answer.items, ["i0", "i1", "i11"])
    assert answer.items == ["i2", "i3", "i4", "i5"]
    assert [f.rank for f in facts] == [1, 2, 3, 4]
    assert [len(f.cited) for f in facts] == [2, 2, 2, 1]
    # Of two equal events neither is more than half of the support.
    assert [c.item for c in facts[0].cited] == ["i1", "i0"] and facts[0].share == 1


def test_empty_histories_have_no_reason():
    assert recommender().reasons(["i0"], []) == [Facts("i0")]
    alone = recommender().reasons(recommender().recommend(["i2"], k=1).items, ["i2"])[0]
    assert [c.item for c in alone.cited] == ["i2"] and alone.share == 1


def test_titles_take_the_place_of_ids_only_where_the_sentence_stays_true():
    facts = Facts("a", (Cited("b", "buy"),), 0.7, 1, "c")
    titles = {"a": "Pot", "b": "Tea", "c": "Cup"}
    named = rename(facts, titles.get)
    assert named == Facts("Pot", (Cited("Tea", "buy"),), 0.7, 1, "Cup")
    # A new edition has the title of the old one: it would not be true that the item stays.
    assert rename(facts, {**titles, "c": "Pot"}.get).rank is None
    assert rename(Facts("a"), titles.get) == Facts("Pot")
