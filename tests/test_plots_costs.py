"""Cost against quality: every model named once, next to its point, and nothing covered."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.transforms import Bbox

from recmodels.plots import cost_and_score

NAMES = ["popularity", "repeat last", "Markov chain", "transitions", "ItemKNN", "EASE", "blend"]
NAMES += ["GRU4Rec", "HSTU", "BERT4Rec"]


def draw(costs, scores, names, **options):
    table = pd.DataFrame({"seconds": costs, "validation NDCG@10": scores}, names)
    ax = cost_and_score(table, **options)
    labels = [text for text in ax.texts if text.get_text()]
    plt.close(ax.figure)
    return ax, labels


def test_costs_and_scores_are_drawn_with_names():
    ax, labels = draw([0.0, 60.0], [0.1, 0.2], ["EASE", "HSTU"])
    assert ax.get_xscale() == "log" and ax.get_ylabel() == "validation NDCG@10"
    assert {label.get_text(): label.xy[0] for label in labels} == {"EASE": 0.01, "HSTU": 60.0}


def test_shorter_trainings_of_a_model_are_hollow_and_joined_and_it_is_named_once():
    ax, labels = draw([1, 5, 20, 2], [0.1, 0.15, 0.2, 0.1], ["HSTU", "HSTU", "HSTU", "EASE"])
    assert sorted(label.get_text() for label in labels) == ["EASE", "HSTU"]
    joined, hollow, last = ax.lines[:3]
    assert joined.get_xdata().tolist() == [1, 5, 20] and joined.get_linestyle() == "-"
    assert hollow.get_xdata().tolist() == [1, 5] and hollow.get_markerfacecolor() == "white"
    assert last.get_xdata().tolist() == [20] and last.get_markerfacecolor() != "white"


def test_the_winner_is_a_star_and_the_floor_a_line():
    ax, labels = draw([0.1, 9], [0.05, 0.2], NAMES[:2], winner="repeat last", floor="popularity")
    stars = [line for line in ax.lines if line.get_marker() == "*"]
    assert [line.get_xdata().tolist() for line in stars] == [[9]]
    assert [label.get_text() for label in labels if label.get_weight() == "bold"] == ["repeat last"]
    levels = [line for line in ax.lines if line.get_linestyle() == ":"]
    assert [list(line.get_ydata()) for line in levels] == [[0.05, 0.05]]


@pytest.mark.parametrize("seed", range(3))
def test_labels_cover_neither_each_other_nor_points(seed):
    rng = np.random.default_rng(seed)
    scores = np.array([0.02, 0.03, 0.081, 0.082, 0.083, 0.08, 0.095, 0.085, 0.09, 0.084])
    options = {"winner": "blend", "floor": "popularity"}
    ax, labels = draw(10 ** rng.uniform(-1, 1.5, 10), scores, NAMES, **options)
    ax.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in labels]
    for one, other in itertools.combinations(boxes, 2):
        assert Bbox.intersection(one, other) is None
    points = ax.transData.transform([label.xy for label in labels])
    assert not any(box.contains(*point) for box in boxes for point in points)
    assert all(ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1 for box in boxes)
    height = ax.transData.transform((1, scores[0]))[1]
    assert not any(box.y0 < height < box.y1 for box in boxes)


@pytest.mark.parametrize("costs", [[3.0, 3.2], [3, 4], [0.5, 30], [0.01, 900]])
def test_the_axis_has_several_numbers(costs):
    ax, _ = draw(costs, [0.1, 0.2], ["EASE", "HSTU"])
    low, high = ax.get_xlim()
    shown = [tick for tick in ax.xaxis.get_majorticklocs() if low <= tick <= high]
    assert 2 <= len(shown) <= 7


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"winner": "BSARec"}, "`winner` must be in the index.*winner='BSARec'"),
        ({"floor": "random"}, "`floor` must be in the index.*floor='random'"),
    ],
)
def test_names_that_are_not_drawn_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        draw([1, 2], [0.1, 0.2], ["EASE", "HSTU"], **options)


def test_a_table_of_one_column_is_refused():
    with pytest.raises(ValueError, match="`table` must have two columns"):
        cost_and_score(pd.DataFrame({"seconds": [1.0]}, ["EASE"]))
