"""Count the notebooks, as a table in Markdown at the end of the syllabus.

python notebooks/table.py    after a notebook was changed or executed
"""

import re
from pathlib import Path

import nbformat
from pair import FOLDER

PAGE = FOLDER.parent / "docs" / "syllabus.md"
BEGINS = "<!-- table: python notebooks/table.py -->"
COLUMNS = (
    "notebook", "minutes, fast", "minutes, full", "figures", "exercises", "lines of code",
    "words per line of code",
)  # fmt: skip


def row(path: Path) -> tuple[str, ...]:
    """What is counted of a notebook, in the order of `COLUMNS`."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    lines = [line for cell in code for line in cell.source.splitlines() if line.strip()]
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    outputs = [output for cell in code for output in cell.outputs]
    exercises = {n for cell in code for n in re.findall(r'\bcheck\("([^"]+)"', cell.source)}
    recorded = notebook.metadata.get("recmodels", {})
    return (
        path.stem.replace("_", " "),
        _minutes(recorded.get("fast_seconds")),
        _minutes(recorded.get("seconds")),
        str(sum("image/png" in output.get("data", {}) for output in outputs)),
        str(len(exercises)),
        str(len(lines)),
        f"{len(' '.join(prose).split()) / max(len(lines), 1):.1f}",
    )


def table() -> str:
    """All notebooks in reading order, as Markdown."""
    head = [COLUMNS, ("---",) * len(COLUMNS)]
    rows = [*head, *map(row, sorted(FOLDER.glob("*.ipynb")))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def written_into(page: str) -> str:
    """A page that ends with the table, renewed."""
    before, mark, _ = page.partition(BEGINS)
    if not mark:
        raise ValueError(f"`page` must hold the mark before the table. Received: no {BEGINS!r}")
    return f"{before}{mark}\n{table()}\n"


def _minutes(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / 60:.1f}"


if __name__ == "__main__":
    PAGE.write_text(written_into(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
