"""A weighted sum of models in a bundle: a file for each part, and weights in the description."""

from pathlib import Path

from recmodels.models.hybrid import SCALINGS, Hybrid
from recmodels.recommend.checks import check_json, reading
from recmodels.recommend.model_files import load_model, save_model


def save_any_model(model, folder: Path, stem: str, num_items: int) -> dict:
    """Write a model, or each part of a `Hybrid` as `stem-0`, `stem-1`, ...

    Returns:
        What `load_any_model` needs: that of `save_model`, or `scaling` and `parts`, each with its
        `weight`.

    Raises:
        ValueError: what `save_model` raises.
    """
    if not isinstance(model, Hybrid):
        return save_model(model, folder, stem, num_items)
    parts = [
        {**save_model(part, folder, f"{stem}-{i}", num_items), "weight": weight}
        for i, (part, weight) in enumerate(zip(model.scorers, model.weights, strict=True))
    ]
    return {"scaling": model.scaling, "parts": parts}


def check_described(described: dict, stem: str, path: Path) -> set[str]:
    """The files of a described model; raise a `MalformedBundle` unless every field is right."""
    if "parts" not in described:
        _check_part(described, stem, path, stem)
        return {described["file"]}
    check_json(described, {"scaling": tuple(SCALINGS), "parts": list}, path, stem)
    for i, part in enumerate(described["parts"]):
        check_json(part, {"weight": float}, path, f"{stem}.parts[{i}]")
        _check_part(part, f"{stem}-{i}", path, f"{stem}.parts[{i}]")
    return {part["file"] for part in described["parts"]}


def _check_part(described: dict, stem: str, path: Path, field: str) -> None:
    names = (f"{stem}.npz", f"{stem}.keras")
    check_json(described, {"file": names, "module": str, "class": str}, path, field)


def load_any_model(folder: Path, described: dict, num_items: int):
    """The model that `save_any_model` described, after `check_described`."""
    if "parts" not in described:
        return load_model(folder, described, num_items)
    parts = [load_model(folder, part, num_items) for part in described["parts"]]
    with reading(folder / "config.json", "weight"):
        weights = [part["weight"] for part in described["parts"]]
        return Hybrid(parts, weights, described["scaling"])
