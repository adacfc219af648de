import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots

EFFECTS = pd.DataFrame(
    {"reported": [0.9, 0.4], "true": [0.5, 0.4], "repaired": [0.7, 0.6]},
    index=["mask dropped", "oldest kept"],
)
CAUGHT = pd.DataFrame(
    {"future": [False, True, False], "newest": [False, False, True]},
    index=["sound", "mask dropped", "oldest kept"],
)
TRIED = pd.DataFrame({"chosen by": [0.1, 0.2], "fresh": [0.1, 0.11]}, index=[1, 50])
DRAWINGS = {"fault_effects": EFFECTS, "caught_map": CAUGHT, "best_of_many": TRIED}


@pytest.fixture
def ax():
    matplotlib.use("Agg")
    return Figure().subplots()


@pytest.mark.parametrize("name", DRAWINGS)
def test_draws_on_the_axes_given_and_in_the_file(name, ax, tmp_path):
    assert getattr(plots, name)(DRAWINGS[name], ax=ax) is ax
    assert ax.get_xlabel()
    plots.save(ax, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_each_fault_has_its_three_figures_and_a_line_between_two(ax):
    plots.fault_effects(EFFECTS, ax=ax)
    drawn = {line.get_label(): line.get_xdata().tolist() for line in ax.lines}
    assert drawn == EFFECTS.to_dict("list")
    ends = ax.collections[0].get_segments()
    np.testing.assert_allclose([end[:, 0] for end in ends], [[0.9, 0.5], [0.4, 0.4]])
    assert [label.get_text() for label in ax.get_yticklabels()] == list(EFFECTS.index)


def test_only_what_failed_is_filled(ax):
    plots.caught_map(CAUGHT, ax=ax)
    assert ax.collections[0].get_offsets().tolist() == [[0, 1], [1, 2]]


def test_the_true_value_is_a_separate_line(ax):
    plots.best_of_many(TRIED, truth=0.1, ax=ax)
    assert [line.get_label() for line in ax.lines] == [*TRIED, "true score of all"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "50"]


@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_to_draw_is_refused(name, ax):
    with pytest.raises(ValueError, match="^`table`.*Received"):
        getattr(plots, name)(DRAWINGS[name][:0], ax=ax)
