"""The named experiments behind every table."""

import difflib
from dataclasses import replace

from recmodels.experiments.baselines_catalogue import BASELINE_ENTRIES, BASELINE_SPACES
from recmodels.experiments.columns_catalogue import COLUMN_ENTRIES
from recmodels.experiments.entry import Experiment
from recmodels.experiments.event_catalogue import EVENT_ENTRIES
from recmodels.experiments.expected import EXPECTED
from recmodels.experiments.families_catalogue import FAMILY_ENTRIES
from recmodels.experiments.rating_catalogue import (
    JOINT,
    JOINT_TOWERS,
    NEIGHBOURS,
    RATING_ENTRIES,
    RETRIEVAL,
    TOWERS,
    TUTORIAL,
    ml_100k,
)
from recmodels.experiments.sasrec_catalogue import (
    ML_1M_SASREC,
    ML_1M_TRAINING,
    PUBLISHED,
    SASREC_ENTRIES,
    SASREC_SPACE,
    SEEDS,
)
from recmodels.experiments.start_catalogue import START_ENTRIES
from recmodels.experiments.text_catalogue import TEXT_ENTRIES

ML_100K_TRAINING = {
    **ML_1M_TRAINING,
    "epochs": 12,
    "learning_rate": 1e-3,
    "warmup": 100,
    "average": 0.99,
}


def _shop(dataset: str) -> Experiment:
    return Experiment(
        name=f"{dataset}-softmax",
        dataset=dataset,
        model="sasrec",
        options={"max_length": 50, "width": 64, "num_blocks": 2, "num_heads": 1, "dropout": 0.1},
        fit={
            "windows": "all",
            "batch_size": 16,
            "epochs": 20,
            "learning_rate": 4e-3,
            "schedule": "cosine",
            "warmup": 200,
            "average": 0.99,
            "validate_every": 2,
            "patience": None,
        },
        filter_seen=False,
        seeds=SEEDS,
        minutes=2,
    )


def _recipe(dataset: str, minutes: float, **settings) -> Experiment:
    """SASRec without a setting: all follow from the log."""
    return Experiment(
        name=f"{dataset}-recipe",
        dataset=dataset,
        model="sasrec",
        seeds=SEEDS,
        minutes=minutes,
        published=PUBLISHED.get(f"sasrec, softmax, on {dataset}", {}),
        **settings,
    )


def _temporal(
    name: str, options: dict, minutes: float = 0.1, model: str | None = None, **entry
) -> Experiment:
    """Trained once on ML-100K, before a cut in time, and asked for the next film of each user."""
    space = SASREC_SPACE if name == "sasrec" else BASELINE_SPACES.get(name, {})
    return ml_100k("temporal", name, model or name, options, minutes, space=space, **entry)


_ENTRIES = [
    *SASREC_ENTRIES,
    _recipe("beauty", 4, slices=True),
    _recipe("sports", 6),
    _shop("shop"),
    _shop("shop-deterministic"),
    _recipe("shop", 2, filter_seen=False),
    _recipe("shop-deterministic", 2, filter_seen=False),
    *BASELINE_ENTRIES,
    _temporal("popularity", {}),
    _temporal("recent-popularity", {}),
    # The best of ten trials each: results/tuning.
    _temporal("markov", {"smoothing": 44.0}),
    _temporal("item-knn", {"neighbours": 50, "shrinkage": 5.4, "decay": 0.72}),
    _temporal("ease", {"regularisation": 630.0, "decay": 0.86}),
    _temporal("sasrec", ML_1M_SASREC | {"num_heads": 4, "dropout": 0.21}, 1, fit=ML_100K_TRAINING),
    _temporal("tutorial", {"width": 32}, 0.5, "two-tower", fit=TUTORIAL),
    _temporal("two-tower", TOWERS, 0.5, "two-tower", fit=RETRIEVAL),
    _temporal(
        "two-tower-ease", TOWERS, 0.5, "two-tower", fit=RETRIEVAL, ensemble_with=(NEIGHBOURS,)
    ),
    _temporal("joint", JOINT_TOWERS, 1, "two-tower", fit=JOINT),
    *RATING_ENTRIES,
    *EVENT_ENTRIES,
    *COLUMN_ENTRIES,
    *START_ENTRIES,
    *TEXT_ENTRIES,
    *FAMILY_ENTRIES,
]
EXPERIMENTS: dict[str, Experiment] = {
    entry.name: replace(entry, expected={"ndcg@10": EXPECTED[entry.name]})
    if entry.name in EXPECTED
    else entry
    for entry in _ENTRIES
}


def find_experiment(name: str) -> Experiment:
    """The experiment of a name, or a `ValueError` with the names that were meant."""
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    near = difflib.get_close_matches(name, EXPERIMENTS, n=3)
    meant = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(EXPERIMENTS)}."
    raise ValueError(f"`name` is no experiment. {meant} Received: name={name!r}")
