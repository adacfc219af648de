"""The `recmodels` command."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

# Before TensorFlow is imported: its start-up notes are not about the user's work.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command()
def train(
    name: str,
    seed: Annotated[int | None, typer.Option(help="One seed; by default all of them.")] = None,
    runs: Annotated[Path, typer.Option(help="Checkpoints go here.")] = Path("runs"),
    results: Annotated[Path, typer.Option(help="Finished seeds go here.")] = Path("results"),
    as_json: Json = False,
) -> None:
    """Train an experiment, measure it on its test cases and store the result.

    A run that was stopped goes on where it was when the same command is typed again.
    """
    from recmodels.data.registry import load
    from recmodels.experiments.catalogue import find_experiment
    from recmodels.experiments.results import store_run
    from recmodels.experiments.run import item_categories, prepare_experiment, run_seed

    experiment = find_experiment(name)
    log = load(experiment.dataset)
    data = prepare_experiment(experiment, log)
    result = {}
    for one in experiment.seeds if seed is None else (seed,):
        checkpoint = runs / name / f"seed-{one}" / "checkpoint.npz"
        typer.echo(f"{name}, seed {one}: about {experiment.minutes:g} minutes", err=True)
        categories = item_categories(log, data)
        run = run_seed(experiment, one, data, checkpoint=checkpoint, categories=categories)
        result = store_run(run, results)
    _print(result["metrics"], as_json)


def _print(content, as_json: bool) -> None:
    typer.echo(json.dumps(content, indent=1) if as_json else content)


def main() -> None:
    """Run the command; user errors are one line, not a traceback."""
    try:
        app()
    except (ValueError, FileNotFoundError, FloatingPointError) as error:
        typer.echo(f"recmodels: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("\nStopped. The same command goes on after the last finished epoch.", err=True)
        sys.exit(130)
