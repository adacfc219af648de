"""Text from data: shown in one line, without commands to a terminal or formulas in a figure."""

import json
import time

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from recmodels import plots
from recmodels.cli_common import show
from recmodels.data.card import data_card
from recmodels.data.interactions import Interactions
from recmodels.data.text import counted, one_line, visible
from recmodels.experiments import report
from recmodels.panel import Panel
from recmodels.recommend import OnePerFamily, Recommender, title_family
from recmodels.recommend.recommendation import Details, Recommendation

# Clears the screen, colours, rings, and turns the direction of writing.
HOSTILE = "\x1b[2J\x1b[31mTea\x07\x9b1m \u202eeert\u2066 \u200f\ufeff\x00\x7f"
OBEYED = "\x1b\x07\x9b\u202e\u2066\u200f\ufeff\x00\x7f"
MONEY = "Cash $5 and $6 or x^2_3, $\\frac{1$"


@pytest.fixture(autouse=True)
def figures():
    matplotlib.use("Agg")
    yield
    plt.close("all")


def shown_to(text):
    """Whether a text is safe to print; it must also be possible to encode it."""
    return text.encode("utf-8") and not set(text) & set(OBEYED)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\x9b1mb", "a\\x9b1mb"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("soft\xadhyphen", "soft\\xadhyphen"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\U000e0041"),
        ("Line\nline", "Line\nline"),
        ("Über 茶 שלום 👩‍🔬 می‌خواهم $5", "Über 茶 שלום 👩‍🔬 می‌خواهم $5"),
        (12, "12"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text, expected):
    assert visible(text) == expected


def test_one_line_collapses_blanks_and_cuts():
    assert one_line("  Tea\t for\r\n\u3000two\u2028 ") == "Tea for two"
    assert one_line("a" * 80) == "a" * 80 and one_line("a" * 81) == "a" * 79 + "…"
    assert one_line(" " * 10_000 + "Tea") == "Tea"
    assert one_line("\x1b" * 100, width=9) == "\\x1b\\x1b…"
    assert one_line("Tea for two", width=5) == "Tea…"


def make_list(*titles, notes=(), source="model"):
    items = pd.DataFrame({"title": titles, "price": [0.1] * len(titles)})
    found = Details(items, np.arange(len(titles)) + 1)
    scores = np.full(len(titles), 0.1, np.float32)
    return Recommendation(list(titles), scores, source, notes, found)


def test_counts_are_written_with_their_noun():
    expected = {(0, "id"): "0 ids", (1, "id"): "1 id", (2000, "history"): "2,000 histories"}
    expected |= {
        (3, "day"): "3 days",
        ("1", "second"): "1 second",
        ("0.5", "minute"): "0.5 minutes",
    }
    assert {case: counted(*case) for case in expected} == expected


def test_a_list_shows_no_control_characters_and_cuts_titles():
    answer = make_list(HOSTILE, "long " * 100, notes=[HOSTILE], source=HOSTILE)
    for text in (repr(answer), answer._repr_html_()):
        assert shown_to(text) and "\\x1b[2J" in text and "…" in text
        assert max(map(len, text.split("\n"))) < 600
    assert answer.table["title"][0] == HOSTILE, "the data stay as they are"
    assert "0.1 " in repr(answer) and "0.10000000149" not in repr(answer)


def test_html_of_a_list_is_neither_obeyed_nor_read_as_a_formula():
    text = make_list("<script>alert(1)</script>", MONEY, source="<b>")._repr_html_()
    assert "<script>" not in text and "<b>" not in text
    assert text.startswith('<div class="tex2jax_ignore mathjax_ignore">')


def test_the_command_line_shows_text_and_json_without_control_characters(capsys):
    show({"title": HOSTILE}, as_json=True)
    printed = capsys.readouterr().out
    assert shown_to(printed) and json.loads(printed) == {"title": HOSTILE}
    show({"名": "茶\U000e0041"}, as_json=True)
    printed = capsys.readouterr().out
    assert "茶" in printed and json.loads(printed) == {"名": "茶\U000e0041"}
    for content in (HOSTILE, {HOSTILE: HOSTILE}, make_list(HOSTILE)):
        show(content, as_json=False)
        assert shown_to(capsys.readouterr().out)


def test_a_data_card_shows_names_of_actions_on_one_line():
    events = pd.DataFrame({"user": [1, 2], "item": [1, 2], "action": ["buy\nnow", HOSTILE]})
    text = repr(data_card(Interactions(events, "ordered", "log\x1b")))
    assert shown_to(text) and "buy now 1" in text and text.startswith("log\\x1b (ordered)")


def test_example_lists_are_shown_line_by_line():
    answer = make_list("Tea\nfor two", "\x1b[2J", "Cup")
    lines = report.describe_lists([(["a\nb", "\x1b"], "Cup", answer)])
    assert lines == [
        "",
        "After  a b  >  \\x1b",
        "came   Cup",
        "   1. Tea for two",
        "   2. \\x1b[2J",
        "   3. Cup   <- it",
    ]


