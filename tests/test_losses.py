import keras
import numpy as np
import pytest
from harness import to_numpy, value_and_gradients
from keras import ops

from recmodels.tasks.losses import LOSSES, bce, full_softmax, gbce, sampled_softmax

pytestmark = pytest.mark.backends

LN2, LN3 = np.log(2.0), np.log(3.0)
# Two positions, three items, D = 2. Logits of position 0 (state (ln 2, ln 3)): ln 2, ln 3, 0;
# of position 1 (state (0, ln 2)): 0, ln 2, 0.
STATES = np.array([[LN2, LN3], [0.0, LN2]], "float32")
TABLE = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], "float32")
TARGETS = np.array([1, 2], "int32")
WEIGHTS = np.array([1.0, 3.0], "float32")  # Shares 1/4 and 3/4.
# One group: both positions meet items 2, 3 and 3; for position 1 item 2 is the target itself.
NEGATIVES = np.array([[2, 3, 3]], "int32")
LOG_COUNTS = np.log(np.array([[0.5, 2.0, 2.0]], "float32"))


def value(loss, *arrays, **options):
    """A loss of NumPy arrays as a number."""
    return float(to_numpy(loss(*map(ops.convert_to_tensor, arrays), **options)))


def slopes_of(loss, states, targets, weights, table, *more):
    """Value and gradients with respect to states and table."""
    targets, weights, *more = map(ops.convert_to_tensor, (targets, weights, *more))
    return value_and_gradients(lambda s, t: loss(s, targets, weights, t, *more), states, table)


def drawn(name):
    """The further arguments of a loss."""
    if name == "full_softmax":
        return ()
    return (NEGATIVES, LOG_COUNTS) if name == "sampled_softmax" else (NEGATIVES,)


def test_full_softmax_by_hand():
    # Probabilities 2 / (2 + 3 + 1) = 1/3 and 2 / (1 + 2 + 1) = 1/2.
    expected = 0.25 * np.log(3.0) + 0.75 * np.log(2.0)
    assert value(full_softmax, STATES, TARGETS, WEIGHTS, TABLE) == pytest.approx(expected, 1e-5)


def test_sampled_softmax_by_hand():
    # Position 0: 2 against 3 / 0.5 + 1 / 2 + 1 / 2 = 7, so -ln(2/9).
    # Position 1: 2 against (item 2 is the target: out) 1 / 2 + 1 / 2 = 1, so -ln(2/3).
    expected = 0.25 * np.log(9 / 2) + 0.75 * np.log(3 / 2)
    loss = value(sampled_softmax, STATES, TARGETS, WEIGHTS, TABLE, NEGATIVES, LOG_COUNTS)
    assert loss == pytest.approx(expected, 1e-5)


def test_bce_by_hand():
    # sigmoid(ln x) = x / (1 + x): -ln sigmoid(ln 2) = ln(3/2), -ln(1 - sigmoid(ln x)) = ln(1 + x).
    # Position 0: ln(3/2) + (ln 4 + ln 2 + ln 2) / 3; position 1: ln(3/2) + (ln 2 + ln 2) / 2.
    expected = np.log(1.5) + 0.25 * np.log(16) / 3 + 0.75 * np.log(2)
    assert value(bce, STATES, TARGETS, WEIGHTS, TABLE, NEGATIVES) == pytest.approx(expected, 1e-5)


def test_gbce_by_hand():
    # K = 1 of V - 1 = 2 others: a = 1/2; t = 0.75: beta = 0.5 (0.75 (1 - 2) + 2) = 0.625, and
    # ln 0.625 is added to logits. Target, logit ln 2: ln 1.25, so ln(1 + 1/1.25) = ln 1.8. Item 3,
    # logit 0: ln(1 + 0.625). Both positions alike.
    negatives = np.array([[3]], "int32")
    expected = 0.625 * np.log(1.8) + np.log(1.625)
    assert value(gbce, STATES, TARGETS, WEIGHTS, TABLE, negatives) == pytest.approx(expected, 1e-5)


def test_gbce_from_plain_to_fully_calibrated():
    # t = 0 gives beta = 1 and, with K = 1, adds nothing: plain BCE. t = 1 gives beta = a = 1/2 and
    # adds ln 1/2: target ln(1 + 1/1), item 3 ln(1 + 1/2).
    negatives = np.array([[3]], "int32")
    arrays = (STATES, TARGETS, WEIGHTS, TABLE, negatives)
    assert value(gbce, *arrays, calibration=0.0) == pytest.approx(value(bce, *arrays), 1e-5)
    expected = 0.5 * np.log(2) + np.log(1.5)
    assert value(gbce, *arrays, calibration=1.0) == pytest.approx(expected, 1e-5)


