"""The named experiments on held-out ratings of ML-100K, at random as in tutorials and by time."""

from recmodels.experiments.entry import Experiment

# Each protocol's part of the names, and the seeds of trained models. Under the random split counted
# models have as many, because the seed draws the split too.
CUTS = {
    "temporal": ("temporal", (0, 1, 2)),
    "random-80-20": ("random", (0, 1, 2, 3, 4)),
    "temporal-80-20": ("temporal-80-20", (0, 1, 2)),
}
# The retrieval tutorial of TensorFlow Recommenders, section by section: vectors of 32, Adagrad,
# three passes, TFRS's own loss, a sum over the batch without corrections.
TUTORIAL = {
    "optimiser": "adagrad",
    "learning_rate": 0.1,
    "epochs": 3,
    "batch_size": 8192,
    "summed": True,
    "correct_sampling": False,
    "remove_accidental_hits": False,
}
# Chosen on the validation part of split 0; notebooks/LOG.md says what else was tried.
_COMMON = {"schedule": "cosine", "warmup": 20, "average": 0.95, "patience": None}
TOWERS = {
    "width": 128,
    "user_ids": False,
    "features": True,
    "read_ratings": True,
    "dropout": 0.3,
    "popularity": True,
}
RETRIEVAL = {
    **_COMMON,
    "folds": 10,
    "batch_size": 1024,
    "epochs": 6,
    "learning_rate": 3e-3,
    "validate_every": 2,
}
EASE_ALONE = {"regularisation": 150.0, "decay": 1.0, "user_power": 0.5, "dropout": 0.6}
# Neighbours of what was rated, solved in closed form; about what is in the list already it says
# nothing. What adds most to the towers is not what is best alone.
NEIGHBOURS = {
    "model": "ease",
    "options": {
        "regularisation": 100.0,
        "decay": 1.0,
        "user_power": 0.6,
        "dropout": 0.6,
        "score_seen": False,
    },
    "weight": 0.5,
}
# A linear model and a factorisation are wrong about other films: each adds to the towers.
FACTORS = {
    "model": "als",
    "options": {"width": 32, "regularisation": 0.015, "score_seen": False},
    "weight": 0.5,
}
SETS = {
    "width": 64,
    "user_ids": False,
    "item_ids": False,
    "read_ratings": True,
    "read_raters": True,
    "head": "dot",
    "dropout": 0.3,
}
RATING = {
    **_COMMON,
    "retrieval_weight": 0.0,
    "rating_weight": 1.0,
    "folds": 10,
    "batch_size": 8192,
    "epochs": 12,
    "learning_rate": 4e-3,
    "validate_every": 3,
}
JOINT_TOWERS = {**TOWERS, "width": 96, "read_raters": True, "head": "dot"}
JOINT = {**RETRIEVAL, "rating_weight": 2.0, "folds": 5, "batch_size": 2048, "epochs": 8}
# The ranking tutorials: numbers and features of the pair into layers.
PAIRS = {"width": 32, "features": True, "dropout": 0.3}
PAIRS_TRAINING = {
    **_COMMON,
    "retrieval_weight": 0.0,
    "rating_weight": 1.0,
    "batch_size": 1024,
    "epochs": 5,
    "learning_rate": 3e-3,
    "weight_decay": 0.01,
}
PUBLISHED = {
    "tutorial": {"top_100": 0.2334, "source": "TFRS basic_retrieval, one run"},
    "mlp": {"rmse": 0.9350, "source": "TFRS dcn, several runs of one split"},
    "dcn": {"rmse": 0.9136, "source": "KerasRS dcn, several runs of one split"},
    "joint": {"top_100": 0.235, "rmse": 1.110, "source": "TFRS multitask, one run"},
}

