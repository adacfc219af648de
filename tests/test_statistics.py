import numpy as np
import pandas as pd
import pytest
import scipy.stats

from recmodels.evaluation.statistics import (
    bootstrap_interval,
    compare,
    holm,
    paired_permutation_test,
    seed_std,
)


def test_interval_covers_the_true_mean_about_as_often_as_it_says():
    # NDCG-like values: most users zero, the rest spread over 0..1; true mean 0.3 * 0.5 = 0.15.
    generator = np.random.default_rng(0)
    runs, covered = 200, 0
    for run in range(runs):
        values = (generator.random(200) < 0.3) * generator.random(200)
        interval = bootstrap_interval(values, resamples=400, seed=run)
        covered += interval.low <= 0.15 <= interval.high
    assert 0.91 <= covered / runs <= 0.985  # Standard error 0.015.


def test_interval_is_close_to_the_normal_one_for_many_users():
    values = np.random.default_rng(1).random(2000)
    interval = bootstrap_interval(values)
    half = scipy.stats.norm.ppf(0.975) * values.std(ddof=1) / np.sqrt(2000)
    assert interval.mean == pytest.approx(values.mean())
    assert interval.high - interval.mean == pytest.approx(half, rel=0.1)
    assert interval.mean - interval.low == pytest.approx(half, rel=0.1)


def test_a_higher_level_is_wider_and_a_seed_repeats_it():
    values = np.random.default_rng(2).random(60)
    narrow, wide = (bootstrap_interval(values, level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)


def test_interval_of_equal_values_is_a_point():
    assert bootstrap_interval(np.full(9, 0.25)) == (0.25, 0.25, 0.25)


@pytest.mark.parametrize("values", [[0.5], [], [[1.0, 2.0]] * 3, [1.0, np.nan], [1.0, np.inf]])
def test_interval_refuses_what_is_not_one_finite_value_a_user(values):
    with pytest.raises(ValueError, match="`per_user_values`.*Received"):
        bootstrap_interval(np.array(values))


def test_level_outside_zero_and_one_is_refused():
    with pytest.raises(ValueError, match="Received: level=95"):
        bootstrap_interval(np.arange(5.0), level=95)


def test_seed_std_by_hand():
    # Means over users 0.2, 0.4, 0.6: deviations 0.2, 0, 0.2, variance 0.08 / 2.
    values = np.array([[0.1, 0.4, 0.9], [0.3, 0.4, 0.3]])
    assert seed_std(values) == pytest.approx(0.2)
    assert seed_std(values[:, :1]) is None
    with pytest.raises(ValueError, match="Received: shape"):
        seed_std(values[:, 0])


def test_permutation_test_equals_all_sign_patterns():
    # Of the 16 sign patterns of 1, 2, 3, -0.5 (sum 5.5) those with |sum| >= 5.5 are
    # +++-, ++++ and their mirrors: 4 / 16.
    differences = np.array([1.0, 2.0, 3.0, -0.5])
    p = paired_permutation_test(differences, np.zeros(4), resamples=40000)
    assert p == pytest.approx(4 / 16, abs=0.01)  # Standard error 0.002.


def test_permutation_test_equals_scipy():
    generator = np.random.default_rng(4)
    a, b = generator.random(10), generator.random(10) - 0.2
    exact = scipy.stats.permutation_test(
        (a - b,), np.mean, permutation_type="samples", vectorized=True, n_resamples=np.inf
    ).pvalue
    assert paired_permutation_test(a, b, resamples=40000) == pytest.approx(exact, abs=0.012)


def test_permutation_test_is_wrong_about_five_times_in_a_hundred_on_equal_models():
    generator = np.random.default_rng(5)
    claims = 0
    for run in range(400):
        a, b = (generator.random((2, 60)) < 0.3) * generator.random((2, 60))
        claims += paired_permutation_test(a, b, resamples=199, seed=run) <= 0.05
    assert 0.02 <= claims / 400 <= 0.08  # Standard error 0.011.


def test_permutation_test_finds_a_real_difference_that_unpaired_users_would_hide():
    generator = np.random.default_rng(6)
    easy_or_hard = generator.normal(0, 10, 50)
    better = easy_or_hard + 0.5 + generator.normal(0, 0.5, 50)
    assert paired_permutation_test(better, easy_or_hard) == 1 / 10000
    assert scipy.stats.ttest_ind(better, easy_or_hard).pvalue > 0.5


def test_equal_sums_count_as_extreme_whatever_the_rounding():
    # Hits of one seed in three: four signs sum to at least 2 in size in 2 + 8 of 16 patterns.
    # Without a tolerance rounding makes it 6.
    differences = np.array([1, 1, 1, -1]) / 3
    p = paired_permutation_test(differences, np.zeros(4), resamples=20000)
    assert p == pytest.approx(10 / 16, abs=0.02)


def test_models_that_never_differ_have_p_one():
    assert paired_permutation_test(np.ones(5), np.ones(5)) == 1


def test_permutation_test_refuses_other_users():
    with pytest.raises(ValueError, match=r"Received: users=\[3, 4\]"):
        paired_permutation_test(np.ones(3), np.ones(4))


def test_holm_by_hand():
    # Sorted 0.005 0.01 0.03 0.04 times 4 3 2 1: 0.02 0.03 0.06 0.04, and 0.04 rises to 0.06.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_holm_stays_between_p_and_bonferroni_and_below_one():
    p = np.random.default_rng(7).random(20)
    corrected = holm(p)
    assert (corrected >= p).all() and (corrected <= np.minimum(1, 20 * p)).all()
    assert (np.diff(corrected[np.argsort(p)]) >= 0).all()
    assert holm([0.7]).tolist() == [0.7] and holm([]).tolist() == []


def test_holm_refuses_what_is_no_probability():
    for p in ([0.5, 1.2], [-0.1], [np.nan]):
        with pytest.raises(ValueError, match="`p_values`.*Received"):
            holm(p)


def test_compare_pairs_users_and_corrects_for_the_number_of_models():
    generator = np.random.default_rng(8)
    base = generator.normal(0, 5, 80)
    table = pd.DataFrame(
        {
            "same": base + generator.normal(0, 1, 80),
            "base": base,
            "better": base + 1 + generator.normal(0, 1, 80),
        }
    )
    result = compare(table, baseline="base")
    assert result.index.tolist() == ["same", "better"]
    assert result.columns.tolist() == ["mean", "difference", "low", "high", "p", "p_holm"]
    better, same = result.loc["better"], result.loc["same"]
    assert better["mean"] == pytest.approx(table["better"].mean())
    assert better["difference"] == pytest.approx((table["better"] - base).mean())
    assert 0 < better["low"] < better["difference"] < better["high"]
    assert better["p"] == 1e-4 and better["p_holm"] == pytest.approx(2e-4)
    assert same["p"] == paired_permutation_test(table["same"], base)


def test_compare_refuses_an_unknown_baseline():
    with pytest.raises(ValueError, match="`baseline`.*Received: baseline='c'"):
        compare(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 3.0]}), baseline="c")
