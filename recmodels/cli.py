"""The `recmodels` command."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from recmodels.cli_common import (
    LARGEST_SEED,
    Json,
    Results,
    Runs,
    Seed,
    bundle_in,
    launch_again,
    no_results,
    parse_columns,
    parse_rules,
    show,
    start_backend,
)  # fmt: skip
from recmodels.cli_predict import predict, predict_text
from recmodels.cli_scale import prepare, score
from recmodels.data.text import visible
from recmodels.log_filters import hide_native_logs

# Before TensorFlow is imported: its start-up notes are not about the user's work.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

STOPPED = 130  # What a shell calls a command that Ctrl-C ended.

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
data_app = typer.Typer(no_args_is_help=True, help="List and describe data sets.")
app.add_typer(data_app, name="data")


@app.callback()
def recmodels() -> None:
    """Sequential recommendation for teaching, reliable evaluation and reproducible results."""


@app.command()
def run(
    dataset: Annotated[
        str, typer.Option(help="Name of a data set, or a file or folder of events.")
    ] = "shop",
    columns: Annotated[
        str, typer.Option(help="Columns of a file: 'user=uid,item=sku,timestamp=ts'.")
    ] = "",
    families: Annotated[
        str, typer.Option(help="Models to compare, with commas: 'markov,gru4rec,sasrec'.")
    ] = "",
    minutes: Annotated[
        float | None,
        typer.Option(help="Time budget; encoders are made smaller or left out to keep it."),
    ] = None,
    runs: Runs = Path("runs"),
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Compare models on a log, save the best as a bundle and write a report.

    A run that was stopped continues when the same command is run again.
    """
    typer.echo("Starting TensorFlow takes some seconds.", err=True)
    start_backend()
    from recmodels.experiments.html_report import write_report
    from recmodels.experiments.quickstart import quickstart
    from recmodels.experiments.report import describe_quickstart, quickstart_to_dict
    from recmodels.experiments.run_folder import run_folder

    folder = run_folder(runs, dataset)
    result = quickstart(
        dataset,
        parse_columns(columns),
        folder,
        seed=seed,
        families=[name.strip() for name in families.split(",") if name.strip()] or None,
        minutes=minutes,
        command=shlex.join(["recmodels", *sys.argv[1:]]),
    )
    report = write_report(result, folder)
    show(quickstart_to_dict(result) if as_json else describe_quickstart(result), as_json)
    typer.echo(f"\nReport: {report}    Bundle: {folder / 'bundle'}", err=as_json)


