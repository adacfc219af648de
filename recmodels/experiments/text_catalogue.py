"""The named experiments on what texts of items add to behaviour."""

from dataclasses import replace

from recmodels.experiments.entry import Experiment

# Title and categories of each product, by a language model and by the words themselves.
ENCODERS = {
    "minilm": {"source": "minilm", "size": 128},
    "tfidf": {"source": "tfidf", "size": 128},
}
# The decay was chosen on validation users; the weights too, with the trained model of seed 0.
TFIDF = {"model": "content", "options": {"decay": 0.5}, "weight": 0.3}
ITEM_KNN = {
    "model": "item-knn",
    "options": {"neighbours": 200, "shrinkage": 10.0, "decay": 0.5},
    "weight": 0.1,
}
# SASRec with the settings of `beauty-recipe`, which follow from the log: only the text is new.
WITH_TEXT = Experiment(
    name="beauty-text",
    dataset="beauty",
    model="sasrec",
    item_text=ENCODERS,
    slices=True,
    seeds=(0, 1, 2),
    minutes=6,
    published={
        "ndcg@10": 0.0629,
        "hr@10": 0.1058,
        "source": "S3-Rec with softmax loss, see docs/results.md",
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
