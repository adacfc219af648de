import keras
import numpy as np
import pytest
from harness import make_histories

from recmodels.features.batches import GROUPS, NextItemBatches
from recmodels.features.negatives import NegativeSampler
from recmodels.features.windows import cut_windows

pytestmark = pytest.mark.backends

L = 4
# Distinct items throughout, so that an event is known by its item; user u owns 100 u + 1, ...
LENGTHS = [1, 2, 3, 5, 6, 9, 12, 2, 5, 30]
LISTS = [[100 * u + 1 + i for i in range(n)] for u, n in enumerate(LENGTHS)]


def make(lists=LISTS, max_length=L, batch_size=2, seed=0, **options):
    return NextItemBatches(make_histories(lists), max_length, batch_size, seed, **options)


def pairs(batches):
    """(last input, target) at each position that counts, over all batches of an epoch."""
    found = []
    for inputs, targets, weights in map(batches.__getitem__, range(len(batches))):
        read = inputs["item_ids"].ravel()[inputs["positions"]]
        found += [(int(a), int(b)) for a, b, w in zip(read, targets, weights, strict=True) if w]
    return found


def windows_of(batches):
    """Real items of each row of each batch."""
    rows = [row for i in range(len(batches)) for row in batches[i][0]["item_ids"]]
    return [tuple(int(item) for item in row if item) for row in rows]


def test_the_example_of_the_docstring():
    inputs, targets, weights = make([[5, 3, 8, 2]], max_length=5)[0]
    assert inputs["item_ids"].tolist() == [[5, 3, 8]]  # Its bucket ends at 3.
    inputs, targets, weights = make([[5, 3, 8, 2], [5, 3, 8, 2, 9, 1]], max_length=5, seed=1)[0]
    count = int(weights.sum())
    assert targets[:count].tolist() in ([3, 8, 2], [3, 8, 2, 9, 1])


def test_left_padding_within_a_bucket_and_real_positions():
    # L = 20: buckets end at 2, 3, 4, 6, 8, ...; histories of 6 and 7 items have 5 and 6 inputs.
    batches = make([[1, 2, 3, 4, 5, 6], [11, 12, 13, 14, 15, 16, 17]], max_length=20)
    (inputs, targets, weights), rows = batches[0], batches[0][0]["item_ids"].tolist()
    assert sorted(rows) == [[0, 1, 2, 3, 4, 5], [11, 12, 13, 14, 15, 16]]
    assert inputs["positions"][:11].tolist() == [
        place for place, item in enumerate(sum(rows, [])) if item
    ]
    expected = [item + 1 for item in sum(rows, []) if item]
    assert targets[:11].tolist() == expected
    assert weights.tolist() == [1.0] * 11 + [0.0] * (len(weights) - 11)


def test_types_and_rounded_counts():
    for inputs, targets, weights in map(make().__getitem__, range(len(make()))):
        count = len(targets)
        assert inputs["item_ids"].dtype == inputs["positions"].dtype == targets.dtype == np.int32
        assert weights.dtype == np.float32
        assert count % GROUPS == 0 and len(inputs["positions"]) == len(weights) == count
        assert inputs["positions"].max() < inputs["item_ids"].size
        assert targets.min() >= 1  # Also where the weight is 0: losses look targets up.
        assert set(np.unique(weights)) <= {0.0, 1.0}


def test_latest_windows_keep_the_newest_and_targets_are_shifted_by_one():
    found = pairs(make())
    newest = [item for items in LISTS for item in items[1:][-L:]]
    assert sorted(target for _, target in found) == newest
    assert all(target == read + 1 for read, target in found)
    assert set(windows_of(make())) == {tuple(items[-L - 1 : -1]) for items in LISTS if items[1:]}


@pytest.mark.parametrize("epoch", range(6))
def test_all_windows_give_each_event_but_the_first_as_target_once(epoch):
    found = pairs(make(windows="all", epoch=epoch))
    assert sorted(target for _, target in found) == sorted(i for items in LISTS for i in items[1:])
    assert all(target == read + 1 for read, target in found)


