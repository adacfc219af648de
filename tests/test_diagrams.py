"""Diagrams are drawn by their code, can be read on a phone and in grey, and have descriptions."""

import re
import runpy
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
from PIL import ImageFont

ROOT = Path(__file__).resolve().parent.parent
SVG = "{http://www.w3.org/2000/svg}"
DRAWN = runpy.run_path(str(ROOT / "docs" / "diagrams"))
DRAWINGS = {draw().name: draw for draw in DRAWN["DIAGRAMS"]}
FILES = {name: DRAWN["FOLDER"] / f"{name}.svg" for name in DRAWINGS}
# Wider than the fonts that browsers choose, so that what fits here fits there.
FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")

every_diagram = pytest.mark.parametrize("name", DRAWINGS)


def box_of(text):
    """Left, top, right and bottom of a line of words."""
    size, x, y = (float(text.get(key)) for key in ("font-size", "x", "y"))
    style = "DejaVuSans-Bold.ttf" if text.get("font-weight") == "bold" else "DejaVuSans.ttf"
    width = ImageFont.truetype(str(FONTS / style), 100).getlength(text.text) * size / 100
    left = x - width * {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor")]
    return left, y - 0.76 * size, left + width, y + 0.24 * size


def boxes(drawing, tag):
    for rect in list(drawing.iter(SVG + tag))[1:]:  # The first one is the page.
        x, y, width, height = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
        yield x, y, x + width, y + height


def inside(inner, outer, margin=0.0):
    lower = all(i >= o + margin for i, o in zip(inner[:2], outer[:2], strict=True))
    return lower and all(i <= o - margin for i, o in zip(inner[2:], outer[2:], strict=True))


def overlap(one, other):
    across = min(one[2], other[2]) - max(one[0], other[0])
    return across > 0 and min(one[3], other[3]) - max(one[1], other[1]) > 0


@every_diagram
def test_a_file_is_what_its_code_draws_each_time(name):
    drawn = DRAWINGS[name]().svg()
    assert drawn == DRAWINGS[name]().svg() == FILES[name].read_text("utf-8")


@every_diagram
def test_words_are_large_enough_on_a_phone_and_inside_of_their_boxes(name):
    drawing = ElementTree.parse(FILES[name]).getroot()
    page = tuple(map(float, drawing.get("viewBox").split()))
    texts = {text.text: box_of(text) for text in drawing.iter(SVG + "text")}
    # A page 390 pixels wide leaves 350 for pictures: 12 units of 380 are 11 pixels there.
    assert page[2] == 380 and texts
    assert min(float(text.get("font-size")) for text in drawing.iter(SVG + "text")) >= 12
    assert not [words for words, box in texts.items() if not inside(box, page, 2)]
    for area in boxes(drawing, "rect"):
        touched = {words: box for words, box in texts.items() if overlap(box, area)}
        assert not [words for words, box in touched.items() if not inside(box, area)]


@every_diagram
def test_words_do_not_overlap(name):
    drawing = ElementTree.parse(FILES[name]).getroot()
    texts = [(text.text, box_of(text)) for text in drawing.iter(SVG + "text")]
    assert not [(a, b) for (a, x), (b, y) in combinations(texts, 2) if overlap(x, y)]


@every_diagram
def test_a_diagram_has_a_title_and_a_description_for_screen_readers(name):
    drawing = ElementTree.parse(FILES[name]).getroot()
    title, description = (drawing.find(SVG + tag) for tag in ("title", "desc"))
    assert drawing.get("role") == "img" and title.text and description.text.endswith(".")
    assert drawing.get("aria-labelledby").split() == [title.get("id"), description.get("id")]


def lightness(colour):
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_fills_differ_in_grey_and_words_stand_out_from_them():
    fills = runpy.run_path(str(ROOT / "docs" / "diagrams" / "drawing.py"))["FILLS"]
    for (one, _), (other, _) in combinations(fills.values(), 2):
        assert abs(lightness(one) - lightness(other)) > 0.05
    assert all(abs(lightness(fill) - lightness(words)) > 0.6 for fill, words in fills.values())


@every_diagram
def test_a_diagram_is_on_its_page_and_in_one_notebook_with_its_words(name):
    notebooks = [path.read_text("utf-8") for path in (ROOT / "notebooks" / "text").glob("*.md")]
    found = [re.findall(rf"!\[([^\]]+)\]\(diagrams/{name}\.svg\)", text) for text in notebooks]
    assert sum(map(len, found)) == 1
    assert len(max(found)[0].split()) >= 8, "the words say what is drawn"
    page = (ROOT / "docs" / "diagrams.md").read_text("utf-8")
    assert re.search(rf"!\[[^\]]+\]\(\.\./notebooks/diagrams/{name}\.svg\)", page)
