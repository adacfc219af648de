"""The commands `bench`, `race`, `scale` and `memory`: speed, and what models remember."""

from pathlib import Path
from typing import Annotated

import typer

from recmodels.cli_common import Json, Results, Runs, listed, show, start_backend

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    dataset: str = "ml-1m-sasrec",
    competitors: Annotated[str, typer.Option(help="With commas; by default all of them.")] = "",
    rounds: Annotated[int, typer.Option(help="Epochs of each competitor.", min=1)] = 3,
    runs: Runs = Path("runs"),
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Time an epoch of ours against plain PyTorch and RecTools, in turns; store bench.json."""
    start_backend()
    from benchmarks.bench import COMPETITORS, describe_bench
    from benchmarks.bench import bench as measure

    names = [name.strip() for name in competitors.split(",") if name.strip()] or COMPETITORS
    result = measure(dataset, names, rounds=rounds, runs=runs, results=results)
    show(result if as_json else describe_bench(result), as_json)


@app.command()
def race(
    name: str = "ml-1m-sasrec-softmax",
    targets: Annotated[str, typer.Option(help="Validation NDCG@10, with commas.")] = "0.18,0.185",
    seeds: Annotated[str, typer.Option(help="With commas.")] = "0,1,2",
    runs: Runs = Path("runs/race"),
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Time trainings from the start of their process to a validation score; into bench.json.

    Each stops when it has reached all targets; `train` with the same `--runs` goes on.
    """
    from benchmarks.race import describe_race
    from benchmarks.race import race as measure
    from recmodels.experiments.catalogue import find_experiment

    goals, chosen = listed(targets, float, "targets"), listed(seeds, int, "seeds")
    result = measure(find_experiment(name), goals, chosen, runs=runs, results=results)
    show(result if as_json else describe_race(name, result), as_json)


@app.command()
def scale(
    large: Annotated[bool, typer.Option(help="An epoch over a million items instead.")] = False,
    models: Annotated[bool, typer.Option(help="Tokens a second of larger models instead.")] = False,
    runs: Runs = Path("runs"),
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Time how cost grows with events, length, catalogue and width; store scaling.json."""
    start_backend()
    if large:
        from benchmarks.large import describe_large, train_large

        result = train_large(results=results)
        show(result if as_json else describe_large(result), as_json)
        return
    if models:
        from benchmarks.throughput import describe_throughput, throughput

        result = throughput(results=results)
        show(result if as_json else describe_throughput(result), as_json)
        return
    from benchmarks.scaling import describe_scaling, draw_scaling, scaling

    result = scaling(results=results)
    draw_scaling(result, runs / "scaling.png")
    show(result if as_json else describe_scaling(result), as_json)


@app.command()
def memory(results: Results = Path("results"), as_json: Json = False) -> None:
    """Train all families on the lag and the copy task; store memory_tasks.json."""
    start_backend()
    from benchmarks.memory_tasks import describe_memory_tasks, memory_tasks

    rows = memory_tasks(results=results)
    show(rows if as_json else describe_memory_tasks(rows), as_json)


distributed = typer.Typer(no_args_is_help=True, help="What outgrows one process; distributed.json.")
app.add_typer(distributed, name="distributed")


@distributed.command()
def prepare(
    events: int,
    engine: str = "duckdb",
    work: Annotated[Path, typer.Option(help="Folder of simulated logs.")] = Path("runs/logs"),
    memory: Annotated[str | None, typer.Option(help="Limit of DuckDB, such as 4GB.")] = None,
    results: Results = Path("results"),
) -> None:
    """Simulate a log and prepare it with one engine."""
    from benchmarks.distributed import measure_preparation

    show(measure_preparation(events, engine, work, results, memory), True)


@distributed.command()
def cluster(
    events: int = 1_000_000,
    work: Annotated[Path, typer.Option(help="Folder of simulated logs.")] = Path("runs/logs"),
    results: Results = Path("results"),
) -> None:
    """Prepare a simulated log on a master and two workers of Spark, started on this machine."""
    from benchmarks.distributed_spark import measure_cluster

    show(measure_cluster(events, work, results), True)


Work = Annotated[Path, typer.Option(help="Folder of trainings; finished ones are not repeated.")]


@distributed.command()
def losses(
    mode: str, work: Work = Path("runs/distributed"), results: Results = Path("results")
) -> None:
    """Compare the losses of two processes with those of one, over 64 steps."""
    from benchmarks.distributed_training import measure_losses

    show(measure_losses(mode, work, results), True)


@distributed.command()
def table(work: Work = Path("runs/distributed"), results: Results = Path("results")) -> None:
    """Measure the memory of two processes with half of the item table each, and of one."""
    from benchmarks.distributed_training import measure_memory

    show(measure_memory(work, results), True)


@distributed.command()
def speed(work: Work = Path("runs/distributed"), results: Results = Path("results")) -> None:
    """Compare an epoch of two processes, with a core each, with that of one."""
    from benchmarks.distributed_training import measure_speed

    show(measure_speed(work, results), True)


@distributed.command()
def restarts(
    seed: int = 0, work: Work = Path("runs/distributed"), results: Results = Path("results")
) -> None:
    """Kill one of two processes ten times, and compare the losses with uninterrupted ones."""
    from benchmarks.distributed_training import measure_restarts

    show(measure_restarts(seed, work, results), True)


@distributed.command()
def scoring(
    events: int = 2_500_000,
    items: Annotated[int | None, typer.Option(help="At most; a fiftieth of the events.")] = None,
    work: Annotated[Path, typer.Option(help="Folder of simulated logs.")] = Path("runs/logs"),
    results: Results = Path("results"),
) -> None:
    """Compare bulk scoring by two processes with that by one."""
    start_backend()
    from benchmarks.distributed import simulate_log
    from benchmarks.distributed_scoring import measure_scoring

    source = simulate_log(work, events, items)
    show(measure_scoring(source, work / f"scoring-{source.name}", results), True)


if __name__ == "__main__":
    app()
