"""Functions shared by the commands: parse options, print output, start the backend."""

import json
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from recmodels.data.text import visible
from recmodels.log_filters import hide_native_logs

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Runs = Annotated[Path, typer.Option(help="Folder of checkpoints and bundles.")]
Results = Annotated[Path, typer.Option(help="Folder of stored results.")]

LARGEST_SEED = 2**32 - 1  # That of NumPy.
Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of all random numbers.")]


def listed(text: str, kind: Callable[[str], float], option: str) -> list:
    """Parse finite numbers of one type, separated by commas.

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


def parse_columns(text: str) -> dict[str, str | int | bool]:
    """Parse `'user=uid,item=sku,dayfirst=true'` into arguments of `read_events`.

    Raises:
        ValueError: a part is not `role=column`, a role stands twice, or is none that
            `read_events` takes.
    """
    roles = ("user", "item", "timestamp", "action", "duration", "value", "order")
    reading = (
        "form", "encoding", "delimiter", "header", "date_format", "dayfirst", "year", "unit",
        "timezone",
    )  # fmt: skip
    parts = [part.split("=", 1) for part in text.split(",") if part.strip()]
    for part in parts:
        if len(part) != 2 or part[0].strip() not in roles + reading:
            raise ValueError(
                f"`columns` must be written role=column,role=column with roles {roles}, or with "
                f"{reading} and their values. Received: columns={text!r}"
            )
    given = {role.strip(): column.strip() for role, column in parts}
    if len(given) < len(parts):
        raise ValueError(f"`columns` must name each role once. Received: columns={text!r}")
    plain = {"true": True, "false": False}
    for role in {"header", "dayfirst", "year"} & set(given):
        value = given[role].lower()
        given[role] = int(value) if value.isdecimal() else plain.get(value, value)
    return given


def parse_rules(text: str) -> tuple:
    """Parse rules from JSON text or from a JSON file.

    Raises:
        ValueError: it is no JSON, or no rules.
    """
    from recmodels.recommend.rules import rules_from_json

    try:
        described = json.loads(text if text.lstrip()[:1] in "[{" else Path(text).read_text("utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise ValueError(
            '`rules` must be JSON such as \'[{"rule": "AtMost", "most": 2}]\', or a file of it. '
            f"Received: rules={text!r:.200}, {error}"
        ) from error
    return rules_from_json([described] if isinstance(described, dict) else described)


def no_results(folder: Path) -> str:
    """What to do where a folder holds no stored result."""
    told = "no stored results: `recmodels train NAME` makes some, `--results` names another folder"
    return f"recmodels: {told}. Received: results={visible(str(folder))!r}"


def show(content, as_json: bool) -> None:
    """Print JSON if `as_json`, else text; a dict is printed as aligned lines.

    Both escape what a terminal would obey, each in its own way.
    """
    if as_json:
        text = json.dumps(content, indent=1, ensure_ascii=False)
        typer.echo(re.sub(r"[^\n -~]", lambda match: _json_letter(match[0]), text))
        return
    if isinstance(content, dict):
        content = "\n".join(f"{name:24} {value}" for name, value in content.items())
    typer.echo(visible(content))


def _json_letter(letter: str) -> str:
    return letter if visible(letter) == letter else json.dumps(letter)[1:-1]


def bundle_in(folder: Path) -> Path:
    """The bundle of a run's folder, or the folder itself."""
    return folder / "bundle" if (folder / "bundle").is_dir() else folder


def launch_again(processes: int, joined: bool = True) -> bool:
    """Run this command in several processes; return whether it was done and has ended.

    In the processes that were started so, return False.

    Args:
        processes: their number.
        joined: whether they train together, with JAX, or work on their own.
    """
    from recmodels.scale.launch import launch
    from recmodels.training.processes import process_count

    if process_count() > 1:
        return False
    command = [sys.executable, "-m", "recmodels", *sys.argv[1:]]
    launch(command, processes, backend="jax" if joined else None)
    return True


def start_backend(table_by_rows: bool = False, joined: bool = True) -> None:
    """Import Keras with its backend and find the devices.

    Args:
        table_by_rows: whether processes have parts of the item table.
        joined: whether to join the other processes that the environment names.
    """
    with hide_native_logs():
        import keras

        from recmodels.training.processes import BY_ROWS, join_processes

        if table_by_rows:
            os.environ[BY_ROWS] = "1"
        if joined:
            join_processes()
        keras.ops.zeros(1)
