"""Execute notebooks and keep their outputs, without the backend's start-up notes.

python notebooks/execute.py [NAME ...]    all of them without a name
"""

import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
# What TensorFlow's native code writes past every switch: "I0000 00:00:... file.cc:12] ...".
NATIVE_NOTE = re.compile(
    r"^([IWE]\d{4} |WARNING: All log messages before absl|To enable the follow).*$"
)


def execute(path: Path, timeout: int = 900) -> nbformat.NotebookNode:
    """Run a notebook in a fresh kernel and return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=timeout, resources={"metadata": {"path": FOLDER}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # Times of day: noise in every diff.
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_without_notes, cell.outputs) if output]
    return notebook


def _without_notes(output):
    if output.get("name") != "stderr":
        return output
    kept = [line for line in output.text.splitlines() if line and not NATIVE_NOTE.match(line)]
    output.text = "\n".join(kept)
    return output if kept else None


if __name__ == "__main__":
    chosen = [FOLDER / name for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb"))
    for notebook_path in chosen:
        nbformat.write(execute(notebook_path), notebook_path)
