"""The named experiments of SASRec with each loss, on MovieLens 1M and on Amazon Beauty."""

from dataclasses import replace

from recmodels.experiments.entry import Experiment, with_options

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


def _in_batch() -> list[Experiment]:
    """The retrieval task over the same tower, in half the passes."""
    losses = ("in_batch", "in_batch_uncorrected")
    most = {"max_positions": 3200, "epochs": 20}  # All positions of 16 windows of 200.
    return [_sasrec("ml-1m-sasrec", loss, 20, **most) for loss in losses]


def _mixed_precision() -> Experiment:
    """The first row again with products of bfloat16, where the processor has them."""
    entry = _sasrec("ml-1m-sasrec", "full_softmax", 14, suffix="-bfloat16")
    return with_options(entry, {"dtype": "mixed_bfloat16"})


def _wide() -> Experiment:
    """Twice the width.

    Sampled negatives and products of bfloat16 make it as fast as the first row. Width and dropout
    were chosen on validation cases.
    """
    entry = _sasrec("ml-1m-sasrec", "sampled_softmax", 25, num_negatives=512)
    wide = {"width": 128, "hidden_width": 512, "dropout": 0.3, "dtype": "mixed_bfloat16"}
    published = {"ndcg@10": 0.1930, "hr@10": 0.3264, "source": "LRURec paper, WSDM 2024, table 3"}
    wider = with_options(entry, wide)
    return replace(wider, name="ml-1m-wide", published=published, space={})


def _fast() -> Experiment:
    """A third of the passes, for the shortest time to a good score on two cores.

    Half the dropout, a higher learning rate and a shorter average of weights let the score rise
    earlier. They were chosen on validation cases.
    """
    entry = _sasrec("ml-1m-sasrec", "sampled_softmax", 5, num_negatives=512, validate_every=1)
    faster = {"epochs": 14, "learning_rate": 3e-3, "warmup": 200, "average": 0.998}
    entry = with_options(entry, {**faster, "dropout": 0.1, "dtype": "mixed_bfloat16"})
    return replace(entry, name="ml-1m-fast", space={})


WIDE = _wide()
# What the retrieval task, titles and GRU4Rec are compared with.
TWENTY_PASSES = _sasrec("ml-1m-sasrec", "full_softmax", 10, suffix="-20", epochs=20)
SASREC_ENTRIES = [
    _sasrec("ml-1m-sasrec", "full_softmax", 18, "sasrec, softmax, on ml-1m"),
    _sasrec("ml-1m-sasrec", "bce", 14, "sasrec, bce, on ml-1m", num_negatives=1),
    _sasrec("ml-1m-sasrec", "gbce", 15, "sasrec, gbce, on ml-1m", num_negatives=256),
    _sasrec("ml-1m-sasrec", "sampled_softmax", 12, num_negatives=512),
    _mixed_precision(),
    WIDE,
    _fast(),
    TWENTY_PASSES,
    *_in_batch(),
    _sasrec("beauty", "full_softmax", 6, "sasrec, softmax, on beauty"),
]
