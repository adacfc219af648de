"""Calibration and decisions against hand-made cases and scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from recmodels.evaluation.calibration import (
    binned_error,
    calibrated_range,
    choose_decision_weights,
    confusion,
    decide,
    fit_temperature,
    fit_time_width,
    macro_f1,
    precision_recall_f1,
    reliability,
    temper,
)
from recmodels.models.event_forecast import LogNormalMixture

RNG = np.random.default_rng(0)


def calibrated_cases(count, sharpness=2.0, seed=0):
    """Probabilities of four classes, and classes drawn from them."""
    rng = np.random.default_rng(seed)
    logits = sharpness * rng.normal(size=(count, 4)) + [3, 0, -1, 0]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = (rng.random((count, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    return probabilities, classes


def test_error_by_hand():
    # Bins of a fifteenth: 0.9 twice with one hit, 0.6 once with a hit.
    assert binned_error([0.9, 0.9, 0.6], [1, 0, 1]) == pytest.approx(2 / 3 * 0.4 + 1 / 3 * 0.4)
    # Counted thrice, the hit at 0.9 makes 3 of 4 right: 4/5 * 0.15 + 1/5 * 0.4.
    weights = np.array([3.0, 1, 1])
    assert binned_error([0.9, 0.9, 0.6], [1, 0, 1], weights) == pytest.approx(0.2)
    assert binned_error([1.0, 1.0], [1, 1]) == 0


def test_reliability_has_a_row_per_bin():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
    table = reliability(probabilities, np.array([0, 1, 1]))
    assert table["cases"].tolist() == [1, 2]
    np.testing.assert_allclose(table["confidence"], [0.6, 0.9])
    np.testing.assert_allclose(table["accuracy"], [1, 0.5])


def test_labels_drawn_from_the_probabilities_are_within_the_range():
    inside = 0
    for seed in range(40):
        probabilities, classes = calibrated_cases(800, seed=seed)
        confidence = probabilities.max(axis=1)
        error = binned_error(confidence, probabilities.argmax(axis=1) == classes)
        inside += error <= calibrated_range(probabilities, resamples=200).high
    assert 34 <= inside <= 40  # 95 % of 40 are 38.


def test_overconfident_probabilities_are_outside_the_range():
    probabilities, classes = calibrated_cases(800)
    sharp = temper(probabilities, 0.4)
    error = binned_error(sharp.max(axis=1), sharp.argmax(axis=1) == classes)
    assert error > calibrated_range(sharp, resamples=200).high


def test_temperature_undoes_what_another_did():
    probabilities, classes = calibrated_cases(20_000)
    assert fit_temperature(probabilities, classes) == pytest.approx(1, abs=0.03)
    found = fit_temperature(temper(probabilities, 0.5), classes)
    assert found == pytest.approx(2, abs=0.06)
    np.testing.assert_allclose(temper(temper(probabilities, 0.5), 2.0), probabilities, atol=1e-12)
    # A class that the model does not know, 4 or -1, is left out.
    classes[:5000] = RNG.choice([-1, 4], 5000)
    assert fit_temperature(probabilities, classes) == pytest.approx(1, abs=0.04)


def test_time_width_makes_intervals_cover_what_they_say():
    rng, count = np.random.default_rng(0), 4_000
    means = rng.normal(8, 1, (count, 2))
    gap = LogNormalMixture(np.full((count, 2), 0.5), means, np.full((count, 2), 0.7))
    drawn = means[np.arange(count), rng.integers(0, 2, count)] + 1.4 * rng.normal(size=count)
    seconds = np.expm1(np.maximum(drawn, 0))
    seconds[:5] = np.nan  # Missing gaps are left out.
    width = fit_time_width(gap, seconds)
    assert width == pytest.approx(2, abs=0.1)  # The scales are half of those that drew the gaps.
    wide = LogNormalMixture(gap.weights, means, width * gap.scales)
    inside = (wide.quantile(0.05) <= seconds) & (seconds <= wide.quantile(0.95))
    assert inside[5:].mean() == pytest.approx(0.9, abs=0.002)
    assert fit_time_width(gap, np.full(count, 1e13)) == pytest.approx(10)  # None suffices.
    with pytest.raises(ValueError, match="`seconds` must hold a gap"):
        fit_time_width(gap, np.full(count, np.nan))


def test_confusion_and_f1_equal_scikit_learn():
    targets, predicted = RNG.integers(0, 4, 300), RNG.integers(0, 3, 300)
    matrix = confusion(targets, predicted, 4)
    np.testing.assert_array_equal(matrix[:4], metrics.confusion_matrix(targets, predicted))
    expected = metrics.precision_recall_fscore_support(targets, predicted, zero_division=0)
    np.testing.assert_allclose(precision_recall_f1(matrix), expected[:3])
    assert macro_f1(matrix) == pytest.approx(metrics.f1_score(targets, predicted, average="macro"))


def test_classes_without_a_case_or_prediction_do_not_count():
    targets, predicted = np.array([0, 0, 1]), np.array([0, 1, 1])
    expected = metrics.f1_score(targets, predicted, average="macro")
    assert macro_f1(confusion(targets, predicted, 5)) == pytest.approx(expected)
    # A class that training never saw (5) is wrong; a missing one (-1) is no case.
    matrix = confusion(np.array([0, 5, -1]), np.array([0, 0, 0]), 5)
    assert matrix.sum() == 2 and precision_recall_f1(matrix)[0][0] == 0.5


def test_decision_weights_raise_macro_f1_and_change_no_probability():
    probabilities, classes = calibrated_cases(4000, 1.0)
    before = probabilities.copy()
    weights = choose_decision_weights(probabilities)
    np.testing.assert_array_equal(probabilities, before)
    scores = [macro_f1(confusion(classes, decide(probabilities, w), 4)) for w in (None, weights)]
    assert scores[1] > scores[0] + 0.05
    # No pair of other weights is much better for the classes that came.
    others = [
        weights * np.exp(shift) for shift in 0.4 * np.random.default_rng(1).normal(size=(50, 4))
    ]
    others = [macro_f1(confusion(classes, decide(probabilities, w), 4)) for w in others]
    assert scores[1] > max(others) - 0.01
    shares = np.bincount(classes) / len(classes)
    assert (np.argsort(weights) == np.argsort(-shares)).all() and weights.min() == 1


def test_decisions_by_hand():
    probabilities = np.array([[0.7, 0.3], [0.9, 0.1]])
    assert decide(probabilities).tolist() == [0, 0]
    assert decide(probabilities, np.array([1, 3])).tolist() == [1, 0]
