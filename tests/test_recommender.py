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
from recmodels.recommend.rules import AtMost

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


def test_unknown_ids_are_read_as_such_and_named():
    answer = recommender().recommend(["tea", "cake", "cake"], k=1)
    assert answer.items == ["cup"] and answer.source == "After"
    note = "Read 1 id of `history` outside the catalogue as unknown items: 'cake'."
    assert answer.notes == (note,)


@pytest.mark.parametrize("history", [[], ["cake", "bread"]])
def test_a_history_without_known_items_goes_to_the_fallback_with_a_note(history):
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
        "4 items, not 1000000000: 5 of 5 items may be listed, and seen ones are left out.",
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
    assert only.notes[0] == "Ignored 1 id of `exclude` outside the catalogue: 'cake'."
    short = "2 items, not 3: 3 of 5 items may be listed, and seen ones are left out."
    assert short in only.notes
    assert subject.recommend(["tea"], only=[]).items == []
    assert subject.recommend([], k=1, exclude=["sugar"]).items == ["milk"]  # The fallback obeys.


@pytest.mark.parametrize("k", [0, -1, 2.5, 10.0, "3", True, np.True_, None, float("nan")])
def test_bad_k(k):
    with pytest.raises(ValueError, match="`k` must be .*Received: k="):
        recommender().recommend(["tea"], k=k)


@pytest.mark.parametrize("history", ["tea", None, 3, [["tea"]], [1, 2], ["tea", None]])
def test_bad_history(history):
    with pytest.raises(ValueError, match="`history` must.*Received: "):
        recommender().recommend(history)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"history": {"tea", "cup"}}, "`history` must be a list: a set has no order"),
        ({"history": frozenset({"tea"})}, "`history` must be a list: a set has no order"),
        ({"history": {"tea": 1}}, "`history` must be a list of raw ids"),
        ({"history": pd.DataFrame({"item": ["tea"]})}, "`history` must be one column"),
        ({"history": np.array("tea")}, "`history` must be a list of raw ids"),
        ({"history": ["tea"], "only": "tea"}, "`only` must be a list of raw ids"),
        ({"history": ["tea"], "exclude": pd.DataFrame({"item": ["tea"]})}, "`exclude` must be one"),
        ({"history": ["tea"], "exclude": {"tea": 1}}, "`exclude` must be a list of raw ids"),
        ({"history": ["tea"], "rules": AtMost(1)}, "`rules` must be a list of rules"),
        ({"history": ["tea"], "rules": ["AtMost"]}, "`rules` must hold rules"),
        ({"user": True}, "`user` must hold raw ids .* integers .* Received: user=True"),
        ({"user": [1]}, "`user` must hold raw ids"),
        ({"user": float("nan")}, "`user` must hold raw ids"),
    ],
)
def test_what_has_no_order_or_is_no_list_is_refused(arguments, match):
    histories = Histories(np.array([1, 2]), np.array([1, 2], np.int32), np.array([0, 1, 2]), {})
    with pytest.raises(ValueError, match=f"{match}.*"):
        recommender(histories=histories).recommend(**arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("users", "ann"),
        ("users", {"ann", "bob"}),
        ("users", {"ann": 1}),
        ("users", pd.DataFrame({"user": ["ann"]})),
        ("users", 3),
        ("histories", "tea"),
        ("histories", {("tea",)}),
        ("histories", {"ann": ["tea"]}),
        ("histories", pd.DataFrame({"item": [["tea"]]})),
        ("histories", 3),
    ],
)
def test_many_are_asked_for_in_an_order(name, value):
    histories = Histories(np.array(["ann"]), np.array([1], np.int32), np.array([0, 1]), {})
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}="):
        recommender(histories=histories).recommend_many(**{name: value})


@pytest.mark.parametrize(
    "history", [["tea"], ("tea",), pd.Series(["tea"]), np.array(["tea"]), iter(["tea"])]
)
def test_whatever_has_an_order_is_a_history(history):
    assert recommender().recommend(history, k=1).items == ["cup"]


@pytest.mark.parametrize("value", [True, np.True_, float("nan"), float("inf"), None, "40", pd.NA])
def test_what_is_no_number_is_no_id_of_an_integer_catalogue(value):
    subject = Recommender(After(), Vocabulary([50, 40, 30, 20, 10]), fallback=popular())
    with pytest.raises(ValueError, match="`history` must hold raw ids of .* integers"):
        subject.recommend([40, value])
    assert subject.recommend([40, 10**30], k=1).notes[0].startswith("Read 1 id of")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scorer", MostPopular),
        ("scorer", object()),
        ("scorer", None),
        ("data", DRINKS),
        ("data", None),
        ("items", {"title": ["Tea"]}),
        ("filter_seen", "false"),
        ("filter_seen", 1),
        ("fallback", "popularity"),
        ("fallback", MostPopular),
        ("name", 3),
        ("histories", [["tea"]]),
        ("histories", pd.DataFrame({"user": [1], "item": ["tea"]})),
        ("rules", AtMost(2)),
        ("rules", "AtMost"),
        ("rules", None),
        ("index", np.ones((5, 2))),
        ("item_vectors", "vectors"),
        ("item_vectors", [["a"] * 2] * 5),
    ],
)
def test_wrong_parts_of_a_recommender_are_named(name, value):
    parts = {"scorer": After(), "data": Vocabulary(DRINKS), "fallback": popular()}
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: "):
        Recommender(**{**parts, name: value})


def test_a_user_with_two_histories_is_refused():
    twice = Histories(np.array([1, 1]), np.array([1, 2], np.int32), np.array([0, 1, 2]), {})
    with pytest.raises(ValueError, match="`histories` must hold each user once. Received: 1"):
        recommender(histories=twice)


def test_texts_for_an_integer_catalogue_are_an_error():
    with pytest.raises(
        ValueError, match="`history` must hold .* integers .* 50.*Received: history='40'"
    ):
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


def test_lists_leave_vectors_out():
    items = pd.DataFrame(
        {"title": ["Milk", "Cup"], "text": [[0.5, 1.0]] * 2}, index=["milk", "cup"]
    )
    answer = recommender(items=items).recommend(["tea"], k=3)
    assert answer.table.columns.tolist() == ["rank", "item", "score", "title"]


def test_item_table_that_does_not_fit_is_refused():
    for items, match in (
        (pd.DataFrame({"title": ["Tea"]}, index=[1]), "has no item of the vocabulary"),
        (pd.DataFrame({"score": [1]}, index=["tea"]), "none of them named"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"], index=["tea"]), "distinct columns"),
        (pd.DataFrame({"title": ["Tea", "Te"]}, index=["tea", "tea"]), "distinct=False"),
    ):
        with pytest.raises(ValueError, match=match):
            recommender(items=items)
