"""README: its table is the stored results, its example runs."""

from pathlib import Path

from recmodels.experiments.tables import (
    TABLE_BEGINS,
    TABLE_ENDS,
    markdown_table,
    table_rows,
)

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_table_is_made_from_the_stored_results():
    text = README.read_text(encoding="utf-8")
    shown = text.split(TABLE_BEGINS)[1].split(TABLE_ENDS)[0].strip()
    assert shown == markdown_table(table_rows(README.parent / "results"))


def test_the_ten_lines_run(readme_example, capsys):
    assert len([line for line in readme_example.splitlines() if line.strip()]) <= 10
    exec(compile(readme_example, "README.md", "exec"), {})
    assert "SASRec" in capsys.readouterr().out
