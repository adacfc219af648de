"""The named experiments on what texts of items add to behaviour."""

from dataclasses import replace

from recmodels.experiments.columns_catalogue import SASREC
from recmodels.experiments.columns_catalogue import TRAINING as SHORT_TRAINING
from recmodels.experiments.entry import Experiment
from recmodels.experiments.families_catalogue import BEAUTY, TRAINING

# Title and categories of each product, by a language model.
ENCODERS = {"minilm": {"source": "minilm", "size": 128}}
# Weights were chosen on 3,000 validation users.
TFIDF = {"model": "content", "options": {"decay": 0.5}, "weight": 0.5}
ITEM_KNN = {
    "model": "item-knn",
    "options": {"neighbours": 200, "shrinkage": 10.0, "decay": 0.5},
    "weight": 0.2,
}
# Fewer epochs than without texts, because with them the model overfits earlier; see LOG.md.
WITH_TEXT = Experiment(
    name="beauty-text",
    dataset="beauty",
    model="sasrec",
    options={**BEAUTY, "hidden_width": 256, "dropout": 0.3},
    fit={**TRAINING, "epochs": 10, "batch_size": 16},
    item_text=ENCODERS,
    slices=True,
    seeds=(0, 1, 2),
    minutes=3,
    published={
        "ndcg@10": 0.0629,
        "hr@10": 0.1058,
        "source": "S3-Rec, enhanced loss, log of one run, Li-fAngyU/sequential_rec",
    },
)

# Only the vectors that the item table starts from differ from the entries without texts.
STARTED = [
    Experiment(
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
    for name, model, start in (
        ("word-vectors", "sasrec", {"model": "item2vec", "options": {}}),
        ("word-vectors-bsarec", "bsarec", {"model": "item2vec", "options": {}}),
        ("text-start", "sasrec", {"source": "minilm"}),
        ("text-start-bsarec", "bsarec", {"source": "minilm"}),
    )
]


# Each target shares its probability with items that are similar by their words, or by their users.
# With them a model is at its best on validation after fewer epochs.
SHARED = [
    replace(
        STARTED[1], name=f"beauty-shared-{name}", fit={**TRAINING, "epochs": 14},
        similar_targets=similar, published=published,
    )
    for name, similar, published in (
        ("texts", {"model": "content", "options": {}, "share": 0.4}, WITH_TEXT.published),
        (
            "users",
            {"model": "item-knn", "options": {"shrinkage": 10.0}, "share": 0.2},
            {"ndcg@10": 0.0614, "hr@10": 0.1041, "source": "WEARec, log of one run"},
        ),
    )
]  # fmt: skip
# On Sports the recipe chooses another length, and with it batches and warm-up.
SPORTS = replace(
    SHARED[1],
    name="sports-shared-users",
    dataset="sports",
    options={**SHARED[1].options, "max_length": 30},
    fit={**SHARED[1].fit, "batch_size": 26, "warmup": 218},
    minutes=8,
    published={"ndcg@10": 0.0367, "hr@10": 0.0631, "source": "WEARec, log of one run"},
)


def _small_logs(
    dataset: str, tfidf_size: int, filter_seen: bool = False, minilm: bool = True
) -> list[Experiment]:
    """TF-IDF alone, and SASRec on ids with and without vectors of the texts, in equal settings."""
    place = {"dataset": dataset, "filter_seen": filter_seen, "slices": True}
    learnt_from = {"ids": {}, "ids-tfidf": {"tfidf": {"source": "tfidf", "size": tfidf_size}}}
    if minilm:
        learnt_from["ids-minilm"] = ENCODERS
    return [
        Experiment(
            name=f"{dataset}-text-tfidf", model="content", options=TFIDF["options"], minutes=0.2,
            **place,
        ),
        *(
            Experiment(
                name=f"{dataset}-text-{name}", model="sasrec", options=SASREC, fit=SHORT_TRAINING,
                item_text=encoders, minutes=2, **place,
            )
            for name, encoders in learnt_from.items()
        ),
    ]  # fmt: skip


# Items are known by their texts alone. A first training with fixed vectors, equal for all three, is
# followed by a second one that may change the last block of MiniLM. A step of it encodes the whole
# catalogue, so there are few steps of many histories.
SECOND = {**SHORT_TRAINING, "batch_size": 128, "epochs": 2, "learning_rate": 1e-3, "warmup": 5,
          "average": 0.9, "validate_every": 1}  # fmt: skip
TUNED = {
    "frozen": {"how": "frozen"},
    "partial": {"how": "partial", "rate": 0.1},
    "lora": {"how": "lora", "rank": 4},
}

TEXT_ENTRIES = [
    Experiment(
        name="beauty-tfidf", dataset="beauty", model="content", options=TFIDF["options"],
        slices=True, minutes=0.5,
    ),
    Experiment(
        name="ml-1m-text-tfidf", dataset="ml-1m-sasrec", model="content",
        options=TFIDF["options"], slices=True, minutes=0.5,
    ),
    WITH_TEXT,
    replace(WITH_TEXT, name="beauty-text-fused", ensemble_with=(TFIDF, ITEM_KNN), published={}),
    replace(
        STARTED[-1], name="beauty-text-start-fused", ensemble_with=(TFIDF, ITEM_KNN), minutes=6
    ),
    replace(
        STARTED[-1], name="beauty-text-two-fused", minutes=9,
        ensemble_with=({"experiment": WITH_TEXT, "weight": 0.5}, TFIDF, ITEM_KNN),
    ),
    *STARTED,
    *SHARED,
    # Of equal scores on 5,000 validation users, the weights with the better one on rare targets.
    replace(
        SHARED[0], name="beauty-shared-texts-fused", minutes=6,
        ensemble_with=({**TFIDF, "weight": 0.2}, ITEM_KNN), published={},
    ),
    SPORTS,
    *_small_logs("ml-100k", tfidf_size=128, filter_seen=True),
    *(
        Experiment(
            name=f"ml-100k-text-minilm-{how}", dataset="ml-100k", model="sasrec",
            options={**SASREC, "id_vectors": False}, fit=SHORT_TRAINING, item_text=ENCODERS,
            tune_text={**tuning, "fit": SECOND}, slices=True, minutes=6,
        )
        for how, tuning in TUNED.items()
    ),
    *_small_logs("shop", tfidf_size=32),
    *_small_logs("shop-chinese", tfidf_size=32, minilm=False),  # MiniLM knows English only.
]  # fmt: skip
