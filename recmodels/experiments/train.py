"""Train the seeds of an experiment and store their results."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from recmodels.data.files import locked
from recmodels.data.interactions import Interactions
from recmodels.data.registry import open_log
from recmodels.data.shop import Shop
from recmodels.data.shop_behaviour import BehaviourShop
from recmodels.experiments.entry import Experiment
from recmodels.experiments.measures import (
    measure_ceiling,
    measure_event_ceiling,
    measure_share_of_ceiling,
)
from recmodels.experiments.results import seeds_so_far, store_run
from recmodels.experiments.run import Run, run_seed, split_log
from recmodels.experiments.stored import files_of
from recmodels.features.histories import build_histories
from recmodels.models.popularity import MostPopular
from recmodels.recommend.recommender import Recommender
from recmodels.training.processes import process_rank


class UnexpectedResult(ValueError):
    """Raised if a run does not reproduce the expected result of its experiment."""


def train_and_store(
    experiment: Experiment, seeds: Sequence[int], runs: Path, results: Path
) -> dict:
    """Run seeds one after the other; each is stored as soon as it is finished.

    Args:
        experiment: what to run.
        seeds: which.
        runs: `NAME/seed-N/` in it gets the checkpoints and, for trained models, the bundle.
        results: `NAME.json` and `per_user/NAME.parquet` are written here.

    Returns:
        The stored result over all seeds so far.

    Raises:
        UnexpectedResult: a seed lies further from `experiment.expected` than it may. Everything
            is stored by then.
        ValueError: what is stored already disagrees with its per-user file.
    """
    with locked(files_of(experiment.name, results)[0]):
        seeds_so_far(experiment, results)  # Before the hours: it may refuse what is stored.
    log, shop = open_log(experiment.dataset, {})
    users = np.sort(log.events["user"].unique())
    out_of_tolerance = []
    for seed in seeds:
        folder = runs / experiment.name / f"seed-{seed}"
        split = split_log(log, experiment.protocol, seed, experiment.split)
        run = run_seed(experiment, seed, split, checkpoint=folder / "checkpoint.npz")
        run, ceiling = compare_with_shop(run, shop)
        if process_rank():  # The first of several processes writes.
            result = {"metrics": run.test.metrics}
            continue
        result = store_run(run, results, ceiling, users)
        if isinstance(run.model, keras.Model):  # Counting models and sums are fast to fit again.
            save_bundle_of(run, log, folder / "bundle")
        sentences = experiment.out_of_tolerance(run.test.warm_metrics)
        out_of_tolerance += [f"seed {seed}: {sentence}" for sentence in sentences]
    if out_of_tolerance:
        raise UnexpectedResult(f"{experiment.name}: {'; '.join(out_of_tolerance)}. It is stored.")
    return result


def compare_with_shop(
    run: Run, shop: Shop | BehaviourShop | None
) -> tuple[Run, dict[str, float] | None]:
    """A run with its share of what can be known, and the metrics of the best possible model.

    Both are known of simulated shops; without one the run stays as it is and there are none.
    """
    if shop is None:
        return run, None
    if not run.experiment.predicts_events:
        return run, measure_ceiling(shop, run.data).metrics
    ceiling = measure_event_ceiling(shop, run.data).metrics
    if run.experiment.task is None:  # A floor itself.
        return run, ceiling
    return replace(run, of_ceiling=measure_share_of_ceiling(run.model, shop, run.data)), ceiling


def save_bundle_of(
    run: Run, log: Interactions, folder: Path, config: dict | None = None
) -> Recommender:
    """Write a trained model as a bundle, with more to remember in `config`, and return it.

    It knows all that the users of the training part have done up to the end of the log.
    """
    experiment, data = run.experiment, run.data
    raw = tuple(name for name in data.train.columns if name not in data.schema)
    log = replace(log, items=data.items)  # With the vectors of texts that the experiment made.
    recommender = Recommender(
        run.model,
        data,
        fallback=MostPopular().fit(data.train, data.num_items),
        name=experiment.name,
        histories=build_histories(
            log, data.vocabulary, data.train.users, raw, data.schema if len(data.schema) else None
        ),
    )
    config = {
        "dataset": experiment.dataset,
        "protocol": experiment.protocol,
        "experiment": experiment.name,
        "seed": run.seed,
        **(config or {}),
    }
    recommender.save(folder, config=config, metrics=run.test.metrics)
    return recommender
