"""The named experiments of counted models and of other models without sequences."""

from recmodels.experiments.entry import Experiment

# What `tune` may change; the same number of trials for every model.
BASELINE_SPACES = {
    "markov": {"smoothing": (1.0, 1000.0, "log")},
    "item-knn": {
        "neighbours": [50, 200, 1000, 5000],
        "shrinkage": (0.0, 50.0),
        "decay": (0.3, 1.0),
    },
    "ease": {"regularisation": (50.0, 5000.0, "log"), "decay": (0.5, 1.0)},
    "bpr-mf": {"regularisation": (1e-3, 1e-1, "log"), "learning_rate": (0.01, 0.1, "log")},
}
# Tuned on validation labels with a grid of the same size for each; notebooks/LOG.md has the grids.
TUNED_BASELINES: dict[str, dict[str, tuple[dict, float]]] = {
    "ml-1m-sasrec": {
        "random": ({}, 0.1),
        "popularity": ({}, 0.1),
        "markov": ({"smoothing": 200.0}, 0.1),
        "item-knn": ({"neighbours": 1000, "shrinkage": 0.0, "decay": 0.5}, 0.3),
        "ease": ({"regularisation": 1000.0, "decay": 0.8}, 0.5),
        "bpr-mf": ({"epochs": 20, "regularisation": 0.003}, 2),
    },
    "beauty": {
        "random": ({}, 0.1),
        "popularity": ({}, 0.1),
        "markov": ({"smoothing": 10.0}, 0.1),
        "item-knn": ({"neighbours": 200, "shrinkage": 10.0, "decay": 0.5}, 0.3),
        "ease": ({"regularisation": 500.0, "decay": 0.9}, 3),
        "bpr-mf": ({"epochs": 20, "regularisation": 0.01}, 2),
        "transitions": ({"depth": 4, "decay": 0.5, "backoff": 10.0}, 0.2),
    },
    "sports": {
        "popularity": ({}, 0.1),
        "markov": ({"smoothing": 10.0}, 0.1),
        "item-knn": ({"neighbours": 200, "shrinkage": 10.0, "decay": 0.7}, 0.3),
        "transitions": ({"depth": 4, "decay": 0.5, "backoff": 10.0}, 0.2),
    },
}


def tuned_options(dataset: str, model: str) -> dict:
    """The options of a baseline that were chosen on the validation cases of a data set."""
    return TUNED_BASELINES[dataset][model][0]


def _tuned(dataset: str) -> list[Experiment]:
    return [
        Experiment(
            name=f"{dataset}-{model}",
            dataset=dataset,
            model=model,
            options=options,
            minutes=minutes,
            space=BASELINE_SPACES.get(model, {}),
        )
        for model, (options, minutes) in TUNED_BASELINES[dataset].items()
    ]


BASELINE_ENTRIES = [entry for dataset in TUNED_BASELINES for entry in _tuned(dataset)]
