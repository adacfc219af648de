"""What notebooks say: outputs fit the stored results, ends are complete, terms are defined."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "notebooks"))
import pair  # noqa: E402

GLOSSARY = pair.FOLDER.parent / "docs" / "glossary.md"
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in pair.FOLDER.glob("*.ipynb")}


def named(path):
    return path.relative_to(pair.FOLDER).as_posix()


def prose_of(notebook):
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


@pytest.mark.parametrize("path", pair.all_notebooks(), ids=named)
def test_outputs_were_made_from_the_stored_results(path):
    notebook = nbformat.read(path, as_version=4)
    recorded = notebook.metadata["recmodels"].get("results")
    assert recorded == pair.results_stamp_of(notebook), (
        f"stored results have changed: run `python notebooks/execute.py {named(path)}`"
    )


@pytest.fixture
def results(tmp_path):
    (tmp_path / "per_user").mkdir()
    for name in ("log-a-one-markov", "log-a-one-ease", "log-a-two-ease"):
        (tmp_path / f"{name}.json").write_text("{}")
        (tmp_path / "per_user" / f"{name}.parquet").write_bytes(name.encode())
    (tmp_path / "speed.json").write_text("{}")  # A study, which has no file of users.
    return tmp_path


def notebook_of(*lines):
    return new_notebook(
        cells=[new_code_cell('STORED = Path("../results")'), *map(new_code_cell, lines)]
    )


def test_a_notebook_reads_both_files_of_the_experiments_that_its_code_names(results):
    found = pair.results_of(notebook_of('load("log-a-one-ease")'), results)
    assert {p.relative_to(results).as_posix() for p in found} == {
        "log-a-one-ease.json",
        "per_user/log-a-one-ease.parquet",
    }
    assert len(pair.results_of(notebook_of('f"log-a-one-{model}"'), results)) == 4
    assert len(pair.results_of(notebook_of("table_rows(STORED)"), results)) == 6
    assert pair.results_of(new_notebook(cells=[new_code_cell('"log-a-one-ease"')]), results) == []
    study = new_notebook(cells=[new_code_cell('Path("../results/speed.json").read_text()')])
    assert pair.results_of(study, results) == [results / "speed.json"]


@pytest.mark.parametrize("changed", ["log-a-one-ease.json", "per_user/log-a-one-ease.parquet"])
def test_a_changed_or_a_new_result_changes_the_stamp_of_its_notebooks_only(results, changed):
    shows, other = notebook_of('f"log-a-one-{model}"'), notebook_of('"log-a-two-ease"')
    before = pair.results_stamp_of(shows, results), pair.results_stamp_of(other, results)
    (results / changed).write_text("changed")
    assert pair.results_stamp_of(shows, results) != before[0]
    (results / changed).write_text("{}")
    between = pair.results_stamp_of(shows, results)
    (results / "log-a-one-new.json").write_text("{}")
    (results / "per_user" / "log-a-one-new.parquet").write_bytes(b"")
    assert pair.results_stamp_of(shows, results) not in (before[0], between)
    assert pair.results_stamp_of(other, results) == before[1]


def test_a_notebook_without_stored_results_has_no_stamp(results):
    assert pair.results_stamp_of(new_notebook(), results) is None


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_ends_with_a_quiz_papers_and_what_is_missing(name):
    last = NOTEBOOKS[name].cells[-1]
    assert last.cell_type == "markdown"
    empty, quiz, reading, missing = re.split(
        r"^## (?:Quiz|Further reading|What is still missing)$", last.source, flags=re.MULTILINE
    )
    # A blank line on both sides, so that Markdown is rendered inside the fold.
    questions = (
        r"\*\*(\d)\.\*\* [^<]+\?\n\n<details><summary>Answer</summary>\n\n[^<]+\n\n</details>"
    )
    assert empty == "" and re.findall(questions, quiz) == list("12345")
    papers = [line for line in reading.strip().split("\n* ") if line]
    assert 3 <= len(papers) <= 5 and all(
        re.search(r" \((19|20)\d\d\), \*.+\*, .+: ", p.replace("\n", " ")) for p in papers
    )
    assert missing.strip().count("\n\n") == 0 and missing.strip().endswith(".")


@pytest.mark.parametrize("path", pair.all_notebooks(), ids=named)
def test_a_figure_has_a_caption_and_words_for_those_who_cannot_see_it(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            words = cell.metadata["mystnb"]
            assert words["figure"]["caption"].endswith("."), cell.source
            assert len(words["image"]["alt"].split()) >= 8, cell.source


def terms():
    """Each term of the glossary and the anchor of its section."""
    section = ""
    for line in GLOSSARY.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line[3:].lower().replace(" ", "-")
        elif found := re.match(r"- \*\*(.+?)\*\* .*\((\w+)\)$", line):
            yield from ((term, section, found[2]) for term in found[1].split(", "))


def test_every_term_of_the_glossary_occurs_in_the_notebook_that_it_names():
    prose = {
        name.partition("_")[0]: " ".join(prose_of(n).lower().split())
        for name, n in NOTEBOOKS.items()
    }
    missing = [
        f"{term} ({number})"
        for term, _, number in terms()
        if not re.search(rf"\b{re.escape(term.lower())}", prose[number])
    ]
    assert len(list(terms())) > 100 and not missing


def test_links_to_the_glossary_lead_to_its_sections():
    sections = {section for _, section, _ in terms()}
    for name, notebook in NOTEBOOKS.items():
        anchors = re.findall(r"\(\.\./docs/glossary\.md#([\w-]+)\)", prose_of(notebook))
        assert anchors and set(anchors) <= sections, name
