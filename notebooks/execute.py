"""Execute notebooks and keep their outputs, small and without the backend's start-up notes.

python notebooks/execute.py [NAME ...]    all of them, solutions too, without a name

With FAST=1 in the environment only the seconds are kept.
"""

import base64
import io
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from pair import FOLDER, all_notebooks, results_stamp_of, stamp_of, sync, write
from PIL import Image

# What native code writes past every switch: TensorFlow "I0000 00:00:... file.cc:12] ...", then JAX
# where processes meet, and Spark while it starts.
NATIVE_NOTE = re.compile(
    r"^([IWE]\d{4} |WARNING: All log messages before absl|To enable the follow|\[Gloo\] Rank "
    r"|WARNING: Using incubator modules|Using Spark's default|(\d\d/){2}\d\d [\d:]{8} WARN "
    r"|Setting (default|Spark) log level|To adjust logging level"
    r"|.*FutureWarning: PySpark|  require_minimum_pandas_version).*$"
)
# What only a running kernel can show; the picture beside it stays.
LIVE = "application/vnd.jupyter.widget-view+json"


def execute(path: Path, timeout: int = 3600) -> nbformat.NotebookNode:
    """Run a notebook in a fresh kernel and return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": FOLDER}}
    NotebookClient(notebook, timeout=timeout, resources=where, store_widget_state=False).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # Times of day: noise in every diff.
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_kept, cell.outputs) if output]
    return notebook


def renew(path: Path) -> None:
    """Execute a notebook and store what it showed, or in fast mode only how long it took."""
    notebook = sync(path)
    began = time.perf_counter()
    results = results_stamp_of(notebook)  # Before they are read: a change meanwhile is noticed.
    executed = execute(path)
    seconds = round(time.perf_counter() - began)
    recorded = notebook.metadata.get("recmodels", {})
    if os.environ.get("FAST") == "1":
        recorded |= {"fast_seconds": seconds}
    else:
        notebook = executed
        recorded |= {"executed": stamp_of(notebook), "results": results, "seconds": seconds}
    notebook.metadata["recmodels"] = recorded
    write(notebook, path)


def smaller(png: bytes) -> bytes:
    """The same picture with a palette of at most 256 colours, where that is smaller."""
    colours = Image.open(io.BytesIO(png)).convert("RGB")
    # Without dithering: its dots are new details, which make a file of flat areas larger.
    palette = colours.quantize(256, dither=Image.Dither.NONE)
    file = io.BytesIO()
    palette.save(file, format="PNG", optimize=True)
    return min(png, file.getvalue(), key=len)


def _kept(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """An output as it is stored, or None where nothing of it is."""
    if output.output_type == "stream":
        lines = output.text.splitlines(keepends=True)
        output.text = "".join(line for line in lines if not NATIVE_NOTE.match(line.rstrip("\n")))
        return output if output.text.strip() else None
    data = output.get("data", {})
    data.pop(LIVE, None)
    if "image/png" in data:
        data["image/png"] = base64.b64encode(smaller(base64.b64decode(data["image/png"]))).decode()
    return output


if __name__ == "__main__":
    for notebook_path in [FOLDER / name for name in sys.argv[1:]] or all_notebooks():
        renew(notebook_path)
