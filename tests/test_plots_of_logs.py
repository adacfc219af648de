"""The figures of notebooks 01 and 02: logs beside each other, behaviour, inputs."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots

WEEK = np.arange(7 * 24).reshape(7, 24)
RESPONSE = pd.DataFrame({"a": [0.5, 0.2], "b": [1.0, 0.9]}, index=pd.Index([1, 2], name="k"))
DRAWINGS = {
    "length_curves": ({"a": np.array([3, 1, 0, 2, 3]), "b": np.array([7])}, 2),
    "concentration_curves": ({"a": np.array([1, 6, 3, 0])},),
    "gap_curves": ({"a": np.array([0, 0, 50, 4000])},),
    "week_map": (WEEK, "a log"),
    "behaviour_funnel": ({"view": 1.0, "buy": 0.2},),
    "value_distribution": ({"train": np.array([1.0, 2, np.nan]), "test": np.array([3.0])},),
    "response_curves": (RESPONSE, "share left", True),
    "padding_map": (np.array([[0, 0, 4], [1, 2, 3]]), "two users"),
}


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.mark.parametrize("name", DRAWINGS)
def test_draws_on_the_axes_given_with_labels_and_in_the_file(name, ax, tmp_path):
    assert getattr(plots, name)(*DRAWINGS[name], ax=ax) is ax
    assert ax.get_xlabel()
    plots.save(ax, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_lengths_count_the_users_with_at_least_as_many(ax):
    # Users with events: 3, 1, 2, 3. All have one, 3 of 4 have two, 2 of 4 have three.
    plots.length_curves(*DRAWINGS["length_curves"], ax=ax)
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[1, 1], [2, 0.75], [3, 0.5]])


def test_concentration_adds_up_from_the_most_popular(ax):
    # 6, 3, 1 of 10 events on three items with an event.
    plots.concentration_curves(*DRAWINGS["concentration_curves"], ax=ax)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0, 0.6, 0.9, 1])
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0, 1 / 3, 2 / 3, 1])


def test_gaps_begin_with_those_of_the_same_second(ax):
    plots.gap_curves(*DRAWINGS["gap_curves"], ax=ax)
    line = ax.lines[0]
    np.testing.assert_allclose(line.get_ydata(), [0.5, 0.75, 1])
    assert 0 < line.get_xdata()[0] < 1 and line.get_xdata()[1:].tolist() == [50, 4000]


def test_the_week_stands_from_monday_and_midnight(ax):
    plots.week_map(WEEK, ax=ax)
    np.testing.assert_array_equal(ax.images[0].get_array(), WEEK)
    assert [label.get_text() for label in ax.get_yticklabels()][::6] == ["Mon", "Sun"]


def test_kinds_keep_their_order_and_show_their_share(ax):
    plots.behaviour_funnel({"view": 1.0, "buy": 0.2}, ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["view", "buy"]
    assert [text.get_text() for text in ax.texts] == ["100.0%", "20.0%"]


def test_parts_of_different_size_have_one_area_and_the_same_bins(ax):
    plots.value_distribution({"a": np.arange(100.0), "b": np.array([0, 99, np.nan])}, ax=ax)
    outlines = [patch.get_xy() for patch in ax.patches]
    assert outlines[0][:, 0].tolist() == outlines[1][:, 0].tolist()
    heights = [outline[1:-1:2, 1] for outline in outlines]
    np.testing.assert_allclose([h.sum() * 99 / 40 for h in heights], 1)


def test_every_column_answers_at_every_setting(ax):
    plots.response_curves(RESPONSE, "share left", ax=ax)
    assert ax.lines[1].get_xydata().tolist() == [[1, 1.0], [2, 0.9]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("k", "share left")


def test_padding_is_counted_in_the_title(ax):
    plots.padding_map(np.array([[0, 0, 4, 5], [1, 2, 3, 4]]), "two users", ax=ax)
    assert ax.get_title() == "two users: 25% padding"
    assert ax.images[0].get_array().tolist() == [[0, 0, 1, 1], [1, 1, 1, 1]]


@pytest.mark.parametrize(
    "draw, argument",
    [
        (plots.length_curves, ({},)),
        (plots.length_curves, ({"a": np.zeros(2)},)),
        (plots.concentration_curves, ({"a": np.zeros(2)},)),
        (plots.gap_curves, ({},)),
        (plots.gap_curves, ({"a": np.zeros(0)},)),
        (plots.week_map, (np.zeros((24, 7)),)),
        (plots.behaviour_funnel, ({},)),
        (plots.value_distribution, ({"a": np.array([np.nan])},)),
        (plots.response_curves, (RESPONSE[:0], "y")),
        (plots.padding_map, (np.zeros(3),)),
    ],
)
def test_nothing_to_draw_is_refused(draw, argument, ax):
    with pytest.raises(ValueError, match="^`.*Received"):
        draw(*argument, ax=ax)
