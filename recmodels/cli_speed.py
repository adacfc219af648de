"""Commands that measure speed, or reckon it beforehand."""

from pathlib import Path
from typing import Annotated

import typer

from recmodels.cli_common import Json, Results, Runs, listed, show, start_backend


def estimate(name: str, as_json: Json = False) -> None:
    """Say what a seed of a named experiment will cost in seconds and memory, in half a minute."""
    start_backend()
    from recmodels.experiments.catalogue import find_experiment
    from recmodels.experiments.estimate import describe_estimate
    from recmodels.experiments.estimate import estimate as measure

    found = measure(find_experiment(name))
    show(found.to_dict() if as_json else describe_estimate(found), as_json)


def bench(
    dataset: str = "ml-1m-sasrec",
    contenders: Annotated[str, typer.Option(help="With commas; by default all of them.")] = "",
    rounds: Annotated[int, typer.Option(help="Epochs of each contender.", min=1)] = 3,
    runs: Runs = Path("runs"),
    results: Results = Path("results"),
    as_json: Json = False,
) -> None:
    """Time an epoch of ours against plain PyTorch and RecTools, in turns; store bench.json."""
    start_backend()
    from recmodels.experiments.bench import CONTENDERS, describe_bench
    from recmodels.experiments.bench import bench as measure

    names = [name.strip() for name in contenders.split(",") if name.strip()] or CONTENDERS
    found = measure(dataset, names, rounds=rounds, runs=runs, results=results)
    show(found if as_json else describe_bench(found), as_json)


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
    from recmodels.experiments.catalogue import find_experiment
    from recmodels.experiments.race import describe_race
    from recmodels.experiments.race import race as measure

    goals, chosen = listed(targets, float, "targets"), listed(seeds, int, "seeds")
    found = measure(find_experiment(name), goals, chosen, runs=runs, results=results)
    show(found if as_json else describe_race(found), as_json)


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
        from recmodels.experiments.large import describe_large, train_large

        found = train_large(results=results)
        show(found if as_json else describe_large(found), as_json)
        return
    if models:
        from recmodels.experiments.throughput import describe_throughput, throughput

        found = throughput(results=results)
        show(found if as_json else describe_throughput(found), as_json)
        return
    from recmodels.experiments.scaling import describe_scaling, draw_scaling, scaling

    found = scaling(results=results)
    draw_scaling(found, runs / "scaling.png")
    show(found if as_json else describe_scaling(found), as_json)
