"""Augmented windows: exact shares, targets that stay what they were, seeds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from harness import make_histories

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.features.augment import NEIGHBOURS, Augment, Augmenter, near_items
from recmodels.features.batches import NextItemBatches
from recmodels.features.histories import Lookup

# Distinct items: event i of user u has the item 20 u + i + 1 and is followed by the next number.
LENGTHS = [20, 13, 11, 20, 7]
LISTS = [[20 * u + i + 1 for i in range(n)] for u, n in enumerate(LENGTHS)]
V, T = 100, 20
HISTORIES = make_histories(LISTS)
CODES = HISTORIES.items % 7 + 1
HISTORIES = replace(
    HISTORIES,
    columns={
        "code": CODES.astype(np.int32),
        "asked": (np.roll(HISTORIES.items, -1) % 5 + 1).astype(np.int32),
        "of_item": Lookup(np.arange(V + 3, dtype=np.int32) * 2, HISTORIES.items),
    },
)
COLUMNS = ("code", "asked", "of_item")
WINDOWS = np.repeat(np.arange(len(LISTS)), 200)  # Each user 200 times.
COUNTS = np.array(LENGTHS)[WINDOWS] - 1


def places():
    ends = HISTORIES.offsets[1:][WINDOWS] - 1
    cells = ends[:, None] - np.arange(T, 0, -1)
    return np.where(cells >= HISTORIES.offsets[:-1][WINDOWS][:, None], cells, -1)


def apply(seed=0, **shares):
    augmenter = Augmenter(Augment(**shares), HISTORIES, V, asked=("asked",))
    return augmenter(places(), COLUMNS, np.random.default_rng(seed))


PLAIN = np.where(places() >= 0, HISTORIES.items[places()], 0)


def check_share(changed, share):
    """Per window floor(share n) or one more, share n in the mean."""
    expected = share * COUNTS
    assert (np.abs(changed - expected) < 1).all()
    assert changed.mean() == pytest.approx(expected.mean(), abs=0.05)


def rows(items):
    return [row[row > 0] for row in items]


def test_without_a_share_nothing_changes():
    inputs, targets = apply()
    np.testing.assert_array_equal(inputs["item_ids"], PLAIN)
    np.testing.assert_array_equal(targets, np.where(places() >= 0, places() + 1, -1))


def test_mask_replaces_items_and_keeps_targets_and_event_columns():
    inputs, targets = apply(mask=0.23)
    masked = inputs["item_ids"] == V + 2
    check_share(masked.sum(axis=1), 0.23)
    np.testing.assert_array_equal(inputs["item_ids"][~masked], PLAIN[~masked])
    np.testing.assert_array_equal(targets, apply()[1])
    np.testing.assert_array_equal(inputs["code"], apply()[0]["code"])
    assert (inputs["of_item"] == 2 * inputs["item_ids"]).all()  # What the item was is hidden too.


def test_crop_keeps_a_run_with_its_targets():
    inputs, targets = apply(crop=0.4)
    left = rows(inputs["item_ids"])
    check_share(COUNTS - np.array([len(row) for row in left]), 0.4)
    assert all((np.diff(row) == 1).all() for row in left)
    assert ((inputs["item_ids"] > 0) == (targets >= 0)).all()
    real = targets >= 0
    np.testing.assert_array_equal(HISTORIES.items[targets[real]], inputs["item_ids"][real] + 1)
    begins = {int(row[0]) for row, user in zip(left, WINDOWS, strict=True) if user == 0}
    assert begins == set(range(1, 10))  # 7 or 8 of 19 events leave, from either end.
    assert all(len(row) for row in rows(apply(crop=0.99)[0]["item_ids"]))


def test_reorder_shuffles_a_run_and_asks_for_nothing_that_was_read():
    inputs, targets = apply(reorder=0.5)
    for row, plain, asked in zip(inputs["item_ids"], PLAIN, targets, strict=True):
        np.testing.assert_array_equal(np.sort(row), np.sort(plain))
        for place in np.flatnonzero(asked >= 0):
            target = HISTORIES.items[asked[place]]
            assert target == plain[place] + 1 and target not in row[: place + 1]
    dropped = (places() >= 0).sum(axis=1) - (targets >= 0).sum(axis=1)
    check_share(dropped + 1, 0.5)
    # Columns of events move with them, those of the event asked for stay with the target.
    real = targets >= 0
    assert (inputs["code"][real] == inputs["item_ids"][real] % 7 + 1).all()
    assert (inputs["asked"][real] == HISTORIES.items[targets[real]] % 5 + 1).all()


def test_substitutes_are_neighbours_and_targets_stay():
    inputs, targets = apply(substitute=0.3)
    other = inputs["item_ids"] != PLAIN
    check_share(other.sum(axis=1), 0.3)
    assert (np.abs(inputs["item_ids"] - PLAIN)[other] <= 3).all()
    np.testing.assert_array_equal(targets, apply()[1])
    assert (inputs["of_item"] == 2 * inputs["item_ids"]).all()
    np.testing.assert_array_equal(inputs["code"], apply()[0]["code"])


def test_inserted_events_have_no_target_and_push_the_oldest_out_of_a_full_window():
    inputs, targets = apply(insert=0.25)
    real = inputs["item_ids"] > 0
    added = (real & (targets < 0)).sum(axis=1)
    roomy = COUNTS + np.ceil(0.25 * COUNTS) <= T
    assert (np.abs(added - 0.25 * COUNTS) < 1)[roomy].all() and (real.sum(axis=1) <= T).all()
    for row, asked, plain in zip(inputs["item_ids"], targets, PLAIN, strict=True):
        kept = row[asked >= 0]
        np.testing.assert_array_equal(kept, plain[plain > 0][-len(kept) :])
        np.testing.assert_array_equal(HISTORIES.items[asked[asked >= 0]], kept + 1)
        assert real.sum() and (np.diff(np.flatnonzero(row > 0)) == 1).all()
    new = (real & (targets < 0))[:, 1:] & real[:, :-1]  # Columns of the event before.
    assert (inputs["code"][:, 1:] == inputs["code"][:, :-1])[new].all()


def test_neighbours_by_hand():
    # Within three events of 1: 2 twice and 3 once in the first history, 9 in the second.
    found = near_items(make_histories([[1, 2, 1, 3], [1, 8, 8, 9, 1, 99], [5]]), 9)
    assert found.shape == (12, NEIGHBOURS)
    counts = {2: 2, 3: 2, 8: 4, 9: 2}
    assert found[1, 0] == 8 and set(found[1]) == {0, *counts} and found[1, 4] == 0
    assert found[1, 1:4].tolist() == [2, 3, 9]  # Equally frequent ones by their number.
    assert not found[[0, 4, 5, 10, 11]].any()


@pytest.mark.parametrize(
    "shares", [{"mask": 1.0}, {"crop": -0.1}, {"insert": "0.1"}, {"mask": True}]
)
def test_impossible_shares_are_refused(shares):
    with pytest.raises(ValueError, match="must be a share of the events, from 0 to below 1. Rec"):
        Augment(**shares)


ALL = {"crop": 0.2, "reorder": 0.2, "substitute": 0.2, "insert": 0.2, "mask": 0.2}


def make_batches(seed=0, epoch=0, **shares):
    augmenter = Augmenter(Augment(**shares), HISTORIES, V) if shares else None
    return NextItemBatches(
        HISTORIES, 12, 2, seed, windows="all", columns=COLUMNS, augmenter=augmenter, epoch=epoch,
        targets={"same": HISTORIES.items},
    )  # fmt: skip


def flat(batches):
    parts = [batches[i] for i in range(len(batches))]
    return [part for x, y, w in parts for part in (*x.values(), *y.values(), w)]


def test_same_seed_same_batch_and_all_targets_are_targets_of_the_log():
    first, again = flat(make_batches(**ALL)), flat(make_batches(**ALL))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    for other in (make_batches(seed=1, **ALL), make_batches(epoch=1, **ALL), make_batches()):
        assert not np.array_equal(first[0], flat(other)[0])
    following = {items[i] for items in LISTS for i in range(1, len(items))}
    batches, asked = make_batches(**ALL), set()
    for inputs, targets, weights in map(batches.__getitem__, range(len(batches))):
        assert (targets["item_ids"] == targets["same"]).all()
        asked |= set(targets["item_ids"][weights > 0].tolist())
        assert inputs["item_ids"].max() <= V + 2
    assert asked <= following and len(asked) > len(following) / 2
    assert make_batches(**ALL).identity()["augment"] == ALL


def test_fit_augments_only_training_batches(eagerly):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"user": np.repeat(np.arange(20), 8), "item": rng.integers(0, 9, 160)})
    frame["timestamp"] = np.arange(160)
    data = rm.prepare(rm.leave_one_out(Interactions(frame, "timed")))
    scores = []
    for augment in (None, rm.Augment(**ALL)):
        model = rm.SASRec(data.num_items, 8, 8, num_blocks=1)
        rm.fit(model, data, epochs=1, augment=augment, verbose=False)
        scores.append(model.score(data.test.histories.window(np.arange(20), 8)))
    assert np.abs(scores[0] - scores[1]).max() > 1e-4
    with pytest.raises(ValueError, match="`augment` must be an `Augment`"):
        rm.fit(model, data, epochs=1, augment={"mask": 0.1}, verbose=False)
