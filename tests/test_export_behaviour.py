"""Exports of a model of the next event equal the recommender, in TensorFlow alone."""

import warnings

import keras
import numpy as np
import pytest
from scipy.special import log_ndtr

from recmodels.recommend.export import export_lite, export_saved_model
from recmodels.recommend.export_behaviour import _log_ndtr
from tests.behaviour_log import HISTORY, LAST, make_data, make_trained

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="exports are TensorFlow's"
)


@pytest.fixture(scope="module")
def trained():
    recommender = make_trained(make_data())
    recommender.scorer.time_width = 1.3  # As after a calibration.
    return recommender


@pytest.fixture(scope="module")
def served(trained, tmp_path_factory):
    folder = export_saved_model(trained, tmp_path_factory.mktemp("served") / "model")
    return tf.saved_model.load(str(folder))


def ask_export(served, histories, k=4, given="", at=np.nan):
    """The answer of the export as arrays, texts decoded."""
    length = max(len(history["item"]) for history in histories)

    def pad(name, nothing):
        return [[*h[name], *[nothing] * (length - len(h[name]))] for h in histories]

    found = served.signatures["next_behaviour"](
        histories=tf.constant(pad("item", "")),
        k=tf.constant(k),
        given=tf.constant(given),
        at=tf.fill([len(histories)], tf.constant(at, tf.float64)),
        action=tf.constant(pad("action", "")),
        timestamp=tf.constant(pad("timestamp", np.nan), tf.float64),
    )
    return {
        name: np.char.decode(values.numpy().astype("S"), "utf-8")
        if values.dtype == tf.string
        else values.numpy()
        for name, values in found.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(("given", "wait"), [("", None), ("购买", 0), ("", 500)])
def test_the_export_answers_as_the_recommender(trained, served, given, wait):
    longer = {
        "item": ["pot", "cake", "茶", "茶", "cup"],
        "action": ["浏览", "浏览", "退货", "购买", "浏览"],
        "timestamp": [LAST - 9000, LAST - 8000, LAST - 100, LAST - 90, LAST],
    }
    at = None if wait is None else LAST + wait
    found = ask_export(served, [HISTORY, longer], given=given, at=np.nan if at is None else at)
    for row, history in enumerate((HISTORY, longer)):
        expected = trained.next_behaviour(history, 4, at=at, given=given or None)
        table = expected.to_frame()
        assert found["types"][row, : len(table)].tolist() == table["type"].tolist()
        assert found["items"][row, : len(table)].tolist() == table["item"].tolist()
        np.testing.assert_allclose(
            found["probabilities"][row, : len(table)], table["probability"], atol=1e-6
        )
        assert found["type_labels"].tolist() == list(expected.types)
        np.testing.assert_allclose(
            found["type_probabilities"][row], list(expected.types.values()), atol=1e-6
        )
        np.testing.assert_allclose(
            found["seconds"][row], list(expected.seconds.values()), rtol=1e-3, atol=1e-3
        )


def test_the_export_refuses_what_cannot_be_asked(served):
    for question, match in (({"given": "退货"}, "`given`"), ({"at": LAST - 1.0}, "`at` must not")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=match):
            ask_export(served, [HISTORY], **question)
    nobody = {"item": [], "action": [], "timestamp": []}
    found = ask_export(served, [HISTORY, nobody])
    assert np.isnan(found["type_probabilities"][1]).all() and np.isnan(found["seconds"][1]).all()
    assert found["type_probabilities"][0].sum() == pytest.approx(1)


def test_the_logarithm_of_a_small_normal_probability_is_that_of_scipy():
    z = np.array([-1e3, -60.0, -20.1, -19.9, -5.0, 0.0, 3.0, 30.0])
    found = _log_ndtr(tf.constant(z, tf.float64)).numpy()
    np.testing.assert_allclose(found, log_ndtr(z), rtol=1e-6, atol=1e-12)


def test_an_exported_encoder_has_the_three_heads(trained, tmp_path):
    path = export_lite(trained, tmp_path / "model.tflite")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It announces that it moves to a package of its own.
        interpreter = tf.lite.Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner()
    inputs = {
        "item_ids": np.array([[0, 0, 1, 2]], np.int32),
        "action": np.array([[0, 0, 1, 2]], np.int32),
        "gap": np.array([[0, 0, 27, 8]], np.int32),
    }
    found, expected = runner(**inputs), trained.scorer.next_event(inputs)
    np.testing.assert_allclose(np.exp(found["types"]), expected.type_probabilities, atol=1e-5)
    items = expected.item_probabilities[:, :, 1:]
    np.testing.assert_allclose(np.exp(found["items"]), items, atol=1e-5)
    np.testing.assert_allclose(np.exp(found["gap"][:, 0]), expected.gap.weights, atol=1e-5)
    np.testing.assert_allclose(found["gap"][:, 1], expected.gap.means, rtol=1e-4)
