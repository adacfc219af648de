"""Models that are made of others are saved and loaded with a file for each part."""

import json

import numpy as np
import pytest
from harness import make_histories

import recmodels as rm
from recmodels.data import atomic_dir
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.capabilities import all_parts
from recmodels.models.fallback import WithFallback
from recmodels.recommend import load_bundle, save_bundle

ITEMS = [f"i{number}" for number in range(5)]
HISTORIES = make_histories([[1, 2, 3], [2, 3, 4], [5, 1, 4, 2]])


def sasrec(norm_order="original"):
    model = rm.SASRec(5, max_length=4, width=4, num_blocks=1, norm_order=norm_order)
    model.build()
    return model


def towers():
    model = rm.TwoTower(rm.Tower(3, 4), rm.Tower(5, 4), head="dot")
    model.build()
    model.scale.assign([3.0, 1.0, 5.0])
    return model


def fitted(kind, **options):
    return kind(**options).fit(HISTORIES, 5)


MODELS = {
    "sum": lambda: rm.Hybrid([fitted(rm.Markov), sasrec()], [0.7, 0.3], "rank"),
    "two stages": lambda: rm.RetrieveThenRank(fitted(rm.BPRMF, width=2), towers(), 3, weight=0.5),
    "one model for both": lambda: rm.RetrieveThenRank(*[towers()] * 2, depth=2),
    "chain": lambda: WithFallback(sasrec(), fitted(rm.MostPopular)),
    "sum in two stages in a chain": lambda: WithFallback(
        rm.RetrieveThenRank(
            rm.Hybrid([fitted(rm.EASE, regularisation=2.0), sasrec("pre")], [1, 2]), towers(), 2
        ),
        fitted(rm.MostPopular),
    ),
}


def save(model, folder, **parts):
    recommender = rm.Recommender(
        model, Vocabulary(ITEMS), histories=HISTORIES, filter_seen=False, **parts
    )
    return recommender, recommender.save(folder)


def arrays_of(model):
    """All weights of the models that a model is made of."""
    for part in all_parts(model):
        if isinstance(part, rm.SASRec | rm.TwoTower):
            yield from part.get_weights()
        elif hasattr(part, "counts"):
            yield from (value for value in vars(part).values() if isinstance(value, np.ndarray))


@pytest.mark.parametrize("name", MODELS)
def test_lists_and_weights_are_those_that_were_saved(name, tmp_path):
    model = MODELS[name]()
    before, folder = save(model, tmp_path / "bundle")
    after = rm.Recommender.load(folder)
    assert [type(part) for part in all_parts(after.scorer)] == [type(p) for p in all_parts(model)]
    weights = list(arrays_of(model)), list(arrays_of(after.scorer))
    assert len(weights[0]) > 1
    for one, other in zip(*weights, strict=True):
        assert one.dtype == other.dtype and one.tobytes() == other.tobytes()
    for request in ({"history": ["i1", "i2"]}, {"user": 2}, {"history": ["none"]}):
        lists = before.recommend(**request), after.recommend(**request)
        assert lists[0].items == lists[1].items
        # Products of the same numbers differ by where these lie in memory.
        np.testing.assert_allclose(lists[0].scores, lists[1].scores, rtol=1e-5)


def test_each_part_has_a_separate_file(tmp_path):
    _, folder = save(MODELS["sum in two stages in a chain"](), tmp_path / "bundle")
    assert sorted(path.name for path in folder.glob("model.*")) == [
        "model.fallback.npz",
        "model.scorer.ranker.keras",
        "model.scorer.retriever.scorers.0.npz",
        "model.scorer.retriever.scorers.1.keras",
    ]


