"""Raw ids in, raw ids out."""

import json

import numpy as np
import pandas as pd
import pytest

from recmodels.features.histories import Histories
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.popularity import MostPopular
from recmodels.models.repeat_last import RepeatLast
from recmodels.recommend.recommender import Recommender

DRINKS = ["tea", "cup", "pot", "milk", "sugar"]  # Items 1..5.


class After:
    """Scores the item one after the last of the history highest, then the next: a known order."""

    max_length = 3

    def score(self, queries, items=None):
        item_ids = queries["item_ids"]
        assert item_ids.shape[1] == 3 and (queries["user_ids"] == -1).all()
        distance = (np.arange(6)[None, :] - item_ids[:, -1:] - 1) % 5
        return -distance.astype(np.float32)


def popular() -> MostPopular:
    """Counts 1, 2, 3, 4, 5 for the items 1..5."""
    items = np.repeat([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]).astype(np.int32)
    return MostPopular().fit(Histories(np.array(["ann"]), items, np.array([0, 15]), {}), 5)


def recommender(**settings) -> Recommender:
    return Recommender(After(), Vocabulary(DRINKS), fallback=popular(), **settings)


def test_raw_ids_in_and_out_best_first():
    answer = recommender().recommend(["sugar", "tea"], k=2)
    # After tea (1) come cup, pot, milk; sugar and tea are seen.
    assert answer.items == ["cup", "pot"]
    assert answer.table["rank"].tolist() == [1, 2]
    assert answer.table["score"].tolist() == [0.0, -1.0]
    assert answer.source == "After" and answer.notes == ()


def test_integer_ids_come_back_as_python_integers():
    vocabulary = Vocabulary(np.array([50, 40, 30, 20, 10]))
    answer = Recommender(After(), vocabulary).recommend([np.int64(40), 30], k=1)
    assert answer.items == [20] and type(answer.items[0]) is int


def test_seen_items_beyond_what_the_model_reads_are_hidden():
    history = ["cup", "pot", "pot", "pot", "tea"]  # The model reads the last three.
    assert recommender().recommend(history, k=5).items == ["milk", "sugar"]
    assert recommender(filter_seen=False).recommend(history, k=3).items == ["cup", "pot", "milk"]


@pytest.mark.parametrize("k", [2, 5])  # With five the lists differ in length.
def test_many_equals_one_at_a_time(monkeypatch, k):
    monkeypatch.setattr("recmodels.recommend.recommender.CHUNK_ROWS", 2)
    histories = [["tea"], [], ["cup", "milk"], ["cake"], ["pot"] * 7, ["sugar"], ["milk"]]
    subject = recommender()
    many = subject.recommend_many(histories, k=k)
    for history, answer in zip(histories, many, strict=True):
        alone = subject.recommend(history, k=k)
        pd.testing.assert_frame_equal(answer.table, alone.table)
        assert (answer.source, answer.notes) == (alone.source, alone.notes)
    assert subject.recommend_many([]) == []


def test_unknown_ids_are_ignored_and_named():
    answer = recommender().recommend(["tea", "cake", "cake"], k=1)
    assert answer.items == ["cup"] and answer.source == "After"
    assert answer.notes == ("Ignored 1 ids of `history` outside the catalogue: 'cake'.",)


@pytest.mark.parametrize("history", [[], ["cake", "bread"]])
def test_history_that_tells_nothing_goes_to_the_fallback_and_says_so(history):
    answer = recommender().recommend(history, k=2)
    assert answer.items == ["sugar", "milk"] and answer.source == "MostPopular"
    assert "MostPopular made the list" in answer.notes[-1]


def test_baseline_is_its_own_fallback():
    items = np.array([2, 2, 1], np.int32)
    train = Histories(np.array([7]), items, np.array([0, 3]), {})
    subject = Recommender(RepeatLast().fit(train, 5), Vocabulary(DRINKS), filter_seen=False)
    assert subject.recommend([], k=2).items == ["cup", "tea"]


