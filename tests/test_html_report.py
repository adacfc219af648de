"""The report of a run: safe, self-contained, readable, in the language of the log."""

import re
from html.parser import HTMLParser
from string import Formatter

import numpy as np
import pandas as pd
import pytest
from harness import random_lists

from recmodels.data.interactions import Interactions
from recmodels.experiments import quickstart, report_figures
from recmodels.experiments.family_texts import FAMILY_TEXTS
from recmodels.experiments.html_report import _shown, element, write_report
from recmodels.experiments.report_texts import FIELDS, TEXTS, language_of, text

HOSTILE = "<script>alert('x')</script><img src=http://x/y> & \x1b[2J"
VOID = {"meta", "img"}


class Outline(HTMLParser):
    """Checks that elements nest, and collects tags, attributes and texts."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def make_report(folder, monkeypatch, titles, families=("markov",)):
    """The report on a small log of items with titles, as HTML and as an outline."""
    lists = random_lists(20, 6, len(titles))
    users = np.repeat(np.arange(len(lists)), 6)
    events = pd.DataFrame({"user": users, "item": np.concatenate(lists)})
    items = pd.DataFrame({"title": titles}, index=np.arange(1, len(titles) + 1))
    log = Interactions(events, "ordered", name=titles[0], items=items, assumed={"note": titles[0]})
    monkeypatch.setattr(quickstart, "open_log", lambda *arguments: (log, None))
    arguments = {"families": list(families), "command": f"recmodels run --dataset '{titles[0]}'"}
    found = quickstart.quickstart("log.csv", {}, folder, **arguments)
    html = write_report(found, folder).read_text("utf-8")
    return html, Outline(html)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        titles = [f"{HOSTILE} {i}" for i in range(8)]
        yield make_report(tmp_path_factory.mktemp("hostile"), monkeypatch, titles)


def test_texts_of_the_data_are_shown_and_not_obeyed(hostile):
    html, outline = hostile
    assert "script" not in outline.tags and outline.tags.count("img") == 6
    assert "\x1b" not in html
    shown = HOSTILE.replace("\x1b", "\\x1b")
    assert sum(shown in text for text in outline.texts) > 20


def test_items_of_lists_have_reasons_with_titles(hostile):
    _, outline = hostile
    reasons = [text for text in outline.texts if " because of " in text]
    assert len(reasons) > 10 and all(text.count("<script>") >= 3 for text in reasons)
    assert all("would be there" in text or "would stay there" in text for text in reasons)


def test_the_file_needs_no_network(hostile):
    _, outline = hostile
    links = [value for name, value in outline.attributes if name in ("src", "href", "srcset")]
    assert len(links) == 6 and all(link.startswith("data:image/png;base64,") for link in links)
    assert not {"link", "script", "iframe"} & set(outline.tags)


def test_every_section_is_there_and_figures_have_alternative_texts(hostile):
    html, outline = hostile
    sections = [key for key in TEXTS if key.startswith("section ")]
    assert len(sections) == 11 and all(text(key) in outline.texts for key in sections)
    assert outline.tags.count("h1") == 1 and outline.tags.count("h2") == 11
    alternatives = [value for name, value in outline.attributes if name == "alt"]
    assert len(alternatives) == 6 and all(len(a) > 20 for a in alternatives)
    assert ("lang", "en") in outline.attributes and ("scope", "col") in outline.attributes
    assert outline.tags.count("ol") == 10
    assert 'name="viewport"' in html and "@media print" in html


def test_a_chinese_log_has_a_chinese_report(tmp_path, monkeypatch):
    drawn = []
    save = report_figures.plots.save

    def note_texts(ax, path):
        legend = ax.get_legend()
        drawn.extend([ax.get_xlabel(), ax.get_ylabel(), ax.get_title()])
        drawn.extend(label.get_text() for label in ax.get_yticklabels())
        drawn.extend(text.get_text() for text in (legend.get_texts() if legend else []))
        return save(ax, path)

    monkeypatch.setattr(report_figures.plots, "save", note_texts)
    html, outline = make_report(tmp_path, monkeypatch, [f"茶壶{i}" for i in range(8)])
    assert ("lang", "zh") in outline.attributes
    assert "推荐列表" in outline.texts and "马尔可夫链" in html
    assert not any("Markov chain" in t or "has the highest" in t for t in outline.texts)
    words = {word for text in drawn for word in re.findall("[A-Za-z]{3,}", text)}
    assert len(drawn) > 15 and words <= {"NDCG", "SASRec", "EASE", "ItemKNN"}


def test_most_letters_decide_the_language():
    assert language_of(["杯子 cup", "水"]) == "en"
    assert language_of(["杯子 ab", "水"]) == "zh"
    assert language_of(["1", "22"]) == language_of([]) == "en"


def test_both_languages_take_the_same_values():
    for key, templates in (TEXTS | FIELDS | FAMILY_TEXTS).items():
        both = [{part[1] for part in Formatter().parse(each) if part[1]} for each in templates]
        assert both[0] == both[1], key
        one, two = (text(key, **dict.fromkeys(both[0], count)) for count in ("1", "2"))
        assert not re.search(r"\b1 (epoch|second|minute)s", one), one
        assert not re.search(r"\b2 (epoch|second|minute)\b", two), two


def test_numbers_are_shown_as_readers_expect_them():
    assert _shown(1234567) == "1,234,567" and _shown(0.25, "ties") == "25.00%"
    assert _shown({"p50": 12.0, "a\nb": 3.5}) == "p50 12, a b 3.5"
    assert _shown("2024-01-01") == "2024-01-01"


def test_children_of_an_element_keep_their_order():
    made = element("p", "a", element("b", "<"), "c", "d", class_="x")
    assert made.get("class") == "x" and made.text == "a" and made[0].tail == "cd"
