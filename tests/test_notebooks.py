"""Every notebook runs from top to bottom and keeps its outputs."""

import os
import sys
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
sys.path.insert(0, str(FOLDER))
from execute import execute  # noqa: E402

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SOLUTIONS = sorted(FOLDER.glob("solutions/*.ipynb"))


def named(path):
    return path.stem


def placed(path):
    return str(path.relative_to(FOLDER).with_suffix(""))


@pytest.mark.parametrize("path", NOTEBOOKS + SOLUTIONS, ids=placed)
def test_runs_in_fast_mode(path, monkeypatch):
    monkeypatch.setenv("FAST", "1")
    cells = execute(path, timeout=240).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o.get("name") == "stderr"], "no warnings"


@pytest.mark.parametrize("path", NOTEBOOKS + SOLUTIONS, ids=placed)
def test_outputs_are_committed(path):
    assert os.path.getsize(path) < 300 * 1024
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    shows_figures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert shows_figures or path in SOLUTIONS, "a notebook shows figures"
    assert max(len(c.source.splitlines()) for c in cells) <= 15


@pytest.mark.parametrize("path", SOLUTIONS, ids=named)
def test_solutions_solve_every_checked_exercise(path):
    asked, solved = (
        {line.split('"')[1] for line in _code_lines(one) if 'check("' in line}
        for one in (FOLDER / path.name, path)
    )
    assert asked and asked == solved


def _code_lines(path):
    cells = nbformat.read(path, as_version=4).cells
    return [line for c in cells if c.cell_type == "code" for line in c.source.splitlines()]
