"""What the commands share: options, output, the start of the backend."""

import json
from pathlib import Path
from typing import Annotated

import typer

from recmodels.quiet import quietly

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Runs = Annotated[Path, typer.Option(help="Folder of checkpoints and bundles.")]
Results = Annotated[Path, typer.Option(help="Folder of stored results.")]


def show(content, as_json: bool) -> None:
    """JSON with `as_json`; otherwise text, a dict as aligned lines."""
    if as_json:
        content = json.dumps(content, indent=1, ensure_ascii=False)
    elif isinstance(content, dict):
        content = "\n".join(f"{name:24} {value}" for name, value in content.items())
    typer.echo(content)


def start_backend() -> None:
    """Import Keras with its backend, and find the devices."""
    with quietly():
        import keras

        keras.ops.zeros(1)
