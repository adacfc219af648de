"""The figure of whether probabilities come true."""

import matplotlib
import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots

TABLE = pd.DataFrame({"cases": [30, 10], "confidence": [0.5, 0.9], "accuracy": [0.4, 0.95]})


def test_accuracy_stands_over_confidence_and_dots_show_the_cases():
    matplotlib.use("Agg")
    ax = Figure().subplots()
    assert plots.reliability_diagram({"one": TABLE, "two": TABLE[1:]}, ax=ax) is ax
    diagonal, one, two = ax.lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert one.get_xydata().tolist() == [[0.5, 0.4], [0.9, 0.95]]
    assert two.get_xydata().tolist() == [[0.9, 0.95]]
    sizes = ax.collections[0].get_sizes()
    assert sizes[0] == 3 * sizes[1]
    assert [text.get_text() for text in ax.get_legend().texts] == ["calibrated", "one", "two"]
    assert ax.get_xlim() == (pytest.approx(0.35), 1)


@pytest.mark.parametrize("tables", [{}, {"one": TABLE[:0]}, {"one": TABLE[["cases"]]}])
def test_what_cannot_be_drawn(tables):
    with pytest.raises(ValueError, match="`(tables|one)` must .*Received: "):
        plots.reliability_diagram(tables)
