"""The figures of seasons, drift and interests."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots
from recmodels.insights.drift import Drift
from recmodels.insights.seasons import Season

DAYS = pd.date_range("2024-01-01", periods=4)
TREND = pd.Series([1.0, 2, 3, 4], DAYS)
SEASON = pd.Series([0.5, -0.5, 0.5, -0.5], DAYS)
PARTS = Season(pd.Series([2.0, np.nan, 3, 4], DAYS), TREND, SEASON, SEASON, 2, 1.0, 0.9, 0.5)
SHARES = pd.DataFrame(
    {"reference": [0.5, 0.4, 0.1], "latest": [0.2, 0.7, 0.1], "part": [0.05, 0.04, 0.0]},
    index=["tea", "cup", "pot"],
)
DRIFT = Drift(0.09, 0.02, 0.001, 0.01, SHARES)


@pytest.fixture
def ax():
    return Figure().subplots()


def test_season_parts_are_the_lines(ax, tmp_path):
    plots.season_parts(PARTS, ax=ax)
    observed, fitted, trend = ax.lines
    np.testing.assert_array_equal(observed.get_ydata(), [2, np.nan, 3, 4])
    np.testing.assert_array_equal(fitted.get_ydata(), [1.5, 1.5, 3.5, 3.5])
    np.testing.assert_array_equal(trend.get_ydata(), [1, 2, 3, 4])
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "observed", "trend and season of 2 days", "trend, +1 per day"
    ]  # fmt: skip
    plots.save(ax, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_drift_shares_are_changes_in_percentage_points(ax):
    plots.drift_shares(DRIFT, top=2, ax=ax)
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], [-30, 30])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["tea", "cup"]
    assert ax.get_title() == "divergence 0.0900, threshold 0.0200: alarm"


def test_interests_stand_above_the_true_intents(ax):
    plots.interest_strip(np.array([-1, 0, 2]), np.array([1, 1, 3]), ax=ax)
    assert [text.get_text() for text in ax.texts] == ["0", "2", "1", "1", "3"]
    assert ax.images[0].get_array().mask.tolist() == [[True, False, False], [False] * 3]
    with pytest.raises(ValueError, match="`intents` must be one per event"):
        plots.interest_strip(np.array([0, 1]), np.array([0]), ax=ax)
