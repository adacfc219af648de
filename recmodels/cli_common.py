"""What the commands share: options, output, the start of the backend."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from recmodels.data.text import visible
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
    """JSON with `as_json`; otherwise text, a dict as aligned lines.

    Both escape what a terminal would obey, each in its own way.
    """
    if as_json:
        text = json.dumps(content, indent=1, ensure_ascii=False)
        typer.echo(re.sub(r"[^\n -~]", lambda found: _json_letter(found[0]), text))
        return
    if isinstance(content, dict):
        content = "\n".join(f"{name:24} {value}" for name, value in content.items())
    typer.echo(visible(content))


def _json_letter(letter: str) -> str:
    return letter if visible(letter) == letter else json.dumps(letter)[1:-1]


def start_backend() -> None:
    """Import Keras with its backend, and find the devices."""
    with quietly():
        import keras

        keras.ops.zeros(1)
