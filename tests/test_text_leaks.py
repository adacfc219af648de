"""Canaries for texts and ids that give the next item away."""

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.text.leaks import text_leaks

ITEMS = 120
RNG = np.random.default_rng(0)


def split_of(chains):
    """One user per chain of raw ids."""
    rows = [(user, item) for user, chain in enumerate(chains) for item in chain]
    return leave_one_out(Interactions(pd.DataFrame(rows, columns=["user", "item"]), "ordered"))


@pytest.fixture(scope="module")
def honest():
    """Chains of random items, of ids without an order."""
    ids = RNG.permutation([f"B{n:03d}" for n in range(ITEMS)])
    chains = [RNG.choice(ids, 4, replace=False) for _ in range(300)]
    names = pd.Series([f"thing {n}" for n in RNG.permutation(ITEMS)], ids)
    return split_of(chains), names


def leaks_of(found):
    return set(found.index[found["leak"]])


def test_honest_texts_have_no_leak(honest):
    split, names = honest
    found = text_leaks(split.test, names + " for the house", names)
    assert leaks_of(found) == set()
    assert found["share"].max() < 0.25 and found.loc["named in the text", "share"] == 0


@pytest.mark.parametrize("by", ["name", "id"])
def test_texts_that_hold_the_target_are_found(honest, by):
    split, names = honest
    events = split.test.inputs.events
    followed = split.test.targets.events.set_index("user")["item"]
    last = events.groupby("user")["item"].last()
    texts = names.copy()
    for user, item in followed.items():  # As a page that was read after the purchase.
        said = item.lower() if by == "id" else names[item].upper()
        texts[last[user]] += f", also bought: {said}."
    found = text_leaks(split.test, texts, names)
    assert leaks_of(found) == {"named in the text"}
    assert found.loc["named in the text", "share"] == 1


def test_a_name_inside_of_a_word_is_not_the_name():
    split = split_of([["a1", "b1", "c1", "d1"]] * 3)
    texts = pd.Series(["x", "y", "teapot, d10", "tea"], ["a1", "b1", "c1", "d1"])
    assert text_leaks(split.test, texts)["share"]["named in the text"] == 0
    texts["c1"] = "a pot for Tea"
    assert text_leaks(split.test, texts)["share"]["named in the text"] == 1


def test_ids_that_were_given_while_a_file_was_read_are_found():
    chains = [RNG.choice(5000, 5) for _ in range(400)]  # Far more items than any user has.
    met = {item: n for n, item in enumerate(dict.fromkeys(np.concatenate(chains)))}
    numbered = split_of([[met[item] for item in chain] for chain in chains])
    texts = pd.Series("thing", RNG.permutation(len(met)))
    assert leaks_of(text_leaks(numbered.test, texts)) == {"near by id"}
    in_order = pd.Series("thing", range(len(met)))
    expected = {"near by id", "near in the table"}
    assert leaks_of(text_leaks(numbered.test, in_order)) == expected


def test_needs_texts_of_the_items(honest):
    with pytest.raises(ValueError, match="`texts` must have the items.*Received: texts=1"):
        text_leaks(honest[0].test, pd.Series(["tea"], ["Z"]))


@pytest.mark.parametrize(
    "argument, value",
    [
        ("cases", "split"),
        ("texts", ["a", "b"]),
        ("texts", pd.DataFrame({"title": ["a"]}, ["B000"])),
        ("texts", pd.Series(["a", "b"], ["B000", "B000"])),
        ("names", ["a", "b"]),
        ("near", "10"),
        ("near", 0),
    ],
)
def test_arguments_of_another_kind_are_refused(honest, argument, value):
    split, names = honest
    given = {"cases": split.test, "texts": names, argument: value}
    with pytest.raises(ValueError, match=f"`{argument}` must be .*Received: {argument}="):
        text_leaks(**given)
