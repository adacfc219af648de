"""The `recmodels` command."""

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

# Before TensorFlow is imported: its start-up notes are not about the user's work.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

STOPPED = 130  # What a shell calls a command that Ctrl-C ended.

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
data_app = typer.Typer(no_args_is_help=True, help="What the data sets are like.")
app.add_typer(data_app, name="data")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Runs = Annotated[Path, typer.Option(help="Folder of checkpoints and bundles.")]
Results = Annotated[Path, typer.Option(help="Folder of stored results.")]


@app.callback()
def recmodels() -> None:
    """Sequential recommendation that one can teach with, trust and reproduce."""


@app.command()
def run(
    dataset: Annotated[str, typer.Option(help="A known name, or a CSV or Parquet file.")] = "shop",
    columns: Annotated[str, typer.Option(help="Of a file: 'user=uid,item=sku,timestamp=ts'.")] = "",
    runs: Runs = Path("runs"),
    seed: int = 0,
    as_json: Json = False,
) -> None:
    """Train on a log, compare with the baselines, show lists, write figures and a bundle."""
    _start_backend()
    from recmodels.experiments.report import describe_showcase
    from recmodels.experiments.showcase import showcase

    folder = runs / Path(dataset).name.split(".")[0]
    shown = showcase(dataset, parse_columns(columns), folder, seed)
    if as_json:
        _print({n: e.to_dict() for n, e in shown.evaluations.items()}, as_json)
        return
    typer.echo(describe_showcase(shown))
    typer.echo(f"\nFigures: {folder / 'figures'}    Bundle: {folder / 'bundle'}")