@app.command()
def train(
    name: str,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=LARGEST_SEED, help="One seed; by default all of them."),
    ] = None,
    runs: Runs = Path("runs"),
    results: Results = Path("results"),
    processes: Annotated[
        int, typer.Option(help="Processes of this machine that share each batch, with JAX.")
    ] = 1,
    table_by_rows: Annotated[
        bool,
        typer.Option("--table-by-rows", help="Give each process a part of the item table instead."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Train an experiment, measure it on its test cases and store the result and the bundle.

    A run that was stopped continues when the same command is run again.
    """
    if processes > 1 and launch_again(processes):
        return
    start_backend(table_by_rows)
    from recmodels.experiments.catalogue import find_experiment
    from recmodels.experiments.train import train_and_store

    experiment = find_experiment(name)
    seeds = experiment.seeds if seed is None else (seed,)
    typer.echo(f"{name}: about {experiment.minutes:g} minutes per seed on two cores", err=True)
    result = train_and_store(experiment, seeds, runs, results)
    show(result["metrics"], as_json)


@app.command()
def tune(
    name: str,
    trials: Annotated[int, typer.Option(min=1)] = 20,
    seed: Seed = 0,
    runs: Runs = Path("runs"),
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Search for the options of an experiment with the best validation score, without test data."""
    start_backend()
    from recmodels.experiments.catalogue import find_experiment
    from recmodels.experiments.tune import tune as search

    result = search(find_experiment(name), trials=trials, seed=seed, runs=runs, results=results)
    show(result if as_json else result["best"], as_json)


@app.command()
def estimate(
    name: Annotated[str, typer.Argument(help="Name of an experiment, or a file of events.")],
    columns: Annotated[str, typer.Option(help="Columns of a file, as for `run`.")] = "",
    as_json: Json = False,
) -> None:
    """Estimate the time and memory of a training from measurements of half a minute."""
    start_backend()
    from recmodels.data.registry import open_log
    from recmodels.experiments.catalogue import find_experiment
    from recmodels.experiments.estimate import describe_estimate, estimate_of_log
    from recmodels.experiments.quickstart import estimate_file

    if Path(name).exists():
        result = estimate_file(name, parse_columns(columns))
    else:
        experiment = find_experiment(name)
        result = estimate_of_log(experiment, open_log(experiment.dataset, {})[0])
    show(result.to_dict() if as_json else describe_estimate(result), as_json)


@app.command()
def evaluate(folder: Path, as_json: Json = False) -> None:
    """Measure a bundle again on the test cases of the data it was trained on."""
    start_backend()
    from recmodels.experiments.report import evaluate_bundle

    show(evaluate_bundle(bundle_in(folder)), as_json)


@app.command()
def recommend(
    folder: Path,
    history: Annotated[
        str | None, typer.Option(help="Raw item ids, oldest first, separated by commas.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="Raw id of a known user, instead of a history.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Length of the list.")] = 10,
    exclude: Annotated[str, typer.Option(help="Raw ids to leave out, separated by commas.")] = "",
    only: Annotated[
        str | None, typer.Option(help="Raw ids to choose from, separated by commas.")
    ] = None,
    rules: Annotated[
        str | None,
        typer.Option(help='Rules as JSON, or a JSON file: \'[{"rule": "AtMost", "most": 2}]\'.'),
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="Add a reason for each item.")] = False,
    as_json: Json = False,
) -> None:
    """Recommend items from a bundle, after a history of raw item ids or for a known user."""
    start_backend()
    from recmodels.recommend.raw_ids import typed_ids
    from recmodels.recommend.recommender import Recommender

    recommender = Recommender.load(bundle_in(folder))
    items = recommender.vocabulary.raw_ids
    users = items if recommender.histories is None else recommender.histories.users
    answer = recommender.recommend(
        None if history is None else typed_ids(history.split(","), items),
        k,
        typed_ids(exclude.split(","), items),
        None if only is None else typed_ids(only.split(","), items),
        user=None if user is None else (typed_ids([user], users) or [user])[0],
        rules=None if rules is None else parse_rules(rules),
        explain=why,
    )
    show(answer.to_dict() if as_json else answer, as_json)


app.command()(predict)
app.command("predict-text")(predict_text)
app.command()(prepare)
app.command()(score)


@app.command()
def export(
    folder: Path,
    out: Annotated[Path, typer.Argument(help="Output folder, or output file with --lite.")],
    lite: Annotated[bool, typer.Option(help="Export only the encoder, for LiteRT.")] = False,
) -> None:
    """Export a bundle to a SavedModel for TensorFlow alone, with raw ids in and out."""
    start_backend()
    from recmodels.recommend.export import export_lite, export_saved_model
    from recmodels.recommend.recommender import Recommender

    recommender = Recommender.load(bundle_in(folder))
    with hide_native_logs():
        written = (export_lite if lite else export_saved_model)(recommender, out)
    typer.echo(written)


@app.command()
def table(
    results: Results = Path("results"),
    write: Annotated[
        list[Path] | None, typer.Option(help="File whose tables are updated; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print all stored results with the published numbers."""
    start_backend()
    from recmodels.experiments.rows import table_rows
    from recmodels.experiments.tables import markdown_table, write_into

    rows = table_rows(results)
    if not rows:
        typer.echo(no_results(results), err=True)
    for page in write or ():
        write_into(page, rows)
    show(rows if as_json else markdown_table(rows), as_json)


@data_app.command("list")
def data_list(as_json: Json = False) -> None:
    """List the known data sets."""
    from recmodels.data.registry import SOURCES

    rows = {name: source.summary for name, source in SOURCES.items()}
    show(rows if as_json else "\n".join(f"{n:16} {s}" for n, s in rows.items()), as_json)


@data_app.command("card")
def data_card(
    name: str,
    columns: Annotated[
        str, typer.Option(help="Columns of a file: 'user=uid,item=sku,dayfirst=true'.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Print the properties of a log, and compare them with published counts."""
    from recmodels.data.card import data_card as make_card
    from recmodels.data.registry import open_log

    log, _ = open_log(name, parse_columns(columns))
    card = make_card(log)
    show(card.to_dict() if as_json else card, as_json)


def main() -> None:
    """Run the command; print errors that a user can correct as one line, without a traceback."""
    try:
        app()
    except (ValueError, OSError, FloatingPointError, ImportError) as error:
        typer.echo(f"recmodels: {visible(error)}", err=True)
        sys.exit(2)
    except SystemExit as ended:
        if ended.code == STOPPED:
            typer.echo(
                "recmodels: stopped. Finished epochs and steps are kept: the same command "
                "continues after them.",
                err=True,
            )
        raise
