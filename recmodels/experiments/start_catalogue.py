"""The named experiments on where an item table starts, and on targets shared by similar items."""

from dataclasses import replace

from recmodels.experiments.baselines_catalogue import tuned_options
from recmodels.experiments.entry import Experiment, with_options
from recmodels.experiments.families_catalogue import BEAUTY, GRU4REC_ON_BEAUTY, TRAINING

S3_REC = {
    "ndcg@10": 0.0629,
    "hr@10": 0.1058,
    "source": "S3-Rec, enhanced loss, log of one run, Li-fAngyU/sequential_rec",
}
WEAREC = "WEARec, log of one run"
ITEM2VEC = {"model": "item2vec", "options": {}}
# Added to the scores of a trained model, in standard deviations.
ITEM_KNN = {"model": "item-knn", "options": tuned_options("beauty", "item-knn"), "weight": 0.2}


def _started(name: str, model: str, start: dict) -> Experiment:
    """Only the vectors that the item table starts from differ from the entry without them."""
    return Experiment(
        name=f"beauty-{name}",
        dataset="beauty",
        model=model,
        options={**BEAUTY, "hidden_width": 256},
        fit=TRAINING,
        initial_items=start,
        slices=True,
        seeds=(0, 1, 2),
        minutes=5,
    )


WORD_VECTORS = _started("word-vectors-bsarec", "bsarec", ITEM2VEC)
TEXT_START = _started("text-start-bsarec", "bsarec", {"source": "minilm"})


def _shared(by: str, similar: dict, published: dict) -> Experiment:
    """Each target shares its probability with similar items.

    With them a model is at its best on validation after fewer epochs.
    """
    return replace(
        WORD_VECTORS,
        name=f"beauty-shared-{by}",
        fit={**TRAINING, "epochs": 14},
        similar_targets=similar,
        published=published,
    )


SHARED_TEXTS = _shared("texts", {"model": "content", "options": {}, "share": 0.4}, S3_REC)
SHARED_USERS = _shared(
    "users",
    {"model": "item-knn", "options": {"shrinkage": 10.0}, "share": 0.2},
    {"ndcg@10": 0.0614, "hr@10": 0.1041, "source": WEAREC},
)
# Width and dropout were chosen on validation cases.
SHARED_USERS_GRU4REC = replace(
    SHARED_USERS,
    name="beauty-shared-users-gru4rec",
    model="gru4rec",
    options={**BEAUTY, "width": 128, "dropout": 0.35},
    minutes=9,
    published=GRU4REC_ON_BEAUTY,
)
SHARED_USERS_LRUREC = replace(
    with_options(SHARED_USERS, {"width": 128, "dropout": 0.35}),
    name="beauty-shared-users-lrurec",
    model="lrurec",
    minutes=8,
    published={},
)
# On Sports the recipe chooses another length, and with it batches and warm-up.
SPORTS = replace(
    with_options(SHARED_USERS, {"max_length": 30, "batch_size": 26, "warmup": 218}),
    name="sports-shared-users",
    dataset="sports",
    minutes=8,
    published={"ndcg@10": 0.0367, "hr@10": 0.0631, "source": WEAREC},
)
# The weight was chosen on 10,000 validation users, the options are those of ItemKNN alone.
SPORTS_ITEM_KNN = {
    "model": "item-knn",
    "options": tuned_options("sports", "item-knn"),
    "weight": 0.7,
}
START_ENTRIES = [
    _started("word-vectors", "sasrec", ITEM2VEC),
    WORD_VECTORS,
    _started("text-start", "sasrec", {"source": "minilm"}),
    TEXT_START,
    SHARED_TEXTS,
    SHARED_USERS,
    SHARED_USERS_GRU4REC,
    SHARED_USERS_LRUREC,
    SPORTS,
    # The best of 36 pairs of weights on 10,000 validation users.
    replace(
        SHARED_USERS, name="beauty-shared-users-two-fused", minutes=14,
        ensemble_with=(
            {"experiment": SHARED_USERS_GRU4REC, "weight": 0.6},
            {**ITEM_KNN, "weight": 0.1},
        ),
    ),
    # The best of 125 triples of weights on 10,000 validation users.
    replace(
        SHARED_USERS, name="beauty-shared-users-three-fused", minutes=22,
        ensemble_with=(
            {"experiment": SHARED_USERS_GRU4REC, "weight": 0.8},
            {"experiment": SHARED_USERS_LRUREC, "weight": 0.6},
            {**ITEM_KNN, "weight": 0.1},
        ),
    ),
    # The best of 25 pairs of weights, of GRU4Rec and ItemKNN, on 10,000 validation users.
    replace(
        SHARED_USERS, name="beauty-shared-users-seeds-fused", minutes=24,
        ensemble_with=(
            {"experiment": SHARED_USERS, "weight": 1.0, "seed_offset": 1},
            {"experiment": SHARED_USERS_GRU4REC, "weight": 1.0},
            {"experiment": SHARED_USERS_GRU4REC, "weight": 1.0, "seed_offset": 1},
            {**ITEM_KNN, "weight": 0.4},
        ),
    ),
    replace(SPORTS, name="sports-shared-users-fused", ensemble_with=(SPORTS_ITEM_KNN,)),
]  # fmt: skip