@app.command()
def train(
    name: str,
    seed: Annotated[int | None, typer.Option(help="One seed; by default all of them.")] = None,
    runs: Runs = Path("runs"),
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Train an experiment, measure it on its test cases and store result and bundle.

    A run that was stopped goes on where it was when the same command is typed again.
    """
    _start_backend()
    from recmodels.experiments.catalogue import find_experiment
    from recmodels.experiments.train import train_and_store

    experiment = find_experiment(name)
    seeds = experiment.seeds if seed is None else (seed,)
    typer.echo(f"{name}: about {experiment.minutes:g} minutes a seed on two cores", err=True)
    result = train_and_store(experiment, seeds, runs, results)
    _print(result["metrics"], as_json)


@app.command()
def tune(
    name: str,
    trials: int = 20,
    seed: int = 0,
    runs: Runs = Path("runs"),
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Search an experiment's options for the best validation score; the test is never seen."""
    _start_backend()
    from recmodels.experiments.catalogue import find_experiment
    from recmodels.experiments.tune import tune as search

    found = search(find_experiment(name), trials=trials, seed=seed, runs=runs, results=results)
    _print(found if as_json else found["best"], as_json)


@app.command()
def evaluate(folder: Path, as_json: Json = False) -> None:
    """Measure a bundle again on the test cases of the data it was trained on."""
    _start_backend()
    from recmodels.experiments.report import evaluate_bundle

    _print(evaluate_bundle(bundle_in(folder)), as_json)


@app.command()
def recommend(
    folder: Path,
    history: Annotated[str, typer.Option(help="Raw item ids, oldest first, with commas.")],
    k: Annotated[int, typer.Option("-k", help="Length of the list.")] = 10,
    as_json: Json = False,
) -> None:
    """Recommend from a bundle after a history of raw item ids."""
    _start_backend()
    from recmodels.recommend.recommender import Recommender

    recommender = Recommender.load(bundle_in(folder))
    raw = [part.strip() for part in history.split(",") if part.strip()]
    if recommender.vocabulary.raw_ids.dtype.kind in "iu":
        raw = [int(part) if part.lstrip("-").isdigit() else part for part in raw]
    answer = recommender.recommend(raw, k=k)
    _print(answer.to_dict() if as_json else answer, as_json)


@app.command()
def table(
    results: Results = Path("results"),
    write: Annotated[Path | None, typer.Option(help="Renew the table in this file.")] = None,
    as_json: Json = False,
) -> None:
    """Print all stored results beside the published figures."""
    _start_backend()
    from recmodels.experiments.tables import markdown_table, table_rows, write_into

    rows = table_rows(results)
    if write is not None:
        write_into(write, markdown_table(rows))
    _print(rows if as_json else markdown_table(rows), as_json)


@app.command()
def bench(
    dataset: str = "ml-1m-sasrec",
    contenders: Annotated[str, typer.Option(help="With commas; by default all of them.")] = "",
    rounds: Annotated[int, typer.Option(help="Epochs of each contender.")] = 3,
    runs: Runs = Path("runs"),
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Time an epoch of ours against plain PyTorch and RecTools, in turns; store bench.json."""
    _start_backend()
    from recmodels.experiments.bench import CONTENDERS, describe_bench
    from recmodels.experiments.bench import bench as measure

    names = [name.strip() for name in contenders.split(",") if name.strip()] or CONTENDERS
    found = measure(dataset, names, rounds=rounds, runs=runs, results=results)
    _print(found if as_json else describe_bench(found), as_json)


@data_app.command("list")
def data_list(as_json: Json = False) -> None:
    """Name the known data sets."""
    from recmodels.data.registry import SOURCES

    rows = {name: source.summary for name, source in SOURCES.items()}
    _print(rows if as_json else "\n".join(f"{n:16} {s}" for n, s in rows.items()), as_json)


@data_app.command("card")
def data_card(
    name: str,
    columns: Annotated[str, typer.Option(help="Of a file: 'user=uid,item=sku'.")] = "",
    as_json: Json = False,
) -> None:
    """Counts, spans, density, lengths, repeats and ties, checked against the published counts."""
    _start_backend()
    from recmodels.data.card import data_card as make_card
    from recmodels.experiments.showcase import open_log

    log, _ = open_log(name, parse_columns(columns))
    card = make_card(log)
    _print(card.to_dict() if as_json else card, as_json)


def parse_columns(text: str) -> dict[str, str]:
    """`'user=uid,item=sku'` as a dict.

    Raises:
        ValueError: a part is not `role=column`, or the role is none that `read_events` takes.
    """
    roles = ("user", "item", "timestamp", "action", "duration", "value", "order")
    parts = [part.split("=", 1) for part in text.split(",") if part.strip()]
    for part in parts:
        if len(part) != 2 or part[0].strip() not in roles:
            raise ValueError(
                f"`columns` must be written role=column,role=column with roles {roles}. "
                f"Received: columns={text!r}"
            )
    return {role.strip(): column.strip() for role, column in parts}


def bundle_in(folder: Path) -> Path:
    """The bundle of a run's folder, or the folder itself."""
    return folder / "bundle" if (folder / "bundle").is_dir() else folder


def _print(content, as_json: bool) -> None:
    """JSON with `as_json`; otherwise text, a dict as aligned lines."""
    if as_json:
        content = json.dumps(content, indent=1, ensure_ascii=False)
    elif isinstance(content, dict):
        content = "\n".join(f"{name:24} {value}" for name, value in content.items())
    typer.echo(content)


def main() -> None:
    """Run the command; what a user can mend is one line, not a traceback."""
    try:
        app()
    except (ValueError, OSError, FloatingPointError) as error:
        typer.echo(f"recmodels: {error}", err=True)
        sys.exit(2)
    except SystemExit as ended:
        if ended.code == STOPPED:
            typer.echo(
                "recmodels: stopped. Training goes on at its last finished epoch when the same "
                "command is typed again.",
                err=True,
            )
        raise


@contextlib.contextmanager
def _quietly():
    """Keep native libraries from writing to standard error; what they wrote is shown on failure.

    TensorFlow's C++ part writes its start-up notes past Python, before it reads any setting.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            notes.seek(0)
            os.write(kept, notes.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _start_backend() -> None:
    """Import Keras with its backend, and find the devices."""
    with _quietly():
        import keras

        keras.ops.zeros(1)
