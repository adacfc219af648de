"""Print the notebooks in numbers, as a table in Markdown.

python notebooks/table.py
"""

import re
from pathlib import Path

import nbformat
from pair import FOLDER

COLUMNS = (
    "notebook", "minutes, fast", "minutes, full", "figures", "exercises",
    "words per line of code", "KiB",
)  # fmt: skip


def row(path: Path) -> tuple[str, ...]:
    """What is counted of a notebook, in the order of `COLUMNS`."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    lines = [line for cell in code for line in cell.source.splitlines() if line.strip()]
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    outputs = [output for cell in code for output in cell.outputs]
    exercises = {n for cell in code for n in re.findall(r'\bcheck\("([\d.]+)"', cell.source)}
    recorded = notebook.metadata.get("recmodels", {})
    return (
        path.stem.replace("_", " "),
        _minutes(recorded.get("fast_seconds")),
        _minutes(recorded.get("seconds")),
        str(sum("image/png" in output.get("data", {}) for output in outputs)),
        str(len(exercises)),
        f"{len(' '.join(prose).split()) / max(len(lines), 1):.1f}",
        f"{path.stat().st_size / 1024:.0f}",
    )


def table() -> str:
    """All notebooks in reading order, as Markdown."""
    head = [COLUMNS, ("---",) * len(COLUMNS)]
    rows = [*head, *map(row, sorted(FOLDER.glob("*.ipynb")))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _minutes(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / 60:.1f}"


if __name__ == "__main__":
    print(table())