# What each split should come to, and how far one may lie from it: splits differ.
EXPECTED = {
    "popularity": {"top_100": (0.297, 0.01), "top_100_filtered": (0.412, 0.01)},
    "ease": {"top_100": (0.317, 0.01), "top_100_filtered": (0.626, 0.01)},
    "bias": {"rmse": (0.939, 0.015)},
    "tutorial": {"top_100": (0.235, 0.012)},
    "ease-tuned": {"top_100": (0.331, 0.01), "top_100_filtered": (0.631, 0.01)},
    "two-tower": {"top_100": (0.400, 0.012), "top_100_filtered": (0.629, 0.012)},
    "two-tower-ease": {"top_100": (0.634, 0.012), "top_100_filtered": (0.639, 0.012)},
    "als": {"top_100": (0.404, 0.01), "top_100_filtered": (0.640, 0.01)},
    "two-tower-ease-als": {"top_100": (0.643, 0.012), "top_100_filtered": (0.643, 0.012)},
    "rating": {"rmse": (0.888, 0.015)},
    "joint": {
        "top_100": (0.407, 0.015),
        "top_100_filtered": (0.613, 0.015),
        "rmse": (0.898, 0.015),
    },
    "mlp": {"rmse": (0.929, 0.015)},
    "dcn": {"rmse": (0.923, 0.015)},
}
# The same of the cut in time, where counted models have one result.
EXPECTED_TEMPORAL = {
    "popularity": {"top_100": (0.2217, 0.0005), "top_100_filtered": (0.3128, 0.0005)},
    "recent-popularity": {"top_100": (0.2353, 0.0005), "top_100_filtered": (0.3314, 0.0005)},
    "ease": {"top_100": (0.1212, 0.001), "top_100_filtered": (0.3191, 0.001)},
    "ease-tuned": {"top_100": (0.1208, 0.001), "top_100_filtered": (0.3128, 0.001)},
    "als": {"top_100": (0.1589, 0.005), "top_100_filtered": (0.3149, 0.005)},
    "bias": {"rmse": (0.9984, 0.0005)},
    "mlp": {"rmse": (0.995, 0.015)},
    "dcn": {"rmse": (0.990, 0.015)},
    "rating": {"rmse": (0.954, 0.015)},
}


def ml_100k(
    protocol: str, name: str, model: str, options: dict, minutes: float = 0.1, **entry
) -> Experiment:
    """An experiment on ML-100K under a protocol of `CUTS`."""
    cut, seeds = CUTS[protocol]
    return Experiment(
        name=f"ml-100k-{cut}-{name}",
        dataset="ml-100k",
        protocol=protocol,
        model=model,
        options=options,
        seeds=seeds if cut == "random" or "fit" in entry else (0,),
        minutes=minutes,
        **entry,
    )


def _both(name: str, *model, **entry) -> list[Experiment]:
    """The same model under both rating protocols: the cut in time shows what the other hides."""
    random = {"expected": EXPECTED.get(name, {}), "published": PUBLISHED.get(name, {})}
    return [
        ml_100k("random-80-20", name, *model, **entry, **random),
        ml_100k("temporal-80-20", name, *model, **entry, expected=EXPECTED_TEMPORAL.get(name, {})),
    ]


_RATES = {"retrieves": False, "rates": True}
RATING_ENTRIES = [
    *_both("popularity", "popularity", {}, 0.1),
    *_both("ease", "ease", {"regularisation": 500.0, "decay": 1.0}, 0.2),
    *_both("ease-tuned", "ease", EASE_ALONE, 0.2),
    *_both("als", "als", {"width": 32, "regularisation": 0.015}, 0.2),
    *_both("bias", "user-item-bias", {}, 0.1, **_RATES),
    *_both("tutorial", "two-tower", {"width": 32}, 1, fit=TUTORIAL),
    *_both("two-tower", "two-tower", TOWERS, 3, fit=RETRIEVAL),
    *_both("two-tower-ease", "two-tower", TOWERS, 3, fit=RETRIEVAL, ensemble_with=(NEIGHBOURS,)),
    *_both(
        "two-tower-ease-als",
        "two-tower",
        TOWERS,
        3,
        fit=RETRIEVAL,
        ensemble_with=(NEIGHBOURS, FACTORS),
    ),
    *_both("rating", "two-tower", SETS, 2, fit=RATING, **_RATES),
    *_both("joint", "two-tower", JOINT_TOWERS, 4, fit=JOINT, rates=True),
    *_both("mlp", "two-tower", {**PAIRS, "head": "mlp"}, 1, fit=PAIRS_TRAINING, **_RATES),
    *_both("dcn", "two-tower", {**PAIRS, "head": "cross"}, 1, fit=PAIRS_TRAINING, **_RATES),
    ml_100k(
        "temporal-80-20",
        "recent-popularity",
        "recent-popularity",
        {},
        expected=EXPECTED_TEMPORAL["recent-popularity"],
    ),
]