@pytest.mark.parametrize("num_negatives", [1, 4])
def test_scores_of_zero_are_where_gbce_balances_positives_and_negatives(num_negatives):
    # Pushing all scores up or down together gains nothing when none is known from another.
    negatives = np.array([list(range(2, 2 + num_negatives))], "int32")
    states, table = np.ones((1, 1), "float32"), np.zeros((8, 1), "float32")
    one = np.array([1], "int32"), np.ones(1, "float32")

    def shifted(by):
        return value(gbce, states, *one, table + np.float32(by), negatives)

    assert abs(shifted(0.01) - shifted(-0.01)) < 1e-4
    assert shifted(0.0) < min(shifted(0.5), shifted(-0.5))


def toy(positions=32, num_items=7, width=4, seed=0):
    """Random states, targets, weights (some zero) and table."""
    rng = np.random.default_rng(seed)
    weights = rng.random(positions) * (rng.random(positions) < 0.7)
    return (
        rng.normal(size=(positions, width)).astype("float32"),
        rng.integers(1, num_items + 1, positions).astype("int32"),
        weights.astype("float32"),
        rng.normal(size=(num_items, width)).astype("float32"),
    )


def plain_softmax(states, targets, weights, table):
    """Value and gradients by NumPy: d/dlogits is share * (probability - one-hot)."""
    states, table, shares = states.astype(float), table.astype(float), weights / weights.sum()
    logits = states @ table.T
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    rows = np.arange(len(targets))
    value = -(shares * np.log(probabilities[rows, targets - 1])).sum()
    probabilities[rows, targets - 1] -= 1
    pulled = shares[:, None] * probabilities
    return value, [pulled @ table, pulled.T @ states]


@pytest.mark.parametrize("positions", [32, 5])  # In 8 parts, and in one.
def test_full_softmax_equals_its_oracle_in_value_and_gradients(positions):
    states, targets, weights, table = toy(positions)
    loss, found = slopes_of(full_softmax, states, targets, weights, table)
    expected_value, expected = plain_softmax(states, targets, weights, table)
    assert loss == pytest.approx(expected_value, 1e-5)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_full_softmax_gradient_follows_what_the_loss_is_multiplied_with():
    states, targets, weights, table = toy()
    _, found = slopes_of(
        lambda *arrays: -3.0 * full_softmax(*arrays), states, targets, weights, table
    )
    _, expected = plain_softmax(states, targets, weights, table)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, -3.0 * theirs, atol=1e-5)


def test_sampled_softmax_over_all_other_items_is_the_full_softmax():
    states, targets, weights, table = toy()
    others = np.array([[i for i in range(1, 8) if i != t] for t in targets], "int32")
    loss, found = slopes_of(
        sampled_softmax, states, targets, weights, table, others, (0.0 * others).astype("float32")
    )
    expected_value, expected = plain_softmax(states, targets, weights, table)
    assert loss == pytest.approx(expected_value, 1e-5)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", ["full_softmax", "sampled_softmax"])
def test_half_precision_is_near_the_oracle_and_sums_in_float32(name, dtype):
    states, targets, weights, table = toy()
    states = to_numpy(ops.cast(ops.cast(states, dtype), "float32"))  # What half precision holds.
    others = np.array([[i for i in range(1, 8) if i != t] for t in targets], "int32")
    more = (others, (0.0 * others).astype("float32")) if name == "sampled_softmax" else ()
    seen = []

    def halved(states, *rest):
        seen.append(LOSSES[name](ops.cast(states, dtype), *rest))
        return seen[-1]

    loss, found = slopes_of(halved, states, targets, weights, table, *more)
    expected_value, expected = plain_softmax(states, targets, weights, table)
    assert keras.backend.standardize_dtype(seen[-1].dtype) == "float32"
    assert loss == pytest.approx(expected_value, rel=1e-2)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.02 * np.abs(theirs).max())
        assert np.abs(ours - theirs).max() > 1e-5 * np.abs(theirs).max()  # Halved indeed.


def test_what_unlikely_items_learn_is_not_too_small_for_float16():
    # With thousands of positions and items, a share of a probability would be.
    states, targets, weights, table = toy(positions=3200, num_items=2000, width=8)
    targets, table = 1 + targets % 1000, 3 * table  # The other thousand are nobody's target.
    _, found = slopes_of(
        lambda states, *rest: full_softmax(ops.cast(states, "float16"), *rest),
        *(states, targets, weights, table),
    )
    _, expected = plain_softmax(states, targets, weights, table)
    ours, theirs = found[1][1000:], expected[1][1000:]
    missed = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
    assert np.median(missed) < 0.005


