"""The commands for logs and jobs that are too large for one process."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from recmodels.cli_common import Json, bundle_in, launch_again, parse_columns, show, start_backend


def prepare(
    source: Annotated[str, typer.Argument(help="File, folder or pattern of CSV, JSON or Parquet.")],
    out: Annotated[Path, typer.Argument(help="Folder of the result.")],
    engine: Annotated[
        str | None,
        typer.Option(help="pandas, duckdb or spark; by default duckdb from a million rows on."),
    ] = None,
    columns: Annotated[
        str, typer.Option(help="Columns of the source: 'user=uid,item=sku,timestamp=ts,unit=ms'.")
    ] = "",
    user_core: Annotated[int, typer.Option(help="Least number of events per user.")] = 5,
    item_core: Annotated[int, typer.Option(help="Least number of events per item.")] = 5,
    shards: Annotated[int, typer.Option(help="Number of files of the result.")] = 16,
    memory: Annotated[str | None, typer.Option(help="Memory limit of DuckDB, such as 4GB.")] = None,
    as_json: Json = False,
) -> None:
    """Clean a log of any size and write the sequences of all users in Parquet shards.

    A preparation that was stopped continues when the same command is run again.
    """
    from recmodels.data.errors import require
    from recmodels.scale.preparation import Preparation
    from recmodels.scale.prepare import prepare_shards

    given, known = parse_columns(columns), ("user", "item", "timestamp", "unit")
    must = f"`columns` must name {known} only: shards hold nothing else"
    require(given.keys() <= set(known), must, columns=columns)
    preparation = Preparation(**given, user_core=user_core, item_core=item_core, shards=shards)
    manifest = prepare_shards(source, out, preparation, engine=engine, memory=memory)
    summary = {**manifest["counts"], "digest": manifest["digest"], **manifest["leaks"]}
    show(manifest if as_json else summary, as_json)


def score(
    bundle: Annotated[Path, typer.Argument(help="Folder of a bundle.")],
    shards: Annotated[Path, typer.Argument(help="Result of `recmodels prepare`.")],
    out: Annotated[Path, typer.Argument(help="Folder of the lists.")],
    k: Annotated[int, typer.Option("-k", help="Length of the lists.")] = 10,
    processes: Annotated[int, typer.Option(help="Processes that share the shards.")] = 1,
    as_json: Json = False,
) -> None:
    """Write the best items of every user of prepared shards as Parquet files.

    A scoring that was stopped continues when the same command is run again.
    """
    if processes < 2 or not launch_again(processes, joined=False):
        start_backend(joined=False)
        from recmodels.data.atomic_dir import SUMS
        from recmodels.recommend.recommender import Recommender
        from recmodels.scale.score import score_shards
        from recmodels.training.processes import process_count, process_rank

        folder = bundle_in(bundle)
        part = process_rank(), process_count()
        recommender = Recommender.load(folder)  # First: it says what is wrong with a folder.
        identity = hashlib.sha256((folder / SUMS).read_bytes()).hexdigest()
        score_shards(recommender, shards, out, k, part=part, identity=identity)
        if process_count() > 1:
            return
    from recmodels.scale.score import finish_scores

    show(finish_scores(shards, out), as_json)
