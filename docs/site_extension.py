"""What the site adds to Sphinx: buttons of notebooks, and a search that works without a server."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import desc, desc_signature
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from recmodels.course import NOTEBOOK_NUMBER

BUTTONS = (
    '<p class="notebook-files"><a download href="{name}.ipynb">Download this notebook</a> '
    '<a href="text/{name}.md.txt">Source as text</a></p>\n'
)
# Pages that answer questions come before those that keep records.
WEIGHTS = (
    (r"notebooks/\d", 1.5), (r"notebooks/solutions/", 0.5), (r"notebooks/LOG", 0.3),
    (r"CHANGELOG", 0.3), (r"docs/results", 0.5),
)  # fmt: skip


def add_buttons(_app, pagename: str, _template, context: dict, doctree) -> None:
    """Put links to the files of a notebook at the top of its page."""
    if doctree is not None and notebook_number(pagename):
        context["body"] = BUTTONS.format(name=Path(pagename).name) + context["body"]


def copy_notebooks(app: Sphinx, error: Exception | None) -> None:
    """Put the files that the buttons lead to beside the pages."""
    for name in filter(notebook_number, [] if error else app.env.found_docs):
        source, page = Path(app.srcdir, name), Path(app.outdir, name)
        shutil.copyfile(f"{source}.ipynb", f"{page}.ipynb")
        (page.parent / "text").mkdir(exist_ok=True)
        text = source.parent / "text" / f"{source.name}.md"
        shutil.copyfile(text, page.parent / "text" / f"{source.name}.md.txt")


def write_search_texts(app: Sphinx, error: Exception | None) -> None:
    """Write the texts of all sections as a script, because a page in a folder may fetch nothing."""
    if error is None:
        found = [part for name in sorted(app.env.found_docs) for part in _parts(app.env, name)]
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        script = Path(app.outdir, "_static", "search_texts.js")
        script.write_text(f"const SEARCH_TEXTS = {text};\n", encoding="utf-8")


def notebook_number(name: str) -> str | None:
    """Return the number of a notebook or its solutions, such as `"03b"`; None for other pages."""
    found = re.match(rf"notebooks/(?:solutions/)?({NOTEBOOK_NUMBER})_", name)
    return found and found[1]


def _parts(env: BuildEnvironment, name: str) -> Iterator[list]:
    """Address, title of the page, title, text and weight of each section or documented object."""
    weight = next((w for pattern, w in WEIGHTS if re.match(pattern, name)), 1)
    page = env.titles[name].astext()
    for part in env.get_doctree(name).findall(lambda n: isinstance(n, nodes.section | desc)):
        if isinstance(part, desc):
            signature = part.next_node(desc_signature)
            anchors, title = signature["ids"], signature.get("fullname", signature.astext())
        else:
            anchors, title = part["ids"], part.next_node(nodes.title).astext()
        if anchors:
            text = " ".join(" ".join(_own_texts(part)).split())
            yield [f"{name}.html#{anchors[0]}", page, title, text, weight]


def _own_texts(part: nodes.Element) -> Iterator[str]:
    """Texts of a section without its title and the sections and objects within."""
    for child in part.children:
        if isinstance(child, nodes.section | desc | nodes.title | nodes.raw | nodes.comment):
            continue
        if isinstance(child, nodes.TextElement) or not isinstance(child, nodes.Element):
            yield child.astext()
        else:
            yield from _own_texts(child)


def setup(app: Sphinx) -> dict:
    """Connect the functions above to the steps of a build."""
    app.connect("html-page-context", add_buttons)
    app.connect("build-finished", copy_notebooks)
    app.connect("build-finished", write_search_texts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
