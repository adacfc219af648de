"""How long from the start of a process until its training reaches a validation score."""

import re
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recmodels.data.files import locked, write_json
from recmodels.experiments.entry import Experiment
from recmodels.experiments.memory import peak_gib
from recmodels.experiments.run import versions
from recmodels.experiments.stored import read_json
from recmodels.threads import usable_cores

MEASURE = "ndcg@10"
_PROGRESS = re.compile(rf"epoch \d+/\d+ .*{MEASURE} (\d\.\d+)")


def race(
    experiment: Experiment,
    targets: Sequence[float],
    seeds: Sequence[int],
    *,
    runs: Path = Path("runs"),
    results: Path = Path("results"),
) -> dict:
    """Train seeds, each in a process of its own, and note when targets are reached.

    A training that has reached them all is stopped; `recmodels train` with the same `runs` goes
    on where it was.

    Args:
        experiment: of a sequence model.
        targets: validation NDCG@10.
        seeds: which; each one's times are stored as soon as it is done.
        runs, results: as `recmodels train` has them; `bench.json` in `results` gets the times,
            under `races` and the name of the experiment.

    Returns:
        What is stored: see `summarise_race`.

    Raises:
        ValueError: a seed has a checkpoint in `runs` already, so that its start is long past.
        RuntimeError: a training failed.
    """
    for seed in seeds:
        folder = runs / experiment.name / f"seed-{seed}"
        if folder.exists():
            raise ValueError(
                "`runs` holds a training of this seed that would be continued, not begun: choose "
                f"another folder or delete it. Received: {folder}"
            )
    for seed in seeds:
        command = [sys.executable, "-m", "recmodels", "train", experiment.name]
        command += ["--seed", str(seed), "--runs", str(runs), "--results", str(results)]
        row = follow(command, targets)
        with locked(results / "bench.json"):
            stored = read_json(results / "bench.json")
            races = stored.setdefault("races", {})
            known = races.get(experiment.name, {}).get("seeds", {})
            races[experiment.name] = summarise_race({**known, str(seed): row})
            write_json(results / "bench.json", stored)
    return stored_races(results)[experiment.name]


def follow(command: list[str], targets: Sequence[float]) -> dict:
    """Run a training until it reaches all targets, or to its end; pass its progress on.

    Returns:
        Seconds by target in `reached`, `seconds` in all, `best` score, and `peak_gib` of memory,
        the most any training followed so far has held.
    """
    began = time.perf_counter()
    reached, best = {}, 0.0
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        for line in process.stderr:
            sys.stderr.write(line)
            score = _PROGRESS.search(line)
            if score:
                best = max(best, float(score[1]))
                for target in targets:
                    if float(score[1]) >= target:
                        reached.setdefault(f"{target:g}", round(time.perf_counter() - began, 1))
            if len(reached) == len(targets):
                process.terminate()
                break
    if process.returncode and len(reached) < len(targets):
        raise RuntimeError(f"A training failed, see its words above: {' '.join(command)}")
    seconds = round(time.perf_counter() - began, 1)
    peak = round(peak_gib(resource.RUSAGE_CHILDREN), 3)
    return {"reached": reached, "seconds": seconds, "best": best, "peak_gib": peak}


def summarise_race(seeds: dict[str, dict]) -> dict:
    """Every seed's row in `seeds`, `cores`, `versions` and `medians`.

    `medians` has the median of the seconds to each target that all seeds reached.
    """
    rows = [row["reached"] for row in seeds.values()]
    targets = sorted(set.intersection(*map(set, rows)))
    medians = {target: float(np.median([row[target] for row in rows])) for target in targets}
    return {"seeds": seeds, "medians": medians, "cores": usable_cores(), "versions": versions()}


def stored_races(results: Path) -> dict[str, dict]:
    """What `bench.json` holds of each experiment that was timed, by its name."""
    return read_json(results / "bench.json").get("races", {})


def describe_race(name: str, result: dict) -> str:
    """The result of `race` for an experiment as plain text."""
    lines = [f"{name} on {result['cores']} cores"]
    for seed, row in sorted(result["seeds"].items()):
        times = ", ".join(f"{t} after {s:.0f} s" for t, s in sorted(row["reached"].items()))
        lines.append(
            f"  seed {seed}: {times or 'no target reached'}; {MEASURE} {row['best']:.4f} at best, "
            f"{row['seconds']:.0f} s in all, {row['peak_gib']:.2f} GiB"
        )
    medians = (f"  median: {t} after {s:.0f} s" for t, s in result["medians"].items())
    return "\n".join([*lines, *medians])
