"""Tune options on validation labels, without access to test labels."""

from pathlib import Path

import optuna

from recmodels.data.files import locked, write_json
from recmodels.data.registry import load
from recmodels.experiments.entry import Experiment, with_options
from recmodels.experiments.run import run_seed, split_log

TRIALS = 20  # For every model of a table alike: equal trials are what makes it fair.


def tune(
    experiment: Experiment,
    *,
    trials: int = TRIALS,
    seed: int = 0,
    runs: Path = Path("runs"),
    results: Path = Path("results"),
) -> dict:
    """Search `experiment.space` for the highest validation score: see `Experiment.choose_by`.

    Every trial is stored as it ends. A search that was stopped continues, to the
    suggestions it would have made. Several processes on one search take turns, trial by trial, and
    make together the trials that one would have made.

    Args:
        experiment: with a `space`.
        trials: in all, those of earlier calls counted.
        seed: of the suggestions and of each training, and of a split that is drawn.
        runs: the folder of the search's database.
        results: `tuning/NAME.json` is written here.

    Returns:
        `best` (the options with the highest score) and `trials`, one row each.

    Raises:
        ValueError: the experiment has nothing to tune.
    """
    if not experiment.space:
        raise ValueError(
            f"`experiment` has no `space` to search. Received: name={experiment.name!r}"
        )
    split = split_log(load(experiment.dataset), experiment.protocol, seed, experiment.split)
    split = split.without_test()
    database = runs / "tuning" / f"{experiment.name}.db"
    with locked(database):
        study = _open_study(experiment, database)
    while True:
        with locked(database):  # For the whole trial: the next suggestion depends on its score.
            summary = _summary(experiment, study)
            number = len(summary["trials"])
            if number:
                write_json(results / "tuning" / f"{experiment.name}.json", summary)
            if number >= trials:
                return summary
            study.sampler = optuna.samplers.TPESampler(seed=seed * 10_007 + number)
            trial = study.ask()
            chosen = suggest(trial, experiment.space)
            run = run_seed(with_options(experiment, chosen), seed, split, verbose=False)
            trial.set_user_attr("options", chosen)
            trial.set_user_attr("seconds", round(run.seconds, 1))
            study.tell(trial, run.score)


def _open_study(experiment: Experiment, database: Path) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        storage=f"sqlite:///{database}",
        study_name=experiment.name,
        direction="maximize",
        load_if_exists=True,
    )


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))


def suggest(trial: optuna.Trial, space: dict) -> dict:
    """One value for each name of a space: see `Experiment.space`."""
    chosen = {}
    for name, choice in space.items():
        if isinstance(choice, list):
            chosen[name] = trial.suggest_categorical(name, choice)
            continue
        low, high, *scale = choice
        draw = trial.suggest_int if isinstance(low, int) else trial.suggest_float
        chosen[name] = draw(name, low, high, log=bool(scale))
    return chosen


def _summary(experiment: Experiment, study: optuna.Study) -> dict:
    measure = experiment.choose_by
    rows = [
        {"trial": t.number, measure: round(t.value, 6), **t.user_attrs} for t in _finished(study)
    ]
    return {
        "experiment": experiment.name,
        "measure": f"validation {measure}",
        "best": max(rows, key=lambda row: row[measure], default=None),
        "trials": rows,
    }