@pytest.mark.parametrize("chances", [[0.25, 0.25, 0.25, 0.25], [0.4, 0.3, 0.2, 0.1]])
def test_correction_makes_the_sum_over_negatives_unbiased(chances):
    # exp(loss) - 1 is the corrected sum of negatives over the positive; its mean over every
    # possible draw of K = 2, weighted by chance, must be the true sum over the other items.
    logits, target = np.log([1.0, 2.0, 5.0, 0.5]), 2
    table = logits[:, None].astype("float32")
    mean = 0.0
    for a in range(4):
        for b in range(4):
            log_counts = np.log(2 * np.array([[chances[a], chances[b]]], "float32"))
            loss = value(
                sampled_softmax,
                np.ones((1, 1), "float32"),
                np.array([target], "int32"),
                np.ones(1, "float32"),
                table,
                np.array([[a + 1, b + 1]], "int32"),
                log_counts,
            )
            mean += chances[a] * chances[b] * (np.exp(loss) - 1)
    assert mean == pytest.approx((1.0 + 5.0 + 0.5) / 2.0, rel=1e-4)


@pytest.mark.parametrize("name", ["sampled_softmax", "bce", "gbce"])
def test_each_group_has_other_negatives(name):
    # Four positions in two groups, computed at once and one group at a time.
    states, targets, weights, table = toy(positions=4)
    negatives = np.array([[1, 5, 6], [7, 2, 2]], "int32")
    log_counts = np.log([[0.5, 1.0, 2.0], [0.2, 0.4, 0.4]]).astype("float32")
    extra = (log_counts,) if name == "sampled_softmax" else ()
    weights[:] = [1.0, 2.0, 3.0, 4.0]

    def loss(rows, groups):
        more = (negatives[groups], *(array[groups] for array in extra))
        return value(LOSSES[name], states[rows], targets[rows], weights[rows], table, *more)

    parts = 0.3 * loss(slice(0, 2), slice(0, 1)) + 0.7 * loss(slice(2, 4), slice(1, 2))
    assert loss(slice(0, 4), slice(0, 2)) == pytest.approx(parts, 1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_positions_without_weight_do_not_count(name):
    states = np.concatenate([STATES, [[9.0, -9.0]] * 2]).astype("float32")
    targets = np.concatenate([TARGETS, [3, 1]]).astype("int32")
    weights = np.concatenate([WEIGHTS, [0.0, 0.0]]).astype("float32")
    with_padding, slopes = slopes_of(LOSSES[name], states, targets, weights, TABLE, *drawn(name))
    without = value(LOSSES[name], STATES, TARGETS, WEIGHTS, TABLE, *drawn(name))
    assert with_padding == pytest.approx(without, 1e-5)
    assert (slopes[0][2:] == 0).all() and (slopes[0][:2] != 0).any()


@pytest.mark.parametrize("name", LOSSES)
def test_no_weight_at_all_is_a_loss_of_zero(name):
    assert value(LOSSES[name], STATES, TARGETS, 0 * WEIGHTS, TABLE, *drawn(name)) == 0.0


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [50.0, -50.0])
def test_large_logits_stay_finite(name, size):
    states = np.array([[size, -size], [-size, size]], "float32")
    loss, found = slopes_of(LOSSES[name], states, TARGETS, WEIGHTS, TABLE, *drawn(name))
    assert np.isfinite(loss) and all(np.isfinite(slope).all() for slope in found)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_target_among_the_negatives_never_counts_however_low_its_logit(dtype):
    states = ops.cast(np.array([[200.0], [200.0]], "float32"), dtype)
    table = np.array([[-200.0], [0.0]], "float32")  # Logits -40,000 and 0.
    ones, negatives = np.ones(2, "float32"), np.array([[1, 1]], "int32")
    loss = sampled_softmax(
        states,
        *map(ops.convert_to_tensor, (np.array([1, 1], "int32"), ones, table, negatives)),
        ops.convert_to_tensor(np.zeros((1, 2), "float32")),
    )
    assert float(to_numpy(loss)) == pytest.approx(0.0, abs=1e-6)


def test_negatives_that_are_all_the_target_leave_only_the_positive():
    negatives = np.array([[2, 2]], "int32")
    both = np.array([2, 2], "int32")  # Logits ln 3 and ln 2: -ln sigmoid = ln(4/3) and ln(3/2).
    expected = 0.25 * np.log(4 / 3) + 0.75 * np.log(3 / 2)
    assert value(bce, STATES, both, WEIGHTS, TABLE, negatives) == pytest.approx(expected, 1e-5)
    alone = value(
        sampled_softmax, STATES, both, WEIGHTS, TABLE, negatives, np.zeros((1, 2), "float32")
    )
    assert alone == pytest.approx(0.0, abs=1e-6)
