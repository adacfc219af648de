"""Keep notebooks and their readable texts in step, without executing anything.

python notebooks/pair.py    where a notebook and its text differ, the one saved last is right
"""

import hashlib
import re
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from jupytext.combine import combine_inputs_with_outputs
from jupytext.config import load_jupytext_config

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER.parent / "results"
CONFIG = load_jupytext_config(str(FOLDER / "any.ipynb"))
FORMAT = "md:myst"


def all_notebooks() -> list[Path]:
    """Every notebook in reading order, then the solutions; some may exist as a text only."""
    found = []
    for folder in (FOLDER, FOLDER / "solutions"):
        names = {path.stem for path in (*folder.glob("*.ipynb"), *folder.glob("text/*.md"))}
        found += [folder / f"{name}.ipynb" for name in sorted(names)]
    return found


def text_path(path: Path) -> Path:
    """Where the text of a notebook lies."""
    return path.parent / "text" / f"{path.stem}.md"


def text_of(notebook: nbformat.NotebookNode) -> str:
    """A notebook as MyST Markdown: its cells without their outputs."""
    # A copy, because Jupytext notes its settings in what it is given.
    return jupytext.writes(deepcopy(notebook), fmt=FORMAT, config=CONFIG)


def stamp_of(notebook: nbformat.NotebookNode) -> str:
    """Changes with any code cell: tells whether outputs were made by this source."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()[:16]


def results_of(notebook: nbformat.NotebookNode, folder: Path = RESULTS) -> list[Path]:
    """Return the stored results that a notebook shows: both files of each of its experiments.

    They are the experiments whose names begin with one in its code, such as "ml-1m-sasrec", and
    all where it asks for the whole table. The files of studies are named in the code, such as
    "../results/sentences.json".
    """
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    if "../results" not in code:
        return []
    names = [""] if "table_rows(" in code else re.findall(r"[a-z]\w*(?:-\w+){2,}", code)
    of_users = sorted(folder.glob("per_user/*.parquet"))
    chosen = [path for path in of_users if any(path.stem.startswith(name) for name in names)]
    named = [folder / name for name in re.findall(r"\.\./results/([\w-]+\.json)", code)]
    return [*named, *chosen, *(folder / f"{path.stem}.json" for path in chosen)]


def results_stamp_of(notebook: nbformat.NotebookNode, folder: Path = RESULTS) -> str | None:
    """Changes with any stored result that a notebook shows; None where it shows none."""
    files = results_of(notebook, folder)
    stamp = hashlib.sha256()
    for path in files:
        stamp.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return stamp.hexdigest()[:16] if files else None


def executed_in_order(notebook: nbformat.NotebookNode) -> bool:
    """Whether the cells were run once each, from top to bottom, in a fresh kernel."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook and its text."""
    nbformat.write(notebook, path)
    text_path(path).parent.mkdir(exist_ok=True)
    text_path(path).write_text(text_of(notebook), encoding="utf-8")


def sync(path: Path) -> nbformat.NotebookNode:
    """Make a notebook and its text agree: the one saved last is right, outputs are kept.

    A notebook without a stamp was executed elsewhere: its outputs are taken at their word, once,
    where the cells were run in order. From then on only `execute.py` renews the stamp.
    """
    text = text_path(path)
    if not path.exists() or (text.exists() and text.stat().st_mtime > path.stat().st_mtime):
        notebook = _with_sources_of(text, path)
    else:
        notebook = nbformat.read(path, as_version=4)
        if executed_in_order(notebook):
            notebook.metadata.setdefault("recmodels", {"executed": stamp_of(notebook)})
    if not in_step(path, notebook):
        write(notebook, path)
    return notebook


def in_step(path: Path, notebook: nbformat.NotebookNode) -> bool:
    """Whether both files hold these cells."""
    text = text_path(path)
    return (
        path.exists()
        and text.exists()
        and text.read_text(encoding="utf-8") == text_of(notebook)
        and nbformat.read(path, as_version=4) == notebook
    )


def _with_sources_of(text: Path, path: Path) -> nbformat.NotebookNode:
    notebook = jupytext.read(text, fmt=FORMAT)
    notebook.metadata.pop("jupytext", None)
    if path.exists():
        before = nbformat.read(path, as_version=4)
        notebook = combine_inputs_with_outputs(notebook, before, FORMAT)
        notebook.metadata = before.metadata
    return notebook


if __name__ == "__main__":
    for notebook_path in all_notebooks():
        sync(notebook_path)