def test_prefixes_predict_each_event_at_the_end_of_its_own_window():
    batches = make(windows="prefixes")
    expected = [tuple(a[max(0, t - L) : t + 1]) for a in LISTS for t in range(1, len(a))]
    found = []
    for inputs, targets, weights in map(batches.__getitem__, range(len(batches))):
        rows, count = inputs["item_ids"], int(weights.sum())
        assert count == len(rows) and weights[:count].all()
        np.testing.assert_array_equal(rows.ravel()[inputs["positions"][:count]], rows[:, -1])
        pairs = zip(rows, targets, strict=False)
        found += [(*(int(i) for i in row if i), int(target)) for row, target in pairs]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("windows", ["latest", "all"])
def test_every_window_is_in_exactly_one_batch(windows):
    batches = make(windows=windows)
    flat, places = batches.histories.items, zip(batches.starts, batches.ends, strict=True)
    expected = sorted(tuple(flat[a : b - 1].tolist()) for a, b in places)
    assert sorted(windows_of(batches)) == expected


def test_cut_windows_by_hand():
    # One user of 10 events, L = 3, whose 9 targets fill three windows: nothing is left to chance.
    rng = np.random.default_rng(0)
    starts, ends = cut_windows(np.array([0, 10]), 3, True, rng)
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == [(6, 10), (3, 7), (0, 4)]
    starts, ends = cut_windows(np.array([0, 10]), 3, False, rng)
    assert (starts.tolist(), ends.tolist()) == ([6], [10])


def test_older_windows_shift_as_far_as_they_can():
    # 8 events, 7 targets in three windows of at most 3: the newest may have 1, 2 or 3 of them.
    rng = np.random.default_rng(0)
    lengths = [np.subtract(*cut_windows(np.array([0, 8]), 3, True, rng)[::-1]) for _ in range(50)]
    assert {tuple(each - 1) for each in lengths} == {(3, 3, 1), (2, 3, 2), (1, 3, 3)}


@pytest.mark.parametrize("seed", range(20))
def test_cut_windows_for_any_lengths(seed):
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 12, 8))])
    limit = int(rng.integers(1, 6))
    starts, ends = cut_windows(offsets, limit, True, rng)
    user = np.searchsorted(offsets, ends - 1, side="right") - 1
    assert (starts >= offsets[user]).all()  # No window reaches into another user's events.
    assert ((ends - starts >= 2) & (ends - starts <= limit + 1)).all()
    targets = np.concatenate(
        [np.arange(a + 1, b) for a, b in zip(starts, ends, strict=True)] or [[]]
    )
    assert sorted(targets) == sorted(set(range(offsets[-1])) - set(offsets[:-1]))


def layout(batches):
    return [batches[i][0]["item_ids"].tolist() for i in range(len(batches))]


def test_same_seed_and_epoch_same_batches():
    assert layout(make(epoch=3)) == layout(make(epoch=3))
    going = make()
    for _ in range(3):
        going.on_epoch_end()
    assert layout(going) == layout(make(epoch=3))


def test_other_epoch_or_seed_other_order():
    many = [[3 * u + 1, 3 * u + 2, 3 * u + 3] for u in range(40)]
    first = layout(make(many))
    assert first != layout(make(many, epoch=1)) and first != layout(make(many, seed=1))
    assert len(first) == len(layout(make(many, epoch=1)))


@pytest.mark.parametrize("seed", range(5))
def test_every_epoch_has_as_many_batches(seed):
    # Keras counts them once: it would drop what is more, and complain of what is less.
    lists = [[1] * n for n in np.random.default_rng(seed).integers(2, 60, 12)]
    batches = make(lists, max_length=20, windows="all", seed=seed)
    counts, targets = set(), set()
    for epoch in range(30):
        batches.set_epoch(epoch)
        counts.add(len(batches))
        targets.add(len(pairs(batches)))
    assert len(counts) == len(targets) == 1


