"""How Sphinx makes the site: pages and notebooks as they lie in the repository, none executed."""

import os
import re
import shutil
import sys
from pathlib import Path

from docutils import nodes

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import recmodels  # noqa: E402

sys.path.insert(0, os.path.dirname(__file__))  # Where `site_extension` lies.

from site_extension import notebook_number  # noqa: E402

project = "recmodels"
release = recmodels.__version__
author = "the recmodels authors"
copyright = "the recmodels authors, Apache 2.0"
html_title = "recmodels"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "site_extension",
]

# The whole repository is the source, so that a link works here as it does in a clone.
root_doc = "docs/index"
include_patterns = [
    "CHANGELOG.md", "CONTRIBUTING.md", "data/README.md", "docs/*.md",
    "notebooks/*", "notebooks/solutions/*",
]  # fmt: skip
exclude_patterns = [".*", "build", "docs/node_modules", "recmodels", "results", "runs", "tests"]

nb_execution_mode = "off"  # A site shows the outputs that were committed.
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_inherit_docstrings = False  # What Keras says of its own methods is not ours to repeat.
default_role = "code"  # Docstrings mark code as Markdown does.
napoleon_custom_sections = [("Call arguments", "params_style")]

html_theme = "furo"
html_static_path = ["static", "node_modules/mathjax/es5/tex-svg-full.js"]
html_css_files = ["site.css"]
html_js_files = ["sort.js", "scroll.js", "copy.js", "search.js"]
mathjax_path = "tex-svg-full.js"
html_copy_source = False


def _number_the_title(app, _doctree) -> None:
    """In lists of pages a notebook has its number before its title."""
    name = app.env.docname
    number = notebook_number(name)
    if number:
        listed = next(app.env.tocs[name].findall(nodes.reference))
        for title in (app.env.titles[name], listed):
            title.insert(0, nodes.Text(f"{number} "))


def _show_drawings(_app, what, _name, _object, _options, lines: list[str]) -> None:
    """Formulas and matrices that a docstring draws by indenting them keep their lines."""
    if what == "module":
        del lines[1:]
    text = re.sub(r"^Example:\n(?=\s+(?!>>>)\S)", "Example::\n\n", "\n".join(lines), flags=re.M)
    lines[:] = re.sub(r"^(\S.*)\n\n(?=    )", r"\1\n\n::\n\n", text, flags=re.M).split("\n")


def _open_at_the_start(app, error: Exception | None) -> None:
    """`index.html` at the top leads to the start page."""
    if error is None:
        shutil.copyfile(Path(app.confdir, "start.html"), Path(app.outdir, "index.html"))


def setup(app) -> None:
    """What Sphinx calls first."""
    app.connect("doctree-read", _number_the_title, priority=900)  # After titles are collected.
    app.connect("autodoc-process-docstring", _show_drawings, priority=100)  # Before napoleon.
    app.connect("build-finished", _open_at_the_start)
