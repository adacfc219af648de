"""The named experiments that compare families of sequence encoders in equal conditions."""

from dataclasses import replace

from recmodels.experiments.entry import Experiment, with_options
from recmodels.experiments.sasrec_catalogue import (
    ML_1M_SASREC,
    ML_1M_TRAINING,
    TWENTY_PASSES,
    WIDE,
)

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
    "bert4rec": ({"hidden_width": 256}, 12),
}
# A masked model gets a target at one event in five only, and still improves after 18 epochs.
TRAINED: dict[str, dict] = {"bert4rec": {"epochs": 60, "validate_every": 5}}
SPACE = {"dropout": (0.1, 0.6), "learning_rate": (3e-4, 3e-3, "log"), "num_blocks": [1, 2]}
GRU4REC_ON_BEAUTY = {"ndcg@10": 0.0408, "hr@10": 0.0695, "source": "Li-fAngyU/sequential_rec"}
# The best settings of two searches, which are better on validation than those of the recipe.
SEARCHED_SETTINGS: dict[str, dict] = {
    "hstu": {
        "dropout": 0.30851100235128703,
        "num_blocks": 2,
        "learning_rate": 0.0015755991874283903,
    },
    "bert4rec": {
        "dropout": 0.21099658554486975,
        "num_blocks": 2,
        "learning_rate": 0.0022276838732429144,
    },
}
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


def _entry(dataset: str, family: str, options: dict, training: dict, **entry) -> Experiment:
    return Experiment(
        name=f"{dataset}-{family}",
        dataset=dataset,
        model=family,
        options=options,
        fit={**training, **TRAINED.get(family, {})},
        **entry,
    )


def _on_beauty(family: str, own: dict, minutes: float) -> Experiment:
    return _entry(
        "beauty", family, {**BEAUTY, **own}, TRAINING, minutes=minutes, space=SPACE,
        slices=family == "bsarec",  # What texts add is compared with it.
        published=GRU4REC_ON_BEAUTY if family == "gru4rec" else {},
    )  # fmt: skip


def _searched(family: str, settings: dict) -> Experiment:
    entry = with_options(_on_beauty(family, *OWN[family]), settings)
    return replace(entry, name=f"beauty-{family}-searched", space={})


def _on_shop(family: str, own: dict) -> Experiment:
    # Users of the shop return to items, so that seen ones stay in the lists.
    return _entry("shop", family, {**SHOP, **own}, SHOP_TRAINING, minutes=4, filter_seen=False)


GRU4REC_ON_ML_1M = {"ndcg@10": 0.1693, "hr@10": 0.2962, "source": "LRURec, WSDM 2024, table 3"}
BERT4REC_ON_ML_1M = {
    "ndcg@10": 0.1537, "hr@10": 0.2843, "source": "Klenitskiy and Vasilev, RecSys 2023",
}  # fmt: skip


def _on_ml_1m() -> list[Experiment]:
    """GRU4Rec, LiGR and BERT4Rec with the training of SASRec, but other numbers of passes.

    Width, dropout and the shares of masks were chosen on validation cases.
    """
    gru = {"max_length": 200, "width": 128, "num_blocks": 1, "dropout": 0.3}
    masks = {"mask_share": 0.3, "last_share": 0.2, "epochs": 60, "validate_every": 5}
    family = replace(TWENTY_PASSES, space={})
    return [
        replace(
            family, name="ml-1m-gru4rec", model="gru4rec", options=gru, minutes=20,
            published=GRU4REC_ON_ML_1M,
        ),
        replace(
            with_options(WIDE, {"num_blocks": 3, "hidden_width": 344, "epochs": 30}),
            name="ml-1m-ligr", model="ligr", minutes=30,
        ),
        replace(
            family, name="ml-1m-bert4rec", model="bert4rec",
            options={**ML_1M_SASREC, "dropout": 0.1}, fit={**ML_1M_TRAINING, **masks}, minutes=20,
            published=BERT4REC_ON_ML_1M,
        ),
    ]  # fmt: skip


FAMILY_ENTRIES = [
    *_on_ml_1m(),
    *(_on_beauty(family, own, minutes) for family, (own, minutes) in OWN.items()),
    *(_searched(family, settings) for family, settings in SEARCHED_SETTINGS.items()),
    *(_on_shop(family, own) for family, own in OWN_ON_SHOP.items()),
]
