import matplotlib
import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots

CURVES = {
    "EASE": pd.Series({0: 0.1, 0.5: 0.3, 100: 0.2}),
    "ItemKNN": pd.Series({0: 0.2, 0.5: 0.1, 100: 0.05}),
}


@pytest.fixture
def ax():
    matplotlib.use("Agg")
    return Figure().subplots()


def test_draws_on_the_axes_given_with_labels_and_in_the_file(ax, tmp_path):
    assert plots.option_curves(CURVES, "shrinkage", ax=ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("shrinkage", "validation NDCG@10")
    plots.save(ax, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_values_stand_side_by_side_and_the_best_has_a_dot(ax):
    plots.option_curves(CURVES, "shrinkage", ax=ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "0.5", "100"]
    lines, dots = ax.lines[::2], ax.lines[1::2]
    assert lines[0].get_xydata().tolist() == [[0, 0.1], [1, 0.3], [2, 0.2]]
    assert [dot.get_xydata().tolist() for dot in dots] == [[[1, 0.3]], [[0, 0.2]]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(CURVES)


def test_dots_can_be_left_out_and_one_line_needs_no_legend(ax):
    plots.option_curves({"EASE": CURVES["EASE"]}, "shrinkage", best=False, ax=ax)
    assert len(ax.lines) == 1 and ax.get_legend() is None


@pytest.mark.parametrize(
    "curves",
    [{}, {"EASE": pd.Series([], dtype=float)}, {**CURVES, "other": pd.Series({1: 0.1})}],
)
def test_nothing_to_draw_is_refused(curves, ax):
    with pytest.raises(ValueError, match="^`curves`.*Received"):
        plots.option_curves(curves, "shrinkage", ax=ax)
