"""Exports: the lists of the recommender from plain TensorFlow, its states from LiteRT."""

import json
import logging
import subprocess
import sys
import warnings

import keras
import numpy as np
import pandas as pd
import pytest

from recmodels.features.vocabulary import Vocabulary
from recmodels.models.popularity import MostPopular
from recmodels.models.sasrec import SASRec
from recmodels.recommend import AtLeast, AtMost, Recommender
from recmodels.recommend.export import export_lite, export_saved_model
from tests.harness import make_histories

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="exports are TensorFlow's"
)

TEXTS = ["茶", "cup", "pot", "milk", "007", "jar", "tin"]
NUMBERS = [70, 10, 20, 30, 2**40, 50, 60]
# Imports TensorFlow and nothing else; both functions, and the serving signature.
FRESH = """
import json, sys
import tensorflow as tf
exports, found = {}, []
for folder, r in json.loads(sys.argv[1]):
    if folder not in exports:
        exports[folder] = tf.saved_model.load(folder)
    loaded = exports[folder]
    ragged = tf.ragged.constant(r["histories"], ragged_rank=1, dtype=r["dtype"])
    padded = ragged.to_tensor(default_value="" if r["dtype"] == "string" else -1)
    rest = tf.constant(r["k"]), *(tf.constant(r[n], r["dtype"]) for n in ("exclude", "only"))
    named = dict(zip(("k", "exclude", "only"), rest))
    answers = [loaded.recommend_ragged(ragged, *rest), loaded.recommend(padded, *rest),
               loaded.signatures["serving_default"](histories=padded, **named)]
    for a in answers:
        items = a["items"].numpy().tolist()
        items = [[i.decode() if isinstance(i, bytes) else i for i in row] for row in items]
        found.append([items, a["scores"].numpy().tolist()])
assert not [name for name in sys.modules if name.startswith("recmodels")]
print(json.dumps(found))
"""


def make(raw_ids, **settings) -> Recommender:
    keras.utils.set_random_seed(1)
    model = SASRec(7, max_length=3, width=8, num_blocks=1)
    model.build(None)
    fallback = MostPopular().fit(make_histories([[3, 3, 3, 1, 1, 2]]), 7)
    return Recommender(model, Vocabulary(raw_ids), fallback=fallback, **settings)


def requests_of(raw_ids, unknown) -> list[dict]:
    dtype = "string" if isinstance(raw_ids[0], str) else "int64"
    a, b, c, d, *_ = raw_ids
    histories = [[a, b], [], [unknown, c, unknown], [unknown], [d, c, b, a, a], [*raw_ids]]
    rests = [(3, [], []), (2, [b, unknown], []), (7, [a], [a, b, c, unknown]), (99, [], [])]
    return [
        {"histories": histories, "dtype": dtype, "k": k, "exclude": exclude, "only": only}
        for k, exclude, only in rests
    ]


@pytest.mark.slow  # It imports TensorFlow in another process.
def test_a_process_with_tensorflow_alone_gives_equal_lists(tmp_path):
    cases = []
    for name, raw_ids, unknown in (("texts", TEXTS, "cake"), ("numbers", NUMBERS, 99)):
        subject = make(raw_ids)
        folder = export_saved_model(subject, tmp_path / name)
        cases += [(subject, str(folder), asked) for asked in requests_of(raw_ids, unknown)]
    command = [sys.executable, "-c", FRESH, json.dumps([case[1:] for case in cases])]
    fresh = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert fresh.returncode == 0, fresh.stderr
    found = json.loads(fresh.stdout)
    assert len(found) == 3 * len(cases)
    answers_of = zip(*[iter(found)] * 3, strict=True)
    for (subject, _, request), answers in zip(cases, answers_of, strict=True):
        only = request["only"] or None
        expected = subject.recommend_many(
            request["histories"], request["k"], request["exclude"], only
        )
        for items, scores in answers:
            check_equal(expected, items, scores, min(request["k"], 7))


def check_equal(expected, items, scores, k):
    """Lists and scores, filled up where they are short."""
    for answer, own, values in zip(expected, items, scores, strict=True):
        assert len(own) == k
        assert own[: len(answer)] == answer.items
        assert set(own[len(answer) :]) <= {"", -1}
        np.testing.assert_allclose(values[: len(answer)], answer.scores, atol=1e-5)
        assert np.isneginf(values[len(answer) :]).all()


def loaded_lists(subject, folder, histories, k=7):
    """Items of an export in this process."""
    served = tf.saved_model.load(str(export_saved_model(subject, folder)))
    none = tf.constant([], tf.string)
    ragged = tf.ragged.constant(histories, ragged_rank=1, dtype=tf.string)
    rows = served.recommend_ragged(ragged, k, none, none)["items"].numpy().tolist()
    return [[item.decode() for item in row if item] for row in rows]


def test_seen_items_stay_where_the_recommender_keeps_them(tmp_path, caplog):
    subject = make(TEXTS, filter_seen=False)
    answers = subject.recommend_many([["cup"], ["pot", "tin"]], k=7)
    with caplog.at_level(logging.INFO, "tensorflow"):
        found = loaded_lists(subject, tmp_path / "served", [["cup"], ["pot", "tin"]])
    assert "unfinished" not in caplog.text
    assert found == [answer.items for answer in answers] and "cup" in found[0]


def test_what_rules_leave_out_of_all_lists_stays_out(tmp_path):
    items = pd.DataFrame({"stars": [5, 1, 5, 1, 5, 1, 5], "category": "a"}, index=TEXTS)
    subject = make(TEXTS, items=items, rules=[AtLeast(3, "stars")])
    found = loaded_lists(subject, tmp_path / "served", [["cup"], []])
    assert found == [answer.items for answer in subject.recommend_many([["cup"], []], k=7)]
    assert set(found[0]) == {"茶", "pot", "007", "tin"}
    depends = make(TEXTS, items=items, rules=[AtMost(1)])
    with pytest.raises(ValueError, match="rules that depend on the rest.*AtMost"):
        export_saved_model(depends, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_without_a_fallback_an_empty_history_gets_nothing(tmp_path):
    subject = make(TEXTS)
    subject.fallback = None
    found = loaded_lists(subject, tmp_path / "served", [[], ["cup"]])
    assert found[0] == [] and found[1] == subject.recommend(["cup"], k=7).items
    (tmp_path / "served" / "mine.txt").write_text("notes")
    with pytest.raises(ValueError, match="nothing else is deleted.*mine.txt"):
        export_saved_model(subject, tmp_path / "served")


def test_lite_gives_equal_states(tmp_path):
    subject = make(TEXTS)
    path = export_lite(subject, tmp_path / "encoder.tflite")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It announces that it moves to a package of its own.
        interpreter = tf.lite.Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    (asked,), (answered,) = interpreter.get_input_details(), interpreter.get_output_details()
    for item_ids in ([0, 0, 0], [0, 0, 7], [1, 2, 3], [0, 5, 5]):
        item_ids = np.array([item_ids], np.int32)
        interpreter.set_tensor(asked["index"], item_ids)
        interpreter.invoke()
        expected = keras.ops.convert_to_numpy(subject.scorer({"item_ids": item_ids}))[:, -1]
        np.testing.assert_allclose(interpreter.get_tensor(answered["index"]), expected, atol=1e-5)


def test_only_encoders_are_exported(tmp_path):
    popular = MostPopular().fit(make_histories([[1, 2]]), 7)
    for export in (export_saved_model, export_lite):
        with pytest.raises(ValueError, match="must hold a sequence encoder.*MostPopular"):
            export(Recommender(popular, Vocabulary(TEXTS)), tmp_path / "served")
