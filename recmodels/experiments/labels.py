"""Readable names of experiments, for figures and tables of notebooks."""

from recmodels.models.families import FAMILIES

DATA = {
    "ml-1m": "MovieLens 1M",
    "ml-1m-sasrec": "MovieLens 1M",
    "ml-100k-temporal": "MovieLens 100K, temporal",
    "beauty": "Beauty",
    "sports": "Sports",
    "shop": "shop",
}
MODELS = {
    "bce": "SASRec, BCE",
    "bpr-mf": "BPR-MF",
    "ease": "EASE",
    "gbce": "SASRec, gBCE",
    "in_batch": "SASRec, in-batch",
    "in_batch_uncorrected": "SASRec, in-batch, no logQ",
    "item-knn": "ItemKNN",
    "markov": "Markov chain",
    "recipe": "SASRec, recipe",
    "sampled_softmax": "SASRec, sampled softmax",
    "wide": "SASRec, width 128",
    "fast": "SASRec, short training",
    "softmax": "SASRec, softmax",
    "softmax-20": "SASRec, softmax, 20 epochs",
    "softmax-bfloat16": "SASRec, softmax, bfloat16",
    "word-vectors": "SASRec from word vectors",
    "word-vectors-bsarec": "BSARec from word vectors",
    "shared-users": "BSARec, targets shared by users",
    "shared-users-gru4rec": "GRU4Rec, targets shared by users",
    "bert4rec-searched": "BERT4Rec, settings of its search",
    "hstu-searched": "HSTU, settings of its search",
    "shared-users-lrurec": "LRURec, targets shared by users",
    "shared-users-seeds-fused": "sum of two BSARec, two GRU4Rec, ItemKNN",
    "shared-users-three-fused": "sum of BSARec, GRU4Rec, LRURec, ItemKNN",
    "shared-users-two-fused": "sum of BSARec, GRU4Rec, ItemKNN",
    "shared-users-fused": "BSARec, shared by users, with ItemKNN",
    "shared-texts": "BSARec, targets shared by texts",
    "text": "SASRec with texts",
    **{name: family.title for name, family in FAMILIES.items()},
}


def model_label(experiment: str) -> str:
    """Return the model of an experiment in words.

    A model without a name of its own here keeps that of the experiment, with blanks for hyphens.

    Example:
        >>> model_label("ml-1m-sasrec-in_batch")
        'SASRec, in-batch'
    """
    _, model = _parts(experiment)
    return MODELS.get(model, model.replace("-", " ").replace("_", " "))


def experiment_label(experiment: str) -> str:
    """Return data set and model of an experiment in words.

    Example:
        >>> experiment_label("beauty-softmax")
        'Beauty: SASRec, softmax'
    """
    data, _ = _parts(experiment)
    return f"{DATA[data]}: {model_label(experiment)}" if data else model_label(experiment)


def _parts(experiment: str) -> tuple[str, str]:
    """Return the longest name of a data set that an experiment begins with, and the rest."""
    known = [name for name in DATA if experiment.startswith(f"{name}-")]
    data = max(known, key=len, default="")
    return data, experiment[len(data) + 1 :] if data else experiment


def full_model_name(result: dict) -> str:
    """Name a stored result's model with what is added to it, such as `"sasrec+text"`.

    What is added are texts of the items, word vectors that the item table starts from, what says
    which items share the probability of a target, and models whose scores are added.

    Example:
        >>> full_model_name({"model": "sasrec", "settings": {"item_text": {"minilm": {}}}})
        'sasrec+text'
    """
    settings = result.get("settings", {})
    started = settings.get("initial_items", {})
    parts = [result["model"]]
    similar = settings.get("similar_targets")
    if settings.get("item_text") or "source" in started:
        parts.append("text")
    if "model" in started:
        parts.append(started["model"])
    if similar:
        name = similar.get("model", "content")
        parts.append({"content": "text", "item-knn": "users"}.get(name, name))
    for other in settings.get("ensemble_with", ()):
        named = other.get("experiment", {})
        parts.append(other["model"] if "model" in other else named["model"])
    return "+".join(dict.fromkeys(parts))
