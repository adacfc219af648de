"""The named experiments on what texts of items add to behaviour."""

from dataclasses import replace

from recmodels.experiments.columns_catalogue import SASREC
from recmodels.experiments.columns_catalogue import TRAINING as SHORT_TRAINING
from recmodels.experiments.entry import Experiment
from recmodels.experiments.families_catalogue import BEAUTY, TRAINING
from recmodels.experiments.sasrec_catalogue import TWENTY_PASSES
from recmodels.experiments.start_catalogue import (
    ITEM2VEC,
    ITEM_KNN,
    S3_REC,
    SHARED_TEXTS,
    TEXT_START,
)

# Title and categories of each product, by a language model.
ENCODERS = {"minilm": {"source": "minilm", "size": 128}}
# Weights were chosen on 3,000 validation users.
TFIDF = {"model": "content", "options": {"decay": 0.5}, "weight": 0.5}
SHOP_SUM = ({**TFIDF, "weight": 0.1}, ITEM_KNN)
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
    published=S3_REC,
)


def _small_logs(
    dataset: str, tfidf_size: int, added: tuple, filter_seen: bool = False, minilm: bool = True
) -> list[Experiment]:
    """TF-IDF alone, and SASRec on ids with and without texts or word vectors, in equal settings.

    Args:
        added: counted models in the sum of the last entry; their weights were chosen by `fuse`.
    """
    place = {"dataset": dataset, "filter_seen": filter_seen, "slices": True}
    tfidf = {"tfidf": {"source": "tfidf", "size": tfidf_size}}
    learnt_from = {
        "ids": {},
        "ids-word-vectors": {"initial_items": ITEM2VEC},
        "ids-tfidf": {"item_text": tfidf},
        "ids-shared": {"similar_targets": {"model": "content", "options": {}}},
        "ids-tfidf-fused": {"item_text": tfidf, "ensemble_with": added},
    }
    if minilm:
        learnt_from["ids-minilm"] = {"item_text": ENCODERS}
    return [
        Experiment(
            name=f"{dataset}-text-tfidf", model="content", options=TFIDF["options"], minutes=0.2,
            **place,
        ),
        *(
            Experiment(
                name=f"{dataset}-text-{name}", model="sasrec", options=SASREC, fit=SHORT_TRAINING,
                minutes=2, **settings, **place,
            )
            for name, settings in learnt_from.items()
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
    replace(
        TWENTY_PASSES, name="ml-1m-text-ids-minilm", item_text=ENCODERS, slices=True, seeds=(0,)
    ),
    WITH_TEXT,
    replace(WITH_TEXT, name="beauty-text-fused", ensemble_with=(TFIDF, ITEM_KNN), published={}),
    replace(
        TEXT_START, name="beauty-text-start-fused", ensemble_with=(TFIDF, ITEM_KNN), minutes=6
    ),
    replace(
        TEXT_START, name="beauty-text-two-fused", minutes=9,
        ensemble_with=({"experiment": WITH_TEXT, "weight": 0.5}, TFIDF, ITEM_KNN),
    ),
    # Of equal scores on 5,000 validation users, the weights with the better one on rare targets.
    replace(
        SHARED_TEXTS, name="beauty-shared-texts-fused", minutes=6,
        ensemble_with=({**TFIDF, "weight": 0.2}, ITEM_KNN), published={},
    ),
    # The best weights on 8,000 validation users.
    replace(
        SHARED_TEXTS, name="beauty-shared-texts-two-fused", minutes=9, published={},
        ensemble_with=(
            {"experiment": WITH_TEXT, "weight": 0.2},
            {**TFIDF, "weight": 0.1},
            {**ITEM_KNN, "weight": 0.1},
        ),
    ),
    *_small_logs("ml-100k", tfidf_size=128, added=(ITEM_KNN,), filter_seen=True),
    *(
        Experiment(
            name=f"ml-100k-text-minilm-{how}", dataset="ml-100k", model="sasrec",
            options={**SASREC, "id_vectors": False}, fit=SHORT_TRAINING, item_text=ENCODERS,
            tune_text={**tuning, "fit": SECOND}, slices=True, minutes=6,
        )
        for how, tuning in TUNED.items()
    ),
    *_small_logs("shop", tfidf_size=32, added=SHOP_SUM),
    # MiniLM knows English only.
    *_small_logs("shop-chinese", tfidf_size=32, added=SHOP_SUM, minilm=False),
]  # fmt: skip
