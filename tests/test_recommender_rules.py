"""Known users, rules and ten thousand random requests: lists keep what they promise."""

import re

import numpy as np
import pandas as pd
import pytest

from recmodels.features.histories import Histories
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.popularity import MostPopular
from recmodels.recommend import AtLeast, AtMost, Diverse, NoOlderThan, OnePerFamily, Recommender
from recmodels.recommend.item_table import item_facts
from tests.harness import make_histories, make_log

DRINKS = ["tea", "cup", "pot", "milk", "sugar"]  # Items 1..5.
ITEMS = pd.DataFrame({"title": DRINKS, "category": ["a", "b", "b", "b", "a"]}, index=DRINKS)


class Ascending:
    """Scores item i with -i for everyone, and remembers the users it was asked for."""

    max_length = 3

    def score(self, queries, items=None):
        self.user_ids = queries["user_ids"]
        return np.tile(-np.arange(6, dtype=np.float32), (len(self.user_ids), 1))


def known() -> Histories:
    """ann did tea and cup, bob what is not in the catalogue, eve nothing but milk."""
    items = np.array([1, 2, 6, 6, 4], np.int32)
    return Histories(np.array(["ann", "bob", "eve"]), items, np.array([0, 2, 4, 5]), {})


def recommender(**settings) -> Recommender:
    settings = {"items": ITEMS, "histories": known(), **settings}
    return Recommender(Ascending(), Vocabulary(DRINKS), **settings)


def test_a_known_user_is_answered_from_their_history():
    subject = recommender()
    answer = subject.recommend(user="ann", k=2)
    assert answer.items == ["pot", "milk"] and answer.notes == ()
    assert subject.scorer.user_ids.tolist() == [0]
    assert subject.recommend(["tea", "cup"], k=2).items == answer.items
    assert subject.scorer.user_ids.tolist() == [-1]


@pytest.mark.parametrize(
    ("user", "notes"),
    [
        ("joe", ["User 'joe' is not known.", "MostPopular made the list"]),
        ("bob", ["no item of the catalogue: MostPopular made the list"]),
    ],
)
def test_an_unknown_user_gets_popular_items_and_a_note(user, notes):
    answer = recommender().recommend(user=user, k=3)
    # Once each: tea, cup, milk; the smaller id first.
    assert answer.items == ["tea", "cup", "milk"] and answer.source == "MostPopular"
    assert all(part in note for part, note in zip(notes, answer.notes, strict=True))


def test_many_users_equal_one_at_a_time(monkeypatch):
    monkeypatch.setattr("recmodels.recommend.recommender.CHUNK_ROWS", 2)
    subject = recommender(rules=[AtMost(1)])
    users = ["eve", "joe", "ann", "bob", "ann"]
    many = subject.recommend_many(users=users, k=2)
    for user, answer in zip(users, many, strict=True):
        alone = subject.recommend(user=user, k=2)
        pd.testing.assert_frame_equal(answer.table, alone.table)
        assert (answer.source, answer.notes) == (alone.source, alone.notes)
    assert subject.recommend_many(users=[]) == []


def test_a_user_or_a_history_and_not_both():
    subject = recommender()
    for asked in ({}, {"history": ["tea"], "user": "ann"}):
        with pytest.raises(ValueError, match="`history` must be given, or else `user`"):
            subject.recommend(**asked)
    with pytest.raises(ValueError, match="`user` can be asked for only where histories"):
        recommender(histories=None).recommend(user="ann")
    with pytest.raises(ValueError, match="`user` must hold .*strings such as 'ann'"):
        subject.recommend(user=3)


def test_rules_of_a_request_replace_those_of_the_recommender():
    subject = recommender(rules=[AtMost(1)])
    assert subject.recommend(["tea"], k=2).items == ["cup", "sugar"]
    assert subject.recommend(["tea"], k=2, rules=[AtMost(2)]).items == ["cup", "pot"]
    assert subject.recommend(["tea"], k=4, rules=()).items == ["cup", "pot", "milk", "sugar"]
    assert "AtMost(most=1" in repr(subject)


def test_rules_hold_for_the_fallback_too():
    assert recommender(rules=[AtMost(1)]).recommend([], k=2).items == ["tea", "cup"]


def test_a_list_the_rules_cut_short_says_so():
    answer = recommender(rules=[AtMost(1)]).recommend(["tea"], k=4)
    assert answer.items == ["cup", "sugar"]
    assert answer.notes[0].startswith("2 items, not 4: 5 of 5 items may be listed, and seen ones")
    assert "under [AtMost(most=1" in answer.notes[0]


def test_the_walk_goes_on_below_the_first_candidates():
    """Two hundred editions of one title stand above the only other."""
    raw = [f"i{number}" for number in range(200)]
    titles = pd.DataFrame({"title": [*(f"Heat ({1800 + n})" for n in range(199)), "Up"]}, index=raw)

    class Falling:
        max_length = 1

        def score(self, queries, items=None):
            return -np.arange(201, dtype=np.float32)[None].repeat(len(queries["item_ids"]), 0)

    subject = Recommender(Falling(), Vocabulary(raw), items=titles, rules=[OnePerFamily()])
    subject.filter_seen = False
    assert subject.recommend(["i5"], k=2).items == ["i0", "i199"]