def test_shorter_windows_come_in_greater_number():
    many = [[1] * 3] * 30 + [[2] * 5] * 30  # 2 and 4 inputs; batches of 2 * 4 / 2 = 4 and 2 rows.
    shapes = {batch[0]["item_ids"].shape for batch in map(make(many).__getitem__, range(20))}
    assert shapes == {(4, 2), (2, 2), (2, 4)}  # (2, 2) is what remains of 30 rows in fours.


def test_first_two_batches_differ_in_length():
    many = [[1] * 2] + [[2] * 5] * 30
    for seed in range(5):
        batches = make(many, seed=seed)
        assert batches[0][0]["item_ids"].shape[1] != batches[1][0]["item_ids"].shape[1]


@pytest.mark.parametrize(
    "lengths",
    [
        [30, 31, 33],  # All shift, and only the remainders are short.
        [21, 22, 40],  # Windows that do not shift are not there.
        [3, 4, 90],  # Those that do not shift are all short.
        [3, 15, 90],
        [2, 3],
        [25],
    ],
)
def test_padded_length_never_surprises_keras(lengths):
    # Keras takes for fixed what its first two batches share, whatever epoch a run begins with.
    lists = [[1] * n for n in lengths]
    batches = make(lists, max_length=20, windows="all", batch_size=4)
    found = []
    for epoch in range(40):
        batches.set_epoch(epoch)
        found.append(
            [
                batch[0]["item_ids"].shape[1]
                for batch in map(batches.__getitem__, range(len(batches)))
            ]
        )
    everywhere = {length for epoch in found for length in epoch}
    assert len(everywhere) == 1 or all(epoch[0] != epoch[1] for epoch in found)


@pytest.mark.parametrize("shared", [True, False])
def test_negatives_are_reproducible_and_shaped_by_group(shared):
    sampler = NegativeSampler(np.ones(50), num_negatives=3)
    first = make(negatives=sampler, shared_negatives=shared)
    again = make(negatives=sampler, shared_negatives=shared)
    inputs, targets, _ = first[1]
    assert inputs["negatives"].shape == (GROUPS if shared else len(targets), 3)
    assert inputs["log_counts"].shape == inputs["negatives"].shape
    np.testing.assert_array_equal(inputs["negatives"], again[1][0]["negatives"])
    assert (inputs["negatives"] != first[0][0]["negatives"][: len(inputs["negatives"])]).any()
    again.set_epoch(1)
    assert (
        len(again[1][1]) != len(targets) or (again[1][0]["negatives"] != inputs["negatives"]).any()
    )


def test_only_training_events_are_inside():
    from harness import make_log

    from recmodels.data.splits import leave_one_out
    from recmodels.features.sequences import prepare

    data = prepare(leave_one_out(make_log([items for items in LISTS if len(items) > 4])))
    batches = NextItemBatches(data.train, 50, 4, 0, windows="all")
    held_out = set(data.validation.targets.tolist()) | set(data.test.targets.tolist())
    seen = {item for window in windows_of(batches) for item in window}
    seen |= {target for _, target in pairs(batches)}
    assert len(held_out) == 2 * len(data.test) and not seen & held_out


def test_counts_are_rounded_more_where_a_shape_costs_a_compilation():
    step = GROUPS * (8 if keras.backend.backend() == "jax" else 4)
    # 32 rows of 16 inputs: 512 places, a quarter of them is 8 * GROUPS.
    weights = make([[1] * 17] * 31 + [[1] * 16], max_length=16, batch_size=32)[0][2]
    assert len(weights) % step == 0 and len(weights) - weights.sum() < step


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"windows": "some"}, "`windows` must be one of .* Received: windows='some'"),
        (
            {"max_length": 0},
            "`max_length` must be a whole number of at least 1. Received: max_length=0",
        ),
        (
            {"batch_size": 0},
            "`batch_size` must be a whole number of at least 1. Received: batch_size=0",
        ),
        ({"lists": [[1], []]}, "`histories` holds no user with two events"),
    ],
)
def test_bad_input_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)
