"""The commands for logs and jobs that are too large for one process."""

from pathlib import Path
from typing import Annotated

import typer

from recmodels.cli_common import Json, show


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
    user_core: Annotated[int, typer.Option(help="Events that every user left has.")] = 5,
    item_core: Annotated[int, typer.Option(help="Events that every item left has.")] = 5,
    shards: Annotated[int, typer.Option(help="Number of files of the result.")] = 16,
    memory: Annotated[str | None, typer.Option(help="Limit of DuckDB, such as 4GB.")] = None,
    as_json: Json = False,
) -> None:
    """Clean a log of any size and write the sequences of all users in Parquet shards.

    A preparation that was stopped continues when the same command is run again.
    """
    from recmodels.cli_common import parse_columns
    from recmodels.scale.preparation import Preparation
    from recmodels.scale.prepare import prepare_shards

    preparation = Preparation(
        **parse_columns(columns), user_core=user_core, item_core=item_core, shards=shards
    )
    manifest = prepare_shards(source, out, preparation, engine=engine, memory=memory)
    summary = {**manifest["counts"], "digest": manifest["digest"], **manifest["leaks"]}
    show(manifest if as_json else summary, as_json)
