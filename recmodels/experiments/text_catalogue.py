"""The named experiments on what texts of items add to behaviour."""

from dataclasses import replace

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
TEXT_ENTRIES = [
    Experiment(
        name="beauty-tfidf", dataset="beauty", model="content", options=TFIDF["options"],
        slices=True, minutes=0.5,
    ),
    WITH_TEXT,
    replace(WITH_TEXT, name="beauty-text-fused", ensemble_with=(TFIDF, ITEM_KNN), published={}),
]  # fmt: skip
