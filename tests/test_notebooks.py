"""Every notebook runs from top to bottom and keeps its outputs."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
sys.path.insert(0, str(FOLDER))
from execute import execute  # noqa: E402

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SOLUTIONS = sorted((FOLDER / "solutions").glob("*.ipynb"))


def named(path):
    return path.relative_to(FOLDER).with_suffix("").as_posix()


@pytest.mark.parametrize("path", [*NOTEBOOKS, *SOLUTIONS], ids=named)
def test_runs_in_fast_mode(path, monkeypatch):
    monkeypatch.setenv("FAST", "1")
    cells = execute(path, timeout=240).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o.get("name") == "stderr"], "no warnings"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_outputs_are_committed(path):
    assert os.path.getsize(path) < 300 * 1024
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert [o for o in outputs if "image/png" in o.get("data", {})], "a notebook shows figures"
    assert max(len(c.source.splitlines()) for c in cells) <= 15


@pytest.mark.parametrize("path", SOLUTIONS, ids=named)
def test_solutions_are_of_a_notebook_and_pass_each_of_its_checks(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    asked = nbformat.read(FOLDER / path.name, as_version=4).cells
    numbers = {n for c in asked for n in re.findall(r'^check\("([^"]+)"', c.source, re.MULTILINE)}
    asserted = "\n".join(c.source for c in cells if "assert" in c.source)
    assert numbers and all(f'check("{n}", ' in asserted for n in numbers)
