"""What the commands share: options, output, the start of the backend."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from recmodels.quiet import quietly

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Runs = Annotated[Path, typer.Option(help="Folder of checkpoints and bundles.")]
Results = Annotated[Path, typer.Option(help="Folder of stored results.")]

LARGEST_SEED = 2**32 - 1  # That of NumPy.
Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Decides everything random.")]


def listed(text: str, kind: Callable[[str], float], option: str) -> list:
    """Finite numbers of a kind, written with commas.

    Raises:
        ValueError: a part is no such number, or there is none.
    """
    try:
        numbers = [kind(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ValueError(
            f"`{option}` must be numbers with commas between them. Received: {option}={text!r}"
        )
    return numbers


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
