import inspect
import logging

import keras
import keras.src.backend.tensorflow.trainer
import pytest

import recmodels  # noqa: F401

KERAS = "TensorFlowTrainer.make_predict_function.<locals>.one_step_on_data_distributed"
ADVICE = "5 out of the last 9 calls to <function {} at 0x7f> triggered tf.function retracing."


@pytest.fixture
def heard():
    """What TensorFlow's logger lets through."""
    lines, handler = [], logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("tensorflow").addHandler(handler)
    yield lines
    logging.getLogger("tensorflow").removeHandler(handler)


def test_only_advice_on_keras_own_functions_is_dropped(heard):
    logger = logging.getLogger("tensorflow")
    logger.warning(ADVICE.format(KERAS))
    logger.warning(ADVICE.format("my_step"))
    logger.warning("TensorFlowTrainer: the disk is full")
    assert heard == [ADVICE.format("my_step"), "TensorFlowTrainer: the disk is full"]


def test_these_are_still_tensorflow_s_words():
    from tensorflow.python.eager.polymorphic_function import polymorphic_function

    words = inspect.getsource(polymorphic_function).replace('"\n          "', "")
    assert "triggered tf.function retracing." in words
    assert "TensorFlowTrainer" in inspect.getsource(keras.src.backend.tensorflow.trainer)
