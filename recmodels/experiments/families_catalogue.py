"""The named experiments that compare families of sequence encoders in equal conditions."""

from recmodels.experiments.entry import Experiment

# The settings that the recipe chooses for SASRec on Amazon Beauty and on the simulated shop, for
# every family alike.
BEAUTY = {"max_length": 41, "width": 64, "num_blocks": 1, "dropout": 0.25}
SHOP = {"max_length": 98, "width": 64, "num_blocks": 2, "dropout": 0.1}
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
SHOP_TRAINING = {**TRAINING, "batch_size": 8, "warmup": 211, "average": 0.9988}
SHOP_HEADS = {"num_heads": 2}  # Of families that have heads; on Beauty the recipe chooses one.
# The other settings of each family on Beauty, and the minutes of a seed on two cores.
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
# The other settings of each family on the shop. SASRec is `shop-recipe`.
OWN_ON_SHOP: dict[str, dict] = {
    "simple-rnn": {},
    "lstm": {},
    "gru4rec": {},
    "lrurec": {"hidden_width": 256},
    "nextitnet": {},
    "ligr": {**SHOP_HEADS, "hidden_width": 256},
    "hstu": SHOP_HEADS,
    "hstu-times": SHOP_HEADS,
    "bsarec": {**SHOP_HEADS, "hidden_width": 256},
    "bert4rec": {**SHOP_HEADS, "hidden_width": 256},
}


def _on_beauty(family: str, own: dict, minutes: float) -> Experiment:
    return Experiment(
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


def _on_shop(family: str, own: dict) -> Experiment:
    return Experiment(
        name=f"shop-{family}",
        dataset="shop",
        model=family,
        options={**SHOP, **own},
        fit={**SHOP_TRAINING, **TRAINED.get(family, {})},
        filter_seen=False,  # Users of the shop return to items.
        minutes=4,
    )


FAMILY_ENTRIES = [
    *(_on_beauty(family, own, minutes) for family, (own, minutes) in OWN.items()),
    *(_on_shop(family, own) for family, own in OWN_ON_SHOP.items()),
]
