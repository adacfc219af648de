import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots

TABLE = pd.DataFrame({"cases": [10, 40], "confidence": [0.55, 0.9], "accuracy": [0.5, 0.95]})


def test_the_curve_stands_beside_the_diagonal_with_a_dot_per_bin(tmp_path):
    ax = Figure().subplots()
    assert plots.reliability_curve(TABLE, "NextEvent", ax=ax) is ax
    assert ax.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]
    assert ax.lines[1].get_xydata().tolist() == [[0.55, 0.5], [0.9, 0.95]]
    assert ax.collections[0].get_sizes().tolist() == [10 + 150 / 4, 160]
    assert ax.get_xlabel() == "confidence" and ax.get_ylabel() == "accuracy"
    plots.save(ax, tmp_path / "figure.png")


def test_a_table_without_bins_is_refused():
    with pytest.raises(ValueError, match="`table` must hold at least one bin"):
        plots.reliability_curve(TABLE[:0])
