"""The figure of measured numbers beside printed ones."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots

TABLE = pd.DataFrame(
    {"mean": [0.1, 0.2], "low": [0.08, 0.15], "high": [0.13, 0.22], "printed": [0.12, np.nan]},
    ["bce", "softmax"],
)


@pytest.fixture
def ax():
    matplotlib.use("Agg")
    return Figure().subplots()


def test_the_first_row_is_at_the_top_with_both_numbers(ax):
    assert plots.compare_with_published(TABLE, ax=ax) is ax
    measured, printed = (line for line in ax.lines if line.get_marker() in ("o", "D"))
    assert measured.get_xydata().tolist() == [[0.1, 1], [0.2, 0]]
    assert printed.get_xydata()[0].tolist() == [0.12, 1] and np.isnan(printed.get_xdata()[1])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["bce", "softmax"]
    assert ax.get_yticks().tolist() == [1, 0]
    assert ax.get_xlim()[0] == 0 and ax.get_xlabel() == "NDCG@10, 95 % interval"


def test_intervals_reach_from_low_to_high(ax):
    plots.compare_with_published(TABLE, "HR@10", ax)
    (arms,) = ax.collections
    ends = [segment[:, 0].tolist() for segment in arms.get_segments()]
    np.testing.assert_allclose(ends, [[0.08, 0.13], [0.15, 0.22]])


def test_an_empty_table_is_refused():
    with pytest.raises(ValueError, match="`table` must hold at least one experiment"):
        plots.compare_with_published(TABLE[:0])