FIGURES = {
    "ranked_list": lambda name: plots.ranked_list([name, "b"], [1, 2], title=name, label=name),
    "attention_map": lambda name: plots.attention_map(np.eye(2), [name, "b"], title=name),
    "behaviour_funnel": lambda name: plots.behaviour_funnel({name: 0.5}, name),
    "week_map": lambda name: plots.week_map(np.ones((7, 24)), name),
    "length_curves": lambda name: plots.length_curves({name: np.array([1, 2, 9])}),
    "concentration_curves": lambda name: plots.concentration_curves({name: np.array([1, 2, 9])}),
    "value_distribution": lambda name: plots.value_distribution({name: [1, 2], "b": [2, 3]}, name),
    "learning_curves": lambda name: plots.learning_curves(
        {n: pd.DataFrame({"epoch": [1, 2], "score": [0.1, 0.2]}) for n in (name, "b")}
    ),
    "model_comparison": lambda name: plots.model_comparison(
        pd.DataFrame({"mean": [0.2], "low": [0.1], "high": [0.3]}, index=[name])
    ),
}


@pytest.mark.parametrize("name", [MONEY, "_Tea\n\tfor $$", HOSTILE])
@pytest.mark.parametrize("figure", FIGURES)
def test_figures_show_names_as_they_are(figure, name):
    ax = FIGURES[figure](name)
    ax.figure.canvas.draw()  # Raises where it takes the name for a formula.
    legend = ax.get_legend()
    labels = [*ax.get_yticklabels(), ax.title, ax.xaxis.label, *(legend.texts if legend else ())]
    wanted = (one_line(name, 50), one_line(name))
    with_name = [label for label in labels if label.get_text().strip() in wanted]
    assert with_name, [label.get_text() for label in labels]
    assert not any(label.get_parse_math() for label in with_name)
    assert all(shown_to(label.get_text() or " ") for label in labels)


def test_numbers_on_a_logarithmic_axis_stay_powers():
    table = pd.DataFrame({"a": [1.0, 1e6]}, index=pd.Index([1, 2], name="size"))
    ax = plots.growth(table, "cost", logarithmic=True)
    ax.figure.canvas.draw()
    powers = [label for label in ax.get_yticklabels() if "10^{" in label.get_text()]
    assert powers and all(label.get_parse_math() for label in powers)


def test_a_long_title_is_cut_beside_its_bar():
    ax = plots.ranked_list(["long " * 50], [1])
    (label,) = [text.get_text() for text in ax.get_yticklabels()]
    assert len(label) <= 50 and label.endswith("…")


class Counted:
    """Scores that do not depend on the history."""

    num_items, max_length, columns = 3, 5, ()

    def score(self, queries, items=None):
        scores = np.arange(4, dtype=np.float32)[None].repeat(len(queries["item_ids"]), 0)
        return scores if items is None else scores[:, items]


def test_the_panel_shows_titles_as_they_are():
    from recmodels.features.vocabulary import Vocabulary

    titles = [MONEY, "<script>" + HOSTILE, "long " * 100]
    vocabulary = Vocabulary(np.array([1, 2, 3]))
    recommender = Recommender(
        Counted(), vocabulary, items=pd.DataFrame({"title": titles}, index=[1, 2, 3])
    )
    panel = Panel(recommender, history=[2], k=2)
    assert panel._picture.value[:4] == b"\x89PNG"
    words = [panel._shown.value, *(button.description for button in panel._items)]
    words += [name for name, _ in panel._any.options]
    assert all(shown_to(text) and len(text) < 200 for text in words)
    assert "<script>" not in panel._shown.value


HARD_TITLES = {
    "blanks": "a" + " " * 50_000 + "b",
    "tabs and line breaks": "a" + "\t \n" * 50_000 + "b",
    "blanks of other scripts": "a" + "\u3000\u00a0" * 50_000 + "b",
    "one digit": "1" * 100_000,
    "a size again and again": "1ml" * 30_000,
    "a year again and again": "(1995)" * 20_000,
    "open brackets": "(" * 100_000,
    "hyphens": "x" + " -" * 50_000,
    "editions": "the first edition " * 5_000,
}


@pytest.mark.parametrize("kind", HARD_TITLES)
def test_the_family_of_a_hard_title_is_found_at_once(kind):
    began = time.perf_counter()
    title_family(HARD_TITLES[kind])
    assert time.perf_counter() - began < 0.5


def test_blanks_do_not_part_a_family():
    wanted = title_family("The Matrix: Special Edition")
    assert title_family(" the \t\u3000Matrix :\n special   EDITION ") == wanted == "matrix"
    assert title_family("Shampoo ," + " " * 500 + "8 oz") == "shampoo"


def test_items_without_a_title_are_no_family():
    items = pd.DataFrame({"title": ["", "  ", None, "Tea (1995)", "Tea"]})
    assert OnePerFamily().groups(items) == [[], [], [], ["tea"], ["tea"]]