def test_a_composite_may_be_the_fallback(tmp_path):
    fallback = rm.Hybrid([fitted(rm.MostPopular), fitted(rm.Markov)], [1, 1])
    before, folder = save(sasrec(), tmp_path / "bundle", fallback=fallback)
    after = rm.Recommender.load(folder)
    assert after.recommend(["none"]).items == before.recommend(["none"]).items
    assert (folder / "fallback.scorers.1.npz").exists()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The config of a chain whose first model is two stages, and its folder."""
    _, folder = save(MODELS["sum in two stages in a chain"](), tmp_path_factory.mktemp("b") / "b")
    return folder


def at(stored, *places):
    for place in places:
        stored = stored["parts"][place] if isinstance(stored, dict) else stored[place]
    return stored


def nested(depth):
    """Chains within chains."""

    def change(model):
        for _ in range(depth):
            model["parts"] = {"scorer": {**model, "parts": model["parts"]}}

    return change


RANKER = ("scorer", "ranker")
# What is changed in the description of the model, and what the error says.
TAMPERED = {
    "a part is missing": (lambda m: at(m, "scorer")["parts"].pop("ranker"), "`files` of checksums"),
    "a part of another file": (
        lambda m: at(m, *RANKER).update(file="model.fallback.npz"),
        "`model.scorer.ranker.file` of config.json",
    ),
    "a file above the folder": (
        lambda m: at(m, *RANKER).update(file="../x.keras"),
        "`model.scorer.ranker.file` of config.json",
    ),
    "a part above the folder": (
        lambda m: m["parts"].update({"../x": m["parts"].pop("fallback")}),
        "`model.../x.file` of config.json",
    ),
    "a part that is a text": (lambda m: m["parts"].update(scorer="x"), "`model.scorer` of config"),
    "parts that are a list": (lambda m: m.update(parts=[]), "`model.parts` of config.json"),
    "no options": (lambda m: m.pop("options"), "`model.options` of config.json"),
    "a text for a number": (
        lambda m: at(m, "scorer")["options"].update(depth="2"),
        "`options.depth` of config.json",
    ),
    "a depth of 0": (
        lambda m: at(m, "scorer")["options"].update(depth=0),
        "`parts` of config.json.*`depth` must be",
    ),
    "texts for weights": (
        lambda m: at(m, "scorer", "retriever")["options"].update(weights=["1", "2"]),
        "`options` of config.json.*those of Hybrid",
    ),
    "an option too many": (lambda m: m["options"].update(x=1), "`parts` of config.json"),
    "a class without parts": (
        lambda m: m.update({"module": "recmodels.models.sasrec", "class": "SASRec"}),
        "config.json.*not made of other models",
    ),
    "a foreign class": (lambda m: m.update(module="foreign_module"), "config.json.*foreign_module"),
    "a foreign class of a part": (
        lambda m: at(m, *RANKER).update(module="foreign_module"),
        "foreign_module",
    ),
    "a ranker that does not rate": (
        lambda m: at(m, "scorer")["parts"].update(
            ranker=at(m, "scorer", "retriever", "scorers")[1],
            retriever=at(m, "scorer", "ranker"),
        ),
        "model.scorer.ranker.file",
    ),
    "too deep": (nested(30), "at most 10 models deep"),
    "far too deep": (nested(400), "at most 10 models deep"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_what_was_tampered_with_is_one_error_that_names_the_field(bundle, case, monkeypatch):
    change, message = TAMPERED[case]
    description = json.loads((bundle / "config.json").read_text())
    change(description["model"])
    read = atomic_dir.read_json

    def read_changed(path):
        return description if path.name == "config.json" else read(path)

    monkeypatch.setattr("recmodels.recommend.bundle.read_json", read_changed)
    with pytest.raises(ValueError, match=message) as caught:
        load_bundle(bundle)
    assert "Received: " in str(caught.value)


def test_a_broken_file_of_a_part_is_named(tmp_path):
    _, folder = save(MODELS["sum"](), tmp_path / "bundle")
    (folder / "model.scorers.0.npz").write_bytes(b"x")
    with pytest.raises(ValueError, match="damaged.*model.scorers.0.npz': 'changed'"):
        load_bundle(folder)
    sums = atomic_dir.checksums(folder)
    (folder / "checksums.json").write_text(json.dumps(sums))
    with pytest.raises(ValueError, match="`content` of model.scorers.0.npz in the bundle must"):
        load_bundle(folder)


def test_a_part_that_cannot_be_stored_is_refused_and_nothing_is_written(tmp_path):
    for part in (rm.Markov(), object(), fitted(rm.Markov).grown(1)):
        model = rm.Hybrid([fitted(rm.MostPopular), part], [1, 1])
        with pytest.raises(ValueError, match="`model` (must be a trained|and `vocabulary` must)"):
            save_bundle(tmp_path / "b", model, Vocabulary(ITEMS), filter_seen=True)
    assert list(tmp_path.iterdir()) == []
