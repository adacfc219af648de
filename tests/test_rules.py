"""Rules: what may be shown, what may stand beside what, and walks down a list by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from recmodels.recommend.rerank import build_rule_book, rerank
from recmodels.recommend.rules import (
    RULES,
    AtLeast,
    AtMost,
    Diverse,
    NoOlderThan,
    OnePerFamily,
    rules_from_json,
    rules_to_json,
    title_family,
)

# Items 1..6, best first in every test: scores 6, 5, 4, 3, 2, 1.
ITEMS = pd.DataFrame(
    {
        "title": ["Heat (1995)", "Alien", "Alien: Director's Cut", None, "Heat", "Up"],
        "category": ["crime", "horror|space", "space", None, "crime", "space"],
        "released": ["1995-12-15", "1979-05-25", None, "2009-05-16", "1986-01-01", "2009-05-29"],
        "stars": [4.0, 4.5, 3.0, np.nan, 2.0, 3.5],
        "first_seen": [50, 40, 30, 20, 10, 0],
    }
)
CANDIDATES = np.arange(1, 7)
SCORES = np.arange(6, 0, -1).astype(np.float32)


def walk(rules, k=6, vectors=None) -> list[int]:
    """Item ids of the list, best first, of those the rules allow."""
    book = build_rule_book(rules, ITEMS, 6)
    left = book.allowed[CANDIDATES]
    candidates = CANDIDATES[left]
    return candidates[rerank(candidates, SCORES[left], k, book, vectors)].tolist()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (NoOlderThan("1995-12-15", "released"), [1, 4, 6]),  # The very day is not older.
        (NoOlderThan(30), [1, 2, 3]),
        (NoOlderThan("1970-01-01T00:00:30"), [1, 2, 3]),  # Seconds since 1970.
        (AtLeast(3.5, "stars"), [1, 2, 6]),  # Item 4 has no stars: not known to be good.
        (OnePerFamily(), [1, 2, 4, 6]),  # 3 is another 2, 5 another 1, 4 has no title.
        (AtMost(1), [1, 2, 4]),  # 2 takes horror and space.
        (AtMost(2), [1, 2, 3, 4, 5]),  # crime 2, horror 1, space 2: no room for 6.
        (AtMost(1, separator=";"), [1, 2, 3, 4]),  # "horror|space" is one category then.
    ],
    ids=repr,
)
def test_each_rule_by_hand(rule, expected):
    assert walk([rule]) == expected


def test_rules_compose():
    # After the quality rule 1, 2, 3, 6 are left; 3 is of the family of 2; space has room for one.
    assert walk([AtLeast(3.0, "stars"), OnePerFamily(), AtMost(1)]) == [1, 2]
    assert walk([AtLeast(3.0, "stars"), OnePerFamily()]) == [1, 2, 6]
    assert walk([]) == [1, 2, 3, 4, 5, 6] and walk([], k=2) == [1, 2]


def test_an_item_that_is_refused_takes_no_room():
    # 3 is refused as another 2; were it counted, space would have no room for 6.
    assert walk([OnePerFamily(), AtMost(2)]) == [1, 2, 4, 6]


VECTORS = np.array([[1, 0], [2, 0], [0, 3], [0, 1], [-1, 0], [1, 1]], np.float32)


def test_marginal_relevance_by_hand():
    # Relevance 1, .8, .6, .4, .2, 0. First 1. Then with weight 0.5, cosines to item 1 being
    # -, 1, 0, 0, -1, .707:  2: .4 - .5 = -.1   3: .3   4: .2   5: .1 + .5 = .6   -> 5
    # Largest cosines to {1, 5}: 2: 1, 3: 0, 4: 0, 6: .707  ->  3 (.3), and 4 is then like 3:
    # 2: -.1   4: .2 - .5 = -.3   6: 0 - .354 = -.354  ->  2, then 4, then 6.
    assert walk([Diverse(0.5)], vectors=VECTORS) == [1, 5, 3, 2, 4, 6]
    assert walk([Diverse(0.0)], vectors=VECTORS) == [1, 2, 3, 4, 5, 6]


def test_marginal_relevance_equals_the_formula_step_by_step():
    rng = np.random.default_rng(0)
    vectors, scores = rng.normal(size=(6, 3)).astype(np.float32), SCORES
    relevance = (scores - scores.min()) / (scores.max() - scores.min())

    def cosine(i, j):
        return vectors[i] @ vectors[j] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[j])

    for weight in (0.2, 0.7, 1.0):
        expected = [0]
        while len(expected) < 6:
            margins = {
                i: (1 - weight) * relevance[i] - weight * max(cosine(i, j) for j in expected)
                for i in set(range(6)) - set(expected)
            }
            expected.append(max(margins, key=margins.get))
        assert walk([Diverse(weight)], vectors=vectors) == [i + 1 for i in expected]


def test_beyond_the_pool_items_follow_by_score():
    assert walk([Diverse(1.0, pool=3)], vectors=VECTORS) == [1, 3, 2, 4, 5, 6]
    # The pool 1, 2, 3 holds two families.
    assert walk([Diverse(1.0, pool=3), OnePerFamily()], vectors=VECTORS) == [1, 3, 4, 6]


def test_vectors_without_length_and_equal_scores_are_no_trouble():
    book = build_rule_book([Diverse(0.5)], ITEMS, 6)
    flat = np.ones(6, np.float32)
    assert rerank(CANDIDATES, flat, 3, book, np.zeros((6, 2), np.float32)) == [0, 1, 2]
    assert rerank(CANDIDATES[:0], flat[:0], 3, book, VECTORS) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Heat (1995)", "Heat"),
        ("Matrix, The (1999)", "The Matrix"),
        ("Alien: The Director's Cut", "alien"),
        ("Blade Runner - Final Cut [Blu-ray]", "Blade Runner"),
        ("Python in Practice, 3rd Edition", "Python in practice"),
        ("Shampoo, 8 oz", "SHAMPOO - 16 Oz. (pack of 2)"),
        ("Face Cream 1.7 fl. oz", "Face Cream, 50ml"),
        ("T-Shirt Blue, XL", "T-shirt blue, M"),
        ("Beatles, pack of 3", "Beatles"),
    ],
)
def test_title_families(one, other):
    assert title_family(one) == title_family(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alien", "Aliens"),
        ("Toy Story", "Toy Story 2"),
        ("Blade Runner", "Blade Runner 2049"),
        ("Godfather, The", "Godfather: Part II, The"),
        ("1984", "2001"),
        ("(500)", "(501)"),
        ("Shampoo Rose", "Shampoo Mint"),
        ("茶", "杯"),
    ],
)
def test_titles_of_different_things(one, other):
    assert title_family(one) != title_family(other)


def test_every_rule_comes_back_from_json():
    rules = (
        NoOlderThan("2020-01-01", "released"),
        NoOlderThan(5),
        AtLeast(3.5),
        OnePerFamily("name"),
        AtMost(2, "brand", ";"),
        Diverse(0.4, 50),
    )
    assert {type(rule) for rule in rules} == set(RULES.values())
    assert rules_from_json(json.loads(json.dumps(rules_to_json(rules)))) == rules
    assert rules_from_json([{"rule": "AtMost", "most": 3}]) == (AtMost(3),)


@pytest.mark.parametrize(
    ("described", "match"),
    [
        ([{"rule": "system", "most": 1}], "`rules` must be objects whose `rule`.*AtMost.*system"),
        (["AtMost"], "must be objects"),
        ([{"rule": "AtMost", "least": 1}], "`AtMost` takes .*'most'"),
        ([{"rule": "AtMost", "most": 0}], "`most` must be a whole number of at least 1"),
        ([{"rule": "Diverse", "weight": 2}], "`weight` must be a number in 0..1"),
        ([{"rule": "Diverse", "pool": 0}], "`pool` must be a whole number of at least 1"),
        ([{"rule": "Diverse", "pool": 2.5}], "`pool` must be a whole number"),
        ([{"rule": "Diverse", "weight": True}], "`weight` must be a number"),
        ([{"rule": "Diverse", "weight": float("nan")}], "`weight` must be a number"),
        ([{"rule": "AtMost", "most": "2"}], "`most` must be a whole number"),
        ([{"rule": "AtMost", "most": True}], "`most` must be a whole number"),
        ([{"rule": "AtMost", "most": 1, "separator": ""}], "`separator` must be a text"),
        ([{"rule": "AtMost", "most": 1, "column": 3}], "`column` must be the name"),
        ([{"rule": "OnePerFamily", "column": ["title"]}], "`column` must be the name"),
        ([{"rule": "AtLeast", "least": "3"}], "`least` must be a finite number"),
        ([{"rule": "AtLeast", "least": float("nan")}], "`least` must be a finite number"),
        ([{"rule": "AtLeast", "least": float("inf")}], "`least` must be a finite number"),
        ([{"rule": "NoOlderThan", "since": None}], "`since` must be a number, or a date"),
        ([{"rule": "NoOlderThan", "since": float("nan")}], "`since` must be a number, or a date"),
        ([{"rule": "NoOlderThan", "since": "soon"}], "`since` must be a number, or a date"),
        ([{"rule": "NoOlderThan", "since": "NaT"}], "`since` must be a number, or a date"),
        ([{"rule": ["AtMost"], "most": 1}], "must be objects"),
        ([[{"rule": "AtMost", "most": 1}]], "must be objects"),
        ({"rule": "AtMost", "most": 1}, "`rules` must be a list of objects"),
        (3, "`rules` must be a list of objects"),
        ("AtMost", "`rules` must be a list of objects"),
    ],
)
def test_bad_json(described, match):
    with pytest.raises(ValueError, match=match):
        rules_from_json(described)


@pytest.mark.parametrize(
    ("rules", "match"),
    [
        ([AtMost(1, "brand")], "need a column 'brand'.*Received: columns="),
        ([AtLeast(1, "title")], "must hold numbers"),
        ([NoOlderThan("2020-01-01", "title")], "`since` must be a date"),
        ([NoOlderThan(3, "released")], "`since` must be a date"),
        (["AtMost"], "`rules` must hold rules"),
        ([Diverse(), Diverse(0.5)], "one Diverse at most"),
    ],
)
def test_rules_that_do_not_fit_the_table(rules, match):
    with pytest.raises(ValueError, match=match):
        build_rule_book(rules, ITEMS, 6)


def test_without_an_item_table_the_missing_column_is_named():
    with pytest.raises(ValueError, match="need a column 'category'"):
        build_rule_book([AtMost(1)], None, 6)
