"""Train the seeds of an experiment and keep what they found."""

from collections.abc import Sequence
from pathlib import Path

import keras

from recmodels.data.files import locked
from recmodels.data.interactions import Interactions
from recmodels.experiments.entry import RATING_PROTOCOLS, Experiment
from recmodels.experiments.rating_results import store_rating_run
from recmodels.experiments.rating_run import run_rating_split
from recmodels.experiments.results import seeds_so_far, store_run
from recmodels.experiments.run import (
    Run,
    item_categories,
    measure_ceiling,
    open_log,
    prepare_experiment,
    run_seed,
)
from recmodels.experiments.stored import files_of
from recmodels.features.histories import build_histories
from recmodels.features.sequences import SequenceData
from recmodels.models.popularity import MostPopular
from recmodels.recommend.recommender import Recommender


class UnexpectedResult(ValueError):
    """A run that did not reproduce what its experiment promises."""


def train_and_store(
    experiment: Experiment, seeds: Sequence[int], runs: Path, results: Path
) -> dict:
    """Run seeds one after the other; each is stored as soon as it is finished.

    Args:
        experiment: what to run.
        seeds: which.
        runs: `NAME/seed-N/` in it gets the checkpoint and, for neural models, the bundle.
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
    if experiment.protocol in RATING_PROTOCOLS:
        return _train_rating_splits(experiment, seeds, log, results)
    data = prepare_experiment(experiment, log)
    categories = item_categories(log, data)
    surprises = []
    for seed in seeds:
        folder = runs / experiment.name / f"seed-{seed}"
        run = run_seed(
            experiment, seed, data, checkpoint=folder / "checkpoint.npz", categories=categories
        )
        ceiling = None if shop is None else measure_ceiling(shop, data).metrics
        result = store_run(run, results, ceiling)
        if isinstance(run.model, keras.Model):  # Counted ones and sums are made again in no time.
            save_bundle_of(run, log, data, folder / "bundle")
        found = experiment.surprises(run.test.warm_metrics)
        surprises += [f"seed {seed}: {sentence}" for sentence in found]
    _refuse(experiment, surprises)
    return result


def _train_rating_splits(
    experiment: Experiment, seeds: Sequence[int], log: Interactions, results: Path
) -> dict:
    """The same under the rating protocols, where a seed may have its own split."""
    surprises = []
    for seed in seeds:
        run = run_rating_split(experiment, seed, log)
        result = store_rating_run(run, results, log.num_users)
        found = experiment.surprises(result["runs"][str(seed)]["test"]["metrics"])
        surprises += [f"seed {seed}: {sentence}" for sentence in found]
    _refuse(experiment, surprises)
    return result


def _refuse(experiment: Experiment, surprises: list[str]) -> None:
    if surprises:
        raise UnexpectedResult(f"{experiment.name}: {'; '.join(surprises)}. It is stored.")


def save_bundle_of(
    run: Run, log: Interactions, data: SequenceData, folder: Path, config: dict | None = None
) -> Recommender:
    """Write a trained model as a bundle, with more to remember in `config`, and return it.

    It knows all that the users of the training part have done up to the end of the log.
    """
    experiment = run.experiment
    recommender = Recommender(
        run.model,
        data.vocabulary,
        items=log.items,
        filter_seen=experiment.filter_seen,
        fallback=MostPopular().fit(data.train, data.num_items),
        name=experiment.name,
        histories=build_histories(log, data.vocabulary, data.train.users),
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
