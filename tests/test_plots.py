import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots
from recmodels.data.leakage import LeakReport
from recmodels.plots import style

SLICES = pd.DataFrame(
    {"users": [40, 2], "mean": [0.2, 0.1], "low": [0.15, np.nan], "high": [0.3, np.nan]},
    index=["1-5", "6-9"],
)
MODELS = pd.DataFrame(
    {"mean": [0.3, 0.1], "low": [0.28, 0.08], "high": [0.33, 0.12]}, index=["SASRec", "random"]
)
CURVE = pd.DataFrame(
    {"epoch": [1, 2, 3, 4], "loss": [3.0, 2.0, 1.0, 1.5], "score": [0.1, 0.3, 0.2, None]}
)
LEAKS = LeakReport(
    name="log",
    protocol="temporal",
    part="test",
    train_events=200,
    users=30,
    future_share_median=0.25,
    known_pairs=0,
    future_share_mean=0.5,
    own_future_events=20,
    ties_at_cut=3,
    cold_users=6,
    cold_targets=15,
    newcomers=10,
)
DRAWINGS = {
    "learning_curves": ({"SASRec": CURVE, "BCE": CURVE},),
    "length_distribution": (np.array([1, 2, 2, 9, 40]), 8),
    "popularity_distribution": (np.array([9, 5, 0, 1]),),
    "metric_by_slice": ({"SASRec": SLICES, "random": SLICES},),
    "model_comparison": (MODELS,),
    "leak_report": (LEAKS,),
}


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(autouse=True)
def without_a_screen():
    matplotlib.use("Agg")
    yield
    plt.close("all")


@pytest.mark.parametrize("name", DRAWINGS)
def test_draws_on_the_axes_given_with_labels_and_in_the_file(name, ax, tmp_path):
    assert getattr(plots, name)(*DRAWINGS[name], ax=ax) is ax
    assert ax.get_xlabel() or name == "leak_report"
    plots.save(ax, tmp_path / "runs" / "figure.png")
    assert (tmp_path / "runs" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["figure.png"]


def test_a_new_figure_is_shown_by_pyplot_and_one_of_ours_is_not():
    axes = plots.model_comparison(MODELS)
    assert plt.get_fignums() == [axes.figure.number]


def test_settings_of_matplotlib_stay_as_they_were():
    with matplotlib.rc_context({"font.size": 23}):
        before = dict(matplotlib.rcParams)
        plots.model_comparison(MODELS, ax=Figure().subplots())
        assert dict(matplotlib.rcParams) == before


def test_dots_mark_the_highest_score_and_the_lowest_loss(ax):
    plots.learning_curves({"a": CURVE}, ax=ax)
    assert ax.lines[0].get_ydata().tolist() == [0.1, 0.3, 0.2]  # Epoch 4 was not validated.
    assert ax.lines[1].get_xydata().tolist() == [[2, 0.3]]
    plots.learning_curves({"a": CURVE}, "loss", "loss", ax=ax)
    assert ax.lines[3].get_xydata().tolist() == [[3, 1.0]]


def test_every_user_is_in_a_bar_and_longer_ones_are_counted(ax):
    lengths = np.random.default_rng(0).geometric(0.01, 500)
    plots.length_distribution(lengths, 100, ax=ax)
    assert sum(bar.get_height() for bar in ax.patches) == 500
    share = (lengths > 100).mean()
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words[1] == f"{share:.1%} of users have more than 100 events"


@pytest.mark.parametrize("lengths", [[3], [1, 1, 1], [0, 2], np.arange(1, 4000)])
def test_bars_stand_for_equally_many_whole_lengths(lengths, ax):
    plots.length_distribution(np.array(lengths), ax=ax)
    widths = {round(bar.get_width(), 6) for bar in ax.patches}
    assert len(widths) == 1 and widths.pop() % 1 == 0
    assert sum(bar.get_height() for bar in ax.patches) == (np.array(lengths) > 0).sum()


def test_popularity_is_sorted_and_its_head_is_of_all_items(ax):
    # 20 items, 12 of them never used: the top 10 % are two items with 9 + 6 of 20 events.
    plots.popularity_distribution(np.array([1, 6, 1, 9, 1, 1, 1, 0] + [0] * 12), ax=ax)
    assert ax.lines[0].get_ydata().tolist() == [9, 6, 1, 1, 1, 1, 1]
    assert "have 75% of the events" in ax.get_legend().get_texts()[0].get_text()


def test_models_stand_from_best_to_worst_with_their_intervals(ax):
    plots.model_comparison(MODELS, ceiling=0.4, ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["random", "SASRec"]
    ends = ax.collections[0].get_segments()
    np.testing.assert_allclose([end[:, 0] for end in ends], [[0.08, 0.12], [0.28, 0.33]])
    assert "0.400" in ax.get_title() and ax.get_xlim()[1] > 0.4


def test_a_slice_without_an_interval_is_a_dot(ax):
    plots.metric_by_slice({"a": SLICES}, ax=ax)
    ends = ax.collections[0].get_segments()
    np.testing.assert_allclose([end[:, 1] for end in ends], [[0.15, 0.3], [0.1, 0.1]])
    assert ax.get_xticklabels()[0].get_text() == "1-5\nn = 40"


def test_leaks_are_shares_of_what_they_are_counted_among(ax):
    # 20 of 200 events; 3, 6 and 15 of 30 users; 10 newcomers beside 30 users.
    plots.leak_report(LEAKS, ax=ax)
    expected = [0.25, 0.5, 0.1, 0.1, 0.2, 0.5, 0.25]
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], expected)


def test_leaks_that_could_not_be_measured_are_not_drawn(ax):
    unknown = dict.fromkeys(
        ["future_share_median", "future_share_mean", "own_future_events", "ties_at_cut"]
    )
    plots.leak_report(LeakReport(**(LEAKS.to_dict() | unknown)), ax=ax)
    assert len(ax.patches) == 3


@pytest.mark.parametrize(
    "draw, argument",
    [
        (plots.learning_curves, {}),
        (plots.learning_curves, {"a": CURVE[3:]}),
        (plots.length_distribution, np.zeros(3)),
        (plots.popularity_distribution, np.zeros(3)),
        (plots.metric_by_slice, {}),
        (plots.metric_by_slice, {"a": SLICES, "b": SLICES[:1]}),
        (plots.model_comparison, MODELS[:0]),
    ],
)
def test_nothing_to_draw_is_refused(draw, argument, ax):
    with pytest.raises(ValueError, match="^`.*Received"):
        draw(argument, ax=ax)


CHINESE = MODELS.rename(index={"random": "随机"})


def test_a_missing_font_is_named_once_and_only_when_it_is_missed(monkeypatch):
    monkeypatch.setattr(style, "cjk_font", lambda: None)
    style._warn_of_missing_font.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plots.model_comparison(MODELS, ax=Figure().subplots())
        assert not caught
        for _ in range(2):
            plots.model_comparison(CHINESE, ax=Figure().subplots())
    assert len(caught) == 1 and "fonts-noto-cjk" in str(caught[0].message)
