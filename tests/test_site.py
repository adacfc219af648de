"""The built site needs nothing from elsewhere, and a browser shows it without complaint."""

import functools
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SITE = Path(__file__).resolve().parent.parent / "build" / "site"
PAGES = sorted(SITE.rglob("*.html"))
STYLES = sorted(SITE.rglob("*.css"))
# What a browser fetches by itself, as against links that a reader may follow.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

pytestmark = pytest.mark.skipif(not PAGES, reason="the site is not built: run `make site`")


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda p: p.relative_to(SITE).as_posix())


class References(HTMLParser):
    """Addresses a page fetches, those it links to, its anchors, and the words for its images."""

    def __init__(self, page):
        super().__init__()
        self.fetched, self.linked, self.anchors, self.images = [], [], {""}, []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.anchors.add(values.get("id"))
        if tag == "img":
            self.images.append(values.get("alt") or "")
        if values.get(FETCHED.get(tag)):
            self.fetched.append(values[FETCHED[tag]])
        elif tag == "a" and values.get("href"):
            self.linked.append(values["href"])


@functools.cache
def references_of(page):
    return References(page)


def lies_in_the_site(page, address):
    """Whether a file is there, and in a page the anchor too."""
    parts = urlsplit(address)
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if target.suffix != ".html" or not target.exists():
        return target.exists()
    return unquote(parts.fragment) in references_of(target).anchors


@named(PAGES)
def test_a_page_fetches_nothing_from_elsewhere_and_links_to_what_exists(path):
    found = references_of(path)
    assert not [a for a in found.fetched if urlsplit(a).scheme not in ("", "data")]
    assert not [a for a in found.fetched if a.startswith("//")]
    inside = [a for a in found.linked if not urlsplit(a).scheme]
    assert not [a for a in [*found.fetched, *inside] if not lies_in_the_site(path, a)]


@named(STYLES)
def test_a_style_fetches_nothing_from_elsewhere(path):
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"(?:url\(|@import)\s*[\"']?\s*(?:https?:)?//[^)]*", text)


def test_every_notebook_and_solution_has_a_page():
    folder = SITE.parent.parent / "notebooks"
    names = [p.relative_to(folder).with_suffix(".html") for p in folder.rglob("[0-9]*.ipynb")]
    assert names and not [name for name in names if not (SITE / "notebooks" / name).exists()]


def test_every_image_of_a_page_has_words():
    pages = [p for p in PAGES if p.parent.name in ("docs", "notebooks", "solutions")]
    assert sum(len(references_of(page).images) for page in pages) > 60
    wordless = {
        page.name: alt
        for page in pages
        for alt in references_of(page).images
        if len(alt.split()) < 5
    }
    assert not wordless


def test_a_page_of_a_notebook_offers_the_notebook_and_its_text():
    folder = SITE.parent.parent / "notebooks"
    name = "solutions/05_attention_by_hand"
    linked = references_of(SITE / "notebooks" / f"{name}.html").linked
    assert {"05_attention_by_hand.ipynb", "text/05_attention_by_hand.md.txt"} <= set(linked)
    copied = (SITE / "notebooks" / f"{name}.ipynb").read_bytes()
    assert copied == (folder / f"{name}.ipynb").read_bytes()


def test_the_start_page_says_for_whom_what_first_and_how_long():
    page = (SITE / "docs" / "index.html").read_text(encoding="utf-8")
    begin = page[page.index("Start here") :]
    lines = re.findall(r"<li><p><strong>You .*?</li>", begin, re.DOTALL)
    assert len(lines) == 4
    assert all(re.search(r"\d+ (hours?|minutes)", line) and "href=" in line for line in lines)
    assert page.index(">Solutions<") > page.index(">The library<")


def test_lists_of_notebooks_say_their_numbers():
    start = (SITE / "docs" / "index.html").read_text(encoding="utf-8")
    assert re.search(r'href="../notebooks/05_attention_by_hand.html">05 ', start)


def test_chinese_words_of_the_glossary_are_on_its_page():
    assert "注意力" in (SITE / "docs" / "glossary.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no browser is installed, such as Debian's chromium")
    with api.sync_playwright() as playwright:
        # Without a sandbox of its own, which root may not have. Offline: nothing may be fetched.
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser):
    """Opens a page on a screen of some width; complaints are collected in `page.complaints`."""
    contexts = []

    def opened(address, width):
        context = browser.new_context(viewport={"width": width, "height": 844}, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda line: page.complaints.append(f"{line.type}: {line.text}"))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("requestfailed", lambda request: page.complaints.append(request.url))
        page.goto(f"{SITE.as_uri()}/{address}", wait_until="load", timeout=60_000)
        return page

    yield opened
    for context in contexts:
        context.close()


