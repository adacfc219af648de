"""The named experiments behind every table."""

import difflib

from recmodels.experiments.entry import Experiment

SEEDS = (0, 1, 2)
# Published rows we stand beside, with where they were printed.
ROW_OF = {
    "sasrec+": {"ndcg@10": 0.1821, "hr@10": 0.3152, "source": "Klenitskiy and Vasilev 2023"},
    "sasrec": {"ndcg@10": 0.1341, "hr@10": 0.2500, "source": "Klenitskiy and Vasilev 2023"},
    "gsasrec": {"ndcg@10": 0.1726, "hr@10": 0.3003, "source": "Petrov and Macdonald 2023"},
    "esasrec-beauty": {"ndcg@10": 0.0523, "hr@10": 0.0928, "source": "eSASRec, RecSys 2025"},
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


def _ml_1m(name: str, loss: str, minutes: float, published: str, **training) -> Experiment:
    return Experiment(
        name=f"ml-1m-sasrec-{name}",
        dataset="ml-1m-sasrec",
        model="sasrec",
        options=ML_1M_SASREC,
        fit={**ML_1M_TRAINING, "loss": loss, **training},
        seeds=SEEDS,
        minutes=minutes,
        published=ROW_OF[published],
    )


# What `recmodels run` shows beside the model, on any log: label to model and options.
SHOWN_BASELINES: dict[str, tuple[str, dict]] = {
    "random": ("random", {}),
    "popularity": ("popularity", {}),
    "repeat last": ("repeat-last", {}),
    "Markov chain": ("markov", {}),
    "ItemKNN": ("item-knn", {}),
}
_ENTRIES = [
    _ml_1m("softmax", "full_softmax", 18, "sasrec+"),
    _ml_1m("bce", "bce", 14, "sasrec", num_negatives=1),
    _ml_1m("gbce", "gbce", 15, "gsasrec", num_negatives=256),
]
EXPERIMENTS: dict[str, Experiment] = {entry.name: entry for entry in _ENTRIES}


def find_experiment(name: str) -> Experiment:
    """The experiment of a name, or a `ValueError` with the names that were meant."""
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    near = difflib.get_close_matches(name, EXPERIMENTS, n=3)
    meant = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(EXPERIMENTS)}."
    raise ValueError(f"`name` is no experiment. {meant} Received: name={name!r}")