def test_without_fallback_an_empty_history_is_a_clear_error():
    with pytest.raises(ValueError, match="no fallback.*MostPopular.*Received: 1"):
        Recommender(After(), Vocabulary(DRINKS)).recommend([])


def test_more_than_the_catalogue_gives_all_that_is_left_and_says_why():
    answer = recommender().recommend(["tea"], k=10**9)
    assert answer.items == ["cup", "pot", "milk", "sugar"]
    assert answer.notes == (
        "4 items, not 1000000000: the catalogue has no more after leaving out the history.",
    )


def test_everything_seen_gives_an_empty_list_that_says_why():
    answer = recommender().recommend(DRINKS, k=3)
    assert answer.items == [] and len(answer) == 0 and answer.notes[0].startswith("0 items, not 3")
    assert "(nothing)" in repr(answer)


def test_exclude_and_only():
    subject = recommender()
    assert subject.recommend(["tea"], k=1, exclude={"cup"}).items == ["pot"]
    only = subject.recommend(["tea"], k=3, only=["sugar", "pot", "tea"], exclude=["cake"])
    assert only.items == ["pot", "sugar"]  # tea is seen.
    assert only.notes[0] == "Ignored 1 ids of `exclude` outside the catalogue: 'cake'."
    assert subject.recommend(["tea"], only=[]).items == []
    assert subject.recommend([], k=1, exclude=["sugar"]).items == ["milk"]  # The fallback obeys.


@pytest.mark.parametrize("k", [0, -1, 2.5, "3"])
def test_bad_k(k):
    with pytest.raises(ValueError, match="`k` must be .*Received: k="):
        recommender().recommend(["tea"], k=k)


@pytest.mark.parametrize("history", ["tea", None, 3, [["tea"]], [1, 2], ["tea", None]])
def test_bad_history(history):
    with pytest.raises(ValueError, match="`history` must.*Received: "):
        recommender().recommend(history)


def test_texts_for_an_integer_catalogue_are_an_error():
    with pytest.raises(ValueError, match="`history` must hold .* integers .* 50.*Received: '40'"):
        Recommender(After(), Vocabulary([50, 40, 30, 20, 10])).recommend(["40"])


def test_model_of_another_catalogue_or_diverged_is_a_clear_error():
    with pytest.raises(ValueError, match="same data.*Received: shape="):
        Recommender(After(), Vocabulary(DRINKS[:4])).recommend(["tea"])
    diverged = After()
    diverged.score = lambda queries: np.full((1, 6), np.nan)
    with pytest.raises(ValueError, match="finite"):
        Recommender(diverged, Vocabulary(DRINKS)).recommend(["tea"])


def test_lists_show_what_the_item_table_knows():
    items = pd.DataFrame({"title": ["Milk & more", "Cup"]}, index=["milk", "cup"])
    answer = recommender(items=items).recommend(["tea"], k=3)
    assert answer.table.columns.tolist() == ["rank", "item", "score", "title"]
    assert answer.table["title"].iloc[[0, 2]].tolist() == ["Cup", "Milk & more"]
    assert answer.table["title"].isna().tolist() == [False, True, False]
    assert "Milk &amp; more" in answer._repr_html_() and "Milk & more" in repr(answer)
    row = json.loads(json.dumps(answer.to_dict()))["items"][1]
    assert row == {"rank": 2, "item": "pot", "score": -1.0, "title": None}


def test_item_table_that_does_not_fit_is_refused():
    for items, match in (
        (pd.DataFrame({"title": ["Tea"]}, index=[1]), "knows no item"),
        (pd.DataFrame({"score": [1]}, index=["tea"]), "no column named"),
        (pd.DataFrame({"title": ["Tea", "Te"]}, index=["tea", "tea"]), "distinct=False"),
    ):
        with pytest.raises(ValueError, match=match):
            recommender(items=items)