SHOWN = [p for p in PAGES if p.parent.name in ("docs", "notebooks", "solutions")]
UNSEEN_IMAGES = "[...document.images].filter(i => !(i.loading = 'eager', i.naturalWidth)).length"
RAW_MATHS = "[...document.querySelectorAll('.math')].filter(m => !m.querySelector('svg')).length"


@named(SHOWN)
def test_a_page_fits_a_desktop_and_a_phone_screen(path, open_page):
    page = open_page(path.relative_to(SITE).as_posix(), 1200)
    page.wait_for_function(f"{RAW_MATHS} == 0", timeout=60_000)
    page.wait_for_function(f"{UNSEEN_IMAGES} == 0", timeout=60_000)
    for width in (1200, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out"
    assert not page.locator("mjx-merror").count(), "every formula is understood"
    assert not page.complaints


def test_the_top_leads_to_the_start_page(open_page):
    page = open_page("index.html", 1200)
    page.wait_for_url("**/docs/index.html", timeout=60_000)
    assert page.locator("h1").first.inner_text().startswith("recmodels")


def test_tables_of_results_are_sorted_by_a_column_and_scroll(open_page):
    page = open_page("docs/results.html", 390)
    table = page.locator("table", has=page.get_by_text("ml-1m-sasrec-gbce")).first
    title = table.get_by_role("button", name="published or ceiling")
    for direction, order in (("descending", 1), ("ascending", -1)):
        title.click()
        cells = table.locator("tbody tr td:nth-child(5)").all_inner_texts()
        shown = [text for text in cells if text != "-"]
        assert shown == sorted(shown, reverse=True)[::order] and cells[-1] == "-"
        assert table.locator(f"th[aria-sort={direction}]").count() == 1
    wrapper = page.locator(".table-wrapper").first
    assert wrapper.evaluate("w => { w.scrollLeft = 999; return w.scrollLeft > 0; }")
    name = wrapper.locator("td").first
    assert name.evaluate("c => c.getBoundingClientRect().left >= 0"), "the name stays in sight"
    assert not page.complaints


def test_a_search_finds_attention_in_its_notebook(open_page):
    page = open_page("search.html?q=attention", 390)
    page.wait_for_selector("ul.search li a", timeout=60_000)
    found = [link.get_attribute("href") for link in page.locator("ul.search li a").all()]
    assert any("05_attention_by_hand" in address for address in found)
    assert not page.complaints


def test_leave_one_out_is_found_in_its_notebook_and_quoted(open_page):
    page = open_page("search.html?q=leave-one-out", 390)
    page.wait_for_selector("ul.search li a", timeout=60_000)
    found = [link.get_attribute("href") for link in page.locator("ul.search li a").all()]
    places = [i for i, address in enumerate(found[:3]) if "notebooks/03_split" in address]
    assert places, found
    quoted = page.locator("ul.search li").nth(places[0]).locator(".context mark").inner_text()
    assert quoted.lower() == "leave-one-out"
    assert not page.complaints


def test_a_search_without_an_answer_says_so(open_page):
    page = open_page("search.html?q=xylophone", 390)
    page.wait_for_selector(".search-summary", timeout=60_000)
    assert "No page has all of these words" in page.locator(".search-summary").inner_text()


def test_code_is_copied_by_its_button_without_prompts(open_page):
    page = open_page("docs/api.html", 390)
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    block = page.locator("div.highlight", has_text=">>> data = ").first
    block.get_by_role("button", name="Copy").click()
    copied = page.evaluate("window.copied")
    assert "\ndata = " in copied and ">>>" not in copied
    assert block.get_by_role("button", name="Copied").count() == 1
    outputs = open_page("notebooks/03b_measure.html", 390)
    assert not outputs.locator(".cell_output button.copy").count()


def test_wide_code_scrolls_with_a_cue_at_the_edge_that_hides_more(open_page):
    page = open_page("notebooks/03b_measure.html", 390)
    wide = page.locator(".highlight pre.more-right").first.element_handle()
    assert wide.evaluate("p => getComputedStyle(p).maskImage") != "none"
    wide.evaluate("p => { p.scrollLeft = p.scrollWidth; }")
    page.wait_for_function("p => p.classList.contains('more-left')", arg=wide)
    assert page.locator(".highlight pre.more-left:not(.more-right)").count() == 1
    figure = page.locator(".cell_output img").first
    assert figure.evaluate("i => i.clientWidth === i.naturalWidth"), "its numbers can be read"
