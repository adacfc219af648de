"""The named experiments behind every table."""

import difflib
from dataclasses import replace

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
from recmodels.experiments.start_catalogue import START_ENTRIES
from recmodels.experiments.text_catalogue import ENCODERS, TEXT_ENTRIES

SEEDS = (0, 1, 2)
# The best published row of the same model and loss, with where it was printed.
PUBLISHED = {
    "sasrec, softmax, on ml-1m": {
        "ndcg@10": 0.1902,
        "hr@10": 0.3181,
        "source": "LRURec paper, WSDM 2024, table 3",
    },
    "sasrec, bce, on ml-1m": {
        "ndcg@10": 0.1341,
        "hr@10": 0.2500,
        "source": "Klenitskiy and Vasilev, RecSys 2023",
    },
    "sasrec, gbce, on ml-1m": {
        "ndcg@10": 0.1726,
        "hr@10": 0.3003,
        "source": "Petrov and Macdonald, RecSys 2023",
    },
    "sasrec, softmax, on sports": {
        "ndcg@10": 0.0318,
        "hr@10": 0.0539,
        "source": "Li-fAngyU/sequential_rec, log of one run",
    },
    "sasrec, softmax, on beauty": {
        "ndcg@10": 0.0568,
        "hr@10": 0.0923,
        "source": "Li-fAngyU/sequential_rec, log of one run",
    },
}
# What `tune` may change; the same number of trials for every model.
SASREC_SPACE = {
    "dropout": (0.1, 0.6),
    "num_heads": [1, 2, 4],
    "hidden_width": [64, 128, 256],
    "learning_rate": (3e-4, 3e-3, "log"),
}
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
ML_1M_SASREC = {
    "max_length": 200,
    "width": 64,
    "num_blocks": 2,
    "num_heads": 2,
    "hidden_width": 256,
    "dropout": 0.2,
}
ML_1M_TRAINING = {
    "windows": "all",
    "batch_size": 16,
    "epochs": 40,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "warmup": 400,
    "average": 0.999,
    "validate_every": 2,
    "patience": None,
}
BEAUTY_SASREC = {**ML_1M_SASREC, "max_length": 50, "dropout": 0.5}
BEAUTY_TRAINING = {**ML_1M_TRAINING, "learning_rate": 3e-3, "epochs": 30, "validate_every": 5}
ML_100K_TRAINING = {
    **ML_1M_TRAINING,
    "epochs": 12,
    "learning_rate": 1e-3,
    "warmup": 100,
    "average": 0.99,
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


def _sasrec(
    dataset: str,
    loss: str,
    minutes: float,
    published: str | None = None,
    suffix: str = "",
    **training,
) -> Experiment:
    on_ml_1m = dataset == "ml-1m-sasrec"
    return Experiment(
        name=f"{dataset}-{loss.removeprefix('full_')}{suffix}",
        dataset=dataset,
        model="sasrec",
        options=ML_1M_SASREC if on_ml_1m else BEAUTY_SASREC,
        fit={**(ML_1M_TRAINING if on_ml_1m else BEAUTY_TRAINING), "loss": loss, **training},
        seeds=SEEDS,
        minutes=minutes,
        published=PUBLISHED[published] if published else {},
        space=SASREC_SPACE,
    )


def _twenty_passes() -> list[Experiment]:
    """The retrieval task over the same tower, in half the passes, and what it is compared with.

    The first entry has a copy with vectors of the titles added to those of the ids.
    """
    most = {"max_positions": 3200, "epochs": 20}  # All positions of 16 windows of 200.
    losses = ("in_batch", "in_batch_uncorrected")
    in_batch = [_sasrec("ml-1m-sasrec", loss, 20, **most) for loss in losses]
    ids = _sasrec("ml-1m-sasrec", "full_softmax", 10, suffix="-20", epochs=20)
    texts = replace(ids, item_text=ENCODERS, slices=True, seeds=SEEDS[:1])
    return [ids, replace(texts, name="ml-1m-text-ids-minilm"), *in_batch]


def _gru4rec_on_ml_1m() -> Experiment:
    """GRU4Rec with the training of `ml-1m-sasrec-softmax-20`."""
    sasrec = _sasrec("ml-1m-sasrec", "full_softmax", 20, epochs=20)
    sizes = {"max_length": 200, "width": 128, "num_blocks": 1, "dropout": 0.3}
    published = {"ndcg@10": 0.1693, "hr@10": 0.2962, "source": "LRURec, WSDM 2024, table 3"}
    return replace(
        sasrec, name="ml-1m-gru4rec", model="gru4rec", options=sizes, space={},
        published=published,
    )  # fmt: skip


def _mixed_precision() -> Experiment:
    """The first row again with products of bfloat16, where the processor has them."""
    entry = _sasrec("ml-1m-sasrec", "full_softmax", 14, suffix="-bfloat16")
    return replace(entry, options={**entry.options, "dtype": "mixed_bfloat16"})


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


def _baselines(dataset: str) -> list[Experiment]:
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


def _temporal(
    name: str, options: dict, minutes: float = 0.1, model: str | None = None, **entry
) -> Experiment:
    """Trained once on ML-100K, before a cut in time, and asked for the next film of each user."""
    space = SASREC_SPACE if name == "sasrec" else BASELINE_SPACES.get(name, {})
    return ml_100k("temporal", name, model or name, options, minutes, space=space, **entry)


# What `recmodels run` compares with the model, on any log: label to model and options.
SHOWN_BASELINES: dict[str, tuple[str, dict]] = {
    "random": ("random", {}),
    "popularity": ("popularity", {}),
    "repeat last": ("repeat-last", {}),
    "Markov chain": ("markov", {}),
    "ItemKNN": ("item-knn", {}),
}
_ENTRIES = [
    _sasrec("ml-1m-sasrec", "full_softmax", 18, "sasrec, softmax, on ml-1m"),
    _sasrec("ml-1m-sasrec", "bce", 14, "sasrec, bce, on ml-1m", num_negatives=1),
    _sasrec("ml-1m-sasrec", "gbce", 15, "sasrec, gbce, on ml-1m", num_negatives=256),
    _sasrec("ml-1m-sasrec", "sampled_softmax", 12, num_negatives=512),
    _mixed_precision(),
    *_twenty_passes(),
    _gru4rec_on_ml_1m(),
    _sasrec("beauty", "full_softmax", 6, "sasrec, softmax, on beauty"),
    _recipe("beauty", 4, slices=True),
    _recipe("sports", 6),
    _shop("shop"),
    _shop("shop-deterministic"),
    _recipe("shop", 2, filter_seen=False),
    _recipe("shop-deterministic", 2, filter_seen=False),
    *_baselines("ml-1m-sasrec"),
    *_baselines("beauty"),
    *_baselines("sports"),
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
