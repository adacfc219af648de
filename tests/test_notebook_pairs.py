"""Every notebook agrees with its text, and its outputs were made by the cells it shows."""

import io
import os
import re
import sys
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from recmodels.course import NOTEBOOK_NUMBER

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "notebooks"))
import execute  # noqa: E402
import pair  # noqa: E402
import table  # noqa: E402

ALL = pytest.mark.parametrize(
    "path", pair.all_notebooks(), ids=lambda p: p.relative_to(pair.FOLDER).as_posix()
)
HINT = "run `python notebooks/pair.py`, and `python notebooks/execute.py NAME` where code changed"


def test_numbers_of_notebooks_are_two_digits_and_perhaps_a_letter():
    names = [path.stem for path in pair.all_notebooks()]
    assert "03b_measure" in names
    assert not [name for name in names if not re.fullmatch(rf"{NOTEBOOK_NUMBER}_[a-z_]+", name)]


def cells_of(notebook):
    return [(c.cell_type, c.source, c.metadata.get("tags")) for c in notebook.cells]


@ALL
def test_a_notebook_and_its_text_hold_the_same_cells(path):
    notebook = nbformat.read(path, as_version=4)
    text = pair.text_path(path).read_text(encoding="utf-8")
    assert cells_of(jupytext.reads(text, fmt=pair.FORMAT)) == cells_of(notebook), HINT
    assert text == pair.text_of(notebook), HINT


@ALL
def test_outputs_were_made_by_this_source(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.get("recmodels", {}).get("executed") == pair.stamp_of(notebook), HINT
    assert pair.executed_in_order(notebook), HINT


@pytest.fixture
def path(tmp_path):
    """A notebook that was executed, and its text, both of the same age."""
    code = new_code_cell(
        "1 + 1",
        execution_count=1,
        outputs=[new_output("execute_result", {"text/plain": "2"}, execution_count=1)],
    )
    path = tmp_path / "90_sum.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A sum"), code]), path)
    pair.sync(path)
    age(path, 0)
    age(pair.text_path(path), 0)
    return path


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def age(path, seconds):
    os.utime(path, (1e9 - seconds, 1e9 - seconds))


def rewrite(path, old, new):
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def with_output(text):
    def execute(path):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[1].outputs[0].data["text/plain"] = text
        return notebook

    return execute


def is_fresh(notebook):
    return notebook.metadata.recmodels.executed == pair.stamp_of(notebook)


def test_the_first_pairing_keeps_outputs_and_writes_a_text(path):
    assert is_fresh(nbformat.read(path, as_version=4))
    text = pair.text_path(path).read_text(encoding="utf-8")
    assert "# A sum" in text and "1 + 1" in text and "\n2\n" not in text


def test_a_text_edited_last_reaches_the_notebook_and_makes_outputs_stale_if_it_is_code(path):
    rewrite(pair.text_path(path), "# A sum", "# Two and")
    pair.sync(path)
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[0].source == "# Two and" and is_fresh(notebook)
    assert notebook.cells[1].outputs[0].data["text/plain"] == "2"
    age(path, 0)
    rewrite(pair.text_path(path), "1 + 1", "1 + 2")
    assert not is_fresh(pair.sync(path))


def test_a_notebook_edited_last_reaches_its_text(path):
    age(pair.text_path(path), 60)
    rewrite(path, "1 + 1", "2 + 2")
    assert not is_fresh(pair.sync(path))
    assert "2 + 2" in pair.text_path(path).read_text(encoding="utf-8")


def test_an_edited_notebook_is_not_taken_at_its_word_twice(path):
    age(pair.text_path(path), 60)
    rewrite(path, "1 + 1", "2 + 2")
    for _ in range(2):
        assert not is_fresh(pair.sync(path))


def test_a_text_without_a_notebook_becomes_one(path):
    path.unlink()
    pair.sync(path)
    assert cells_of(nbformat.read(path, as_version=4))[1][1] == "1 + 1"


def test_notebooks_in_step_are_not_written_again(path):
    pair.sync(path)
    assert path.stat().st_mtime == pair.text_path(path).stat().st_mtime == 1e9


def test_executing_renews_outputs_and_stamps_and_fast_mode_the_seconds_alone(path, monkeypatch):
    rewrite(path, "1 + 1", "1 + 2")
    age(pair.text_path(path), 60)
    monkeypatch.setenv("FAST", "1")
    monkeypatch.setattr(execute, "execute", with_output("3"))  # No kernel: this is about files.
    monkeypatch.setattr(execute, "results_stamp_of", lambda notebook: "of the results")
    execute.renew(path)
    notebook = nbformat.read(path, as_version=4)
    assert not is_fresh(notebook) and notebook.metadata.recmodels.fast_seconds >= 0
    assert notebook.cells[1].outputs[0].data["text/plain"] == "2"
    assert "results" not in notebook.metadata.recmodels
    monkeypatch.delenv("FAST")
    execute.renew(path)
    notebook = nbformat.read(path, as_version=4)
    assert is_fresh(notebook) and notebook.cells[1].outputs[0].data["text/plain"] == "3"
    assert {"seconds", "fast_seconds"} <= set(notebook.metadata.recmodels)
    assert notebook.metadata.recmodels.results == "of the results"


def test_a_row_counts_figures_exercises_words_and_lines(tmp_path):
    figure = new_output("display_data", {"image/png": ""})
    cells = [
        new_markdown_cell("# Seven words and six in code"),
        new_code_cell('x = 1\n\ncheck("90.1", x)', outputs=[figure, figure]),
        new_code_cell('assert check("90.1", 1) and check("90.2", 2)'),
        new_markdown_cell("one two"),
    ]
    path = tmp_path / "90_two_words.ipynb"
    notebook = new_notebook(cells=cells, metadata={"recmodels": {"fast_seconds": 90}})
    nbformat.write(notebook, path)
    # 9 words with the mark of the heading, 3 lines of code that are not empty.
    assert table.row(path) == ("90 two words", "1.5", "-", "2", "2", "3", "3.0")


def test_the_syllabus_ends_with_the_notebooks_as_they_are():
    page = table.PAGE.read_text(encoding="utf-8")
    assert page == table.written_into(page), "run `python notebooks/table.py`"
    with pytest.raises(ValueError, match="mark before the table"):
        table.written_into("a page without a table")


def test_a_palette_makes_a_figure_smaller_and_keeps_its_colours():
    # A map of 900 shades: more than a palette holds, beside lines and letters.
    figure, file = Figure(), io.BytesIO()
    figure.subplots(subplot_kw={"title": "map"}).imshow(np.random.default_rng(0).random((30, 30)))
    figure.savefig(file, format="png")
    before, small = file.getvalue(), execute.smaller(file.getvalue())
    assert len(small) < 0.6 * len(before)
    change = np.abs(pixels(before) - pixels(small))
    assert 0 < change.mean() < 0.5 and change.max() < 80
    assert (pixels(small)[0] == 255).all(), "white stays white"


def test_a_picture_that_would_become_larger_is_not_changed():
    file = io.BytesIO()
    Image.new("1", (1, 1)).save(file, format="PNG", optimize=True)
    assert execute.smaller(file.getvalue()) == file.getvalue()
