import base64

import numpy as np
import pandas as pd
import pytest
from test_recommender import DRINKS, After, popular

from recmodels import plots
from recmodels.features.vocabulary import Vocabulary
from recmodels.panel import Panel, likely
from recmodels.recommend.recommender import Recommender


class Follows(After):
    """The same order of items for histories of any length, and for some items only."""

    def score(self, queries, items=None):
        item_ids = queries["item_ids"]
        item_ids = np.pad(item_ids, [(0, 0), (3 - item_ids.shape[1], 0)])
        scores = super().score({**queries, "item_ids": item_ids})
        return scores if items is None else scores[:, items]


def panel(history=("sugar",), **settings):
    names = pd.DataFrame({"title": [f"a {name}" for name in DRINKS]}, index=DRINKS)
    settings = {"items": names, "filter_seen": False, "fallback": popular()} | settings
    return Panel(Recommender(Follows(), Vocabulary(DRINKS), **settings), history, k=3)


def test_probabilities_are_a_softmax_over_all_that_may_be_listed():
    # After sugar come tea, cup, pot, milk, sugar with scores 0, -1, -2, -3, -4; the exponentials
    # 1, .3679, .1353, .0498, .0183 sum to 1.5713.
    answer, values, label = likely(panel().recommender, ["sugar"], 3)
    assert answer.items == ["tea", "cup", "pot"] and label == "probability"
    np.testing.assert_allclose(values, [0.6364, 0.2341, 0.0861], atol=1e-4)
    # Without sugar, which was seen: 1.5530.
    seen = likely(panel(filter_seen=True).recommender, ["sugar"], 3)
    np.testing.assert_allclose(seen[1], [0.6439, 0.2369, 0.0871], atol=1e-4)
    assert answer.notes == () == seen[0].notes


def test_a_fallback_shows_its_scores_and_says_so():
    answer, values, label = likely(panel().recommender, [], 2)
    assert answer.items == ["sugar", "milk"] and label == "score"
    assert values.tolist() == [5, 4] and "MostPopular made the list" in answer.notes[0]


def click(panel, words):
    boxes = [panel.widget]
    while boxes:
        box = boxes.pop()
        boxes += getattr(box, "children", ())
        if getattr(box, "description", "") == words:
            return box.click()
    raise AssertionError(f"no button says {words!r}")


def test_clicks_make_the_history_and_the_list_follows():
    shown = panel()
    picture = shown._picture.value
    click(shown, "+ a cup")
    assert shown.history == ["sugar", "cup"] and shown.answer.items == ["pot", "milk", "sugar"]
    assert "a sugar → a cup" in shown._shown.value and shown._picture.value != picture
    shown._any.value = "milk"
    click(shown, "add")
    assert shown.history == ["sugar", "cup", "milk"]
    click(shown, "take back")
    assert shown.history == ["sugar", "cup"]
    click(shown, "empty")
    assert shown.history == [] and shown.answer.source == "MostPopular"


def test_a_list_that_ends_early_hides_the_buttons_left_over():
    shown = panel(DRINKS[:4], filter_seen=True)
    assert [b.layout.display for b in shown._items] == [None, "none", "none"]
    shown.set_history(["tea"])
    assert [b.layout.display for b in shown._items] == [None] * 3


def test_without_an_item_table_ids_are_names():
    click(panel(items=None), "+ cup")


def test_where_nothing_runs_the_panel_is_a_picture():
    shown = panel()._repr_mimebundle_()
    assert base64.b64decode(shown["image/png"]).startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in shown and "tea" in shown["text/plain"]


def test_words_of_a_title_are_no_html():
    items = pd.DataFrame({"title": ["<i>"] * 5}, index=DRINKS)
    assert "&lt;i&gt;" in panel(items=items)._shown.value


def test_a_list_is_drawn_best_first_and_refuses_what_does_not_fit():
    ax = plots.ranked_list(["tea", "cup"], [0.6, 0.3])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["tea", "cup"]
    assert ax.yaxis_inverted() and [bar.get_width() for bar in ax.patches] == [0.6, 0.3]
    for names, values in (([], []), (["tea"], [0.6, 0.3])):
        with pytest.raises(ValueError, match="`values` must .* Received"):
            plots.ranked_list(names, values)


def test_reasons_name_the_titles_of_the_events():
    shown = panel(("sugar", "cup"), filter_seen=True)
    assert "&quot;a cup&quot;" in shown._why.value and "at rank 1 mostly" in shown._why.value
    click(shown, "empty")
    assert shown._why.value == ""
