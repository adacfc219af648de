"""The named experiments that compare families of sequence encoders in equal conditions."""

from recmodels.experiments.entry import Experiment

# The settings that the recipe chooses for SASRec on Amazon Beauty, for every family alike.
BEAUTY = {"max_length": 41, "width": 64, "num_blocks": 1, "dropout": 0.25}
TRAINING = {
    "windows": "all",
    "batch_size": 13,
    "epochs": 18,
    "learning_rate": 3e-3,
    "schedule": "cosine",
    "warmup": 222,
    "average": 0.9989,
    "validate_every": 2,
    "patience": None,
}
# The other settings of each family, and the minutes of a seed on two cores.
OWN: dict[str, tuple[dict, float]] = {
    "sasrec": ({"hidden_width": 256}, 5),
    "gru4rec": ({}, 5),
    "lrurec": ({"hidden_width": 256}, 5),
    "nextitnet": ({"num_blocks": 2}, 5),  # One block would read seven events.
    "ligr": ({"hidden_width": 256}, 5),
    "hstu": ({}, 5),
    "bsarec": ({"hidden_width": 256}, 5),
    "bert4rec": ({"hidden_width": 256}, 5),
}
# A masked model gets a target at one event in five only, and still improves after 18 epochs.
TRAINED: dict[str, dict] = {"bert4rec": {"epochs": 60, "validate_every": 5}}
SPACE = {"dropout": (0.1, 0.6), "learning_rate": (3e-4, 3e-3, "log"), "num_blocks": [1, 2]}
GRU4REC_ON_BEAUTY = {"ndcg@10": 0.0408, "hr@10": 0.0695, "source": "Li-fAngyU/sequential_rec"}
FAMILY_ENTRIES = [
    Experiment(
        name=f"beauty-{family}",
        dataset="beauty",
        model=family,
        options={**BEAUTY, **own},
        fit={**TRAINING, **TRAINED.get(family, {})},
        minutes=minutes,
        slices=family == "bsarec",  # What texts add is compared with it.
        published=GRU4REC_ON_BEAUTY if family == "gru4rec" else {},
        space=SPACE,
    )
    for family, (own, minutes) in OWN.items()
]
