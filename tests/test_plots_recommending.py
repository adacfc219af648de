"""The figure of what a rule costs and brings."""

import matplotlib
import pandas as pd
import pytest
from matplotlib.figure import Figure

from recmodels import plots

CURVE = pd.DataFrame({"genres": [4.0, 5.0, 7.0], "NDCG@10": [0.1, 0.09, 0.04]}, [0.0, 0.3, 0.9])


@pytest.fixture
def ax():
    matplotlib.use("Agg")
    return Figure().subplots()


def test_every_value_has_its_dot_and_its_name(ax):
    assert plots.trade_off(CURVE, "weight of likeness", ax=ax) is ax
    (line,) = ax.lines
    assert line.get_xydata().tolist() == CURVE.to_numpy().tolist()
    assert [text.get_text() for text in ax.texts] == ["0", "0.3", "0.9"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("genres", "NDCG@10")
    assert ax.get_title() == "number at each dot: weight of likeness" and ax.get_ylim()[0] == 0


def test_labels_do_not_overlap(ax):
    near = pd.DataFrame({"a": [0.0, 0.02, 0.5, 0.51, 1.0], "b": [1.0, 1.0, 0.9, 0.9, 0.0]})
    plots.trade_off(near, chosen=3, ax=ax)
    assert [text.get_text() for text in ax.texts] == ["0", "3", "4"]


def test_the_chosen_value_has_a_ring(ax):
    plots.trade_off(CURVE, chosen=0.3, ax=ax)
    assert ax.lines[1].get_xydata().tolist() == [[5.0, 0.09]]
    assert ax.lines[1].get_markerfacecolor() == "none"


@pytest.mark.parametrize(("curve", "chosen"), [(CURVE[["genres"]], None), (CURVE, 0.5)])
def test_what_cannot_be_drawn(curve, chosen):
    with pytest.raises(ValueError, match="`curve` must have two columns"):
        plots.trade_off(curve, chosen=chosen)
    with pytest.raises(ValueError, match="`curve` must have"):
        plots.trade_off(CURVE[:0])