def test_diversity_needs_vectors_and_takes_given_ones():
    with pytest.raises(ValueError, match="`Diverse` needs vectors.*Received: model=Ascending"):
        recommender().recommend(["tea"], rules=[Diverse()])
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [1, 0]])
    subject = recommender(item_vectors=vectors, rules=[Diverse(0.9)])
    # cup first; milk alone is unlike it.
    assert subject.recommend(["tea"], k=2).items == ["cup", "milk"]


@pytest.mark.parametrize("vectors", [np.ones((4, 2)), np.ones(5), np.full((5, 2), np.nan)])
def test_vectors_that_do_not_fit(vectors):
    with pytest.raises(ValueError, match="`item_vectors` must be one finite vector per item"):
        recommender(item_vectors=vectors)


def test_integers_in_a_column_with_fractions_stay_exact():
    large = 2**60
    vocabulary = Vocabulary(np.array([large, large + 1, 3, 4, 5]))
    subject = Recommender(Ascending(), vocabulary)
    answers = subject.recommend_many([[large + 1, 2.5], [3.0]], k=1)
    assert answers[0].items == [large] and "2.5" in answers[0].notes[0]
    assert subject.recommend([3.0], k=3).items == [large, large + 1, 4]


def test_item_facts_by_hand():
    log = make_log([[7, 8, 7], [8]])
    events = log.events.assign(timestamp=[10, 20, 30, 40], value=[1.0, 2.0, 4.0, 5.0])
    facts = item_facts(type(log)(events, order="timed"))
    assert facts.loc[7].to_dict() == {
        "events": 2, "users": 1, "mean_value": 2.5, "first_seen": 10, "last_seen": 30,
    }  # fmt: skip
    assert facts.loc[8, "users"] == 2 and facts.loc[8, "mean_value"] == 3.5
    assert list(item_facts(log).columns) == ["events", "users"]


@pytest.mark.slow
def test_everything_random_and_nothing_seen_excluded_or_twice():
    """10,000 histories in batches under random rules, exclusions, allow-lists and lengths."""
    rng = np.random.default_rng(0)
    count = 300
    raw = np.array([f"i{number}" for number in range(count)])
    items = pd.DataFrame(
        {
            "title": [f"Film {n // 2} ({1990 + n % 2})" for n in range(count)],
            "category": rng.choice(["a", "b", "c|a", "d"], count),
            "stars": rng.uniform(1, 5, count),
            "first_seen": rng.integers(0, 100, count),
        },
        index=raw,
    )
    vectors = rng.normal(size=(count, 8)).astype(np.float32)

    class Random:
        max_length = 5

        def score(self, queries, items=None):
            drawn = rng.integers(0, 50, (len(queries["item_ids"]), count + 1))  # Many ties.
            return drawn.astype(np.float32)

    popular = MostPopular().fit(make_histories([rng.integers(1, count, 500).tolist()]), count)
    subject = Recommender(
        Random(), Vocabulary(raw), items=items, fallback=popular, item_vectors=vectors
    )
    every = (AtLeast(2.0, "stars"), NoOlderThan(20), OnePerFamily(), AtMost(4), Diverse(0.3, 30))
    short = 0
    for _ in range(50):
        histories = [rng.choice([*raw, "new"], rng.integers(0, 60)).tolist() for _ in range(200)]
        exclude = set(rng.choice(raw, rng.integers(0, 200)).tolist())
        only = None if rng.random() < 0.5 else rng.choice(raw, rng.integers(0, 250)).tolist()
        rules = [rule for rule in every if rng.random() < 0.5]
        k = int(rng.integers(1, 25))
        answers = subject.recommend_many(histories, k, exclude, only, rules=rules)
        for history, answer in zip(histories, answers, strict=True):
            shown = set(answer.items)
            assert len(shown) == len(answer) <= k
            assert not shown & set(history) and not shown & exclude
            assert only is None or shown <= set(only)
            note = r"not \d+: \d+ of 300 items may be listed"
            assert len(answer) == k or re.search(note, answer.notes[-1])
            short += len(answer) < k
        check_rules(answers, items, rules)
    assert 0 < short < 5_000  # Both kinds of lists were met.


def check_rules(answers, items, rules):
    """Each rule in words of its own, over all lists of a batch at once."""
    kinds = {type(rule) for rule in rules}
    shown = [item for answer in answers for item in answer.items]
    rows = items.loc[shown].assign(of=np.repeat(np.arange(len(answers)), [*map(len, answers)]))
    assert AtLeast not in kinds or (rows["stars"] >= 2).all()
    assert NoOlderThan not in kinds or (rows["first_seen"] >= 20).all()
    families = rows.assign(family=rows["title"].str[:-7])
    assert OnePerFamily not in kinds or not families.duplicated(["of", "family"]).any()
    if AtMost in kinds:
        each = rows.assign(category=rows["category"].str.split("|")).explode("category")
        assert each.groupby(["of", "category"]).size().max() <= 4
