"""README and results page: their tables are the stored results, the example runs."""

import shutil
from pathlib import Path

import pytest

from recmodels.experiments.rows import table_rows
from recmodels.experiments.tables import HEADLINES, write_into

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_the_tables_are_made_from_the_stored_results(tmp_path):
    rows = table_rows(ROOT / "results")
    for page in ("README.md", "docs/results.md"):
        again = Path(shutil.copy(ROOT / page, tmp_path))
        write_into(again, rows)
        assert again.read_text("utf-8") == (ROOT / page).read_text("utf-8")
    text = (ROOT / "docs" / "results.md").read_text("utf-8")
    assert not [row["experiment"] for row in rows if f"| {row['experiment']} |" not in text]
    assert len(HEADLINES) == 14


@pytest.mark.slow
def test_the_ten_lines_run(readme_example, capsys):
    assert len([line for line in readme_example.splitlines() if line.strip()]) <= 10
    exec(compile(readme_example, "README.md", "exec"), {})
    assert "SASRec" in capsys.readouterr().out
