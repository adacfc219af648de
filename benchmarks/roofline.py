"""What this machine can do at best, and what a training epoch needs at least."""

import time
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from recmodels.layers.attention import MultiHeadAttention
from recmodels.layers.embedding import ItemEmbedding
from recmodels.layers.feed_forward import FeedForward
from recmodels.layers.masks import attention_mask, padding_mask
from recmodels.tasks.losses import full_softmax


def matmul_rate(size: int = 2048, repeats: int = 7) -> float:
    """Multiplications and additions a second of square float32 matrix products, all cores."""
    left, right = np.ones((2, size, size), np.float32)
    return 2 * size**3 / median_seconds(lambda: left @ right, repeats)


def copy_bandwidth(mebibytes: int = 256, repeats: int = 7) -> float:
    """Bytes a second, read and written, of copying an array that no cache holds; one core."""
    source = np.ones(mebibytes * 2**20, np.uint8)
    target = np.empty_like(source)
    return 2 * source.nbytes / median_seconds(lambda: np.copyto(target, source), repeats)


def median_seconds(compute: Callable[[], object], repeats: int) -> float:
    """Median seconds of a call, after one that is not counted."""
    compute()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        compute()
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))


def useful_flops(lengths: np.ndarray, num_items: int, settings: dict) -> float:
    """Arithmetic of an epoch of SASRec with full softmax, on real positions alone.

    Matrix products only, a multiplication and an addition counted as two; the gradient costs
    twice the forward pass.

    Args:
        lengths: inputs of each window, (W,).
        num_items: V.
        settings: `width`, `hidden_width`, `num_blocks` of the model.

    Example: one window of 2 positions, V = 3, width 1, hidden width 1, one block: projections
    2 x 4 x 2, feed-forward 2 x 2 x 2, attention over 1 + 2 pairs 3 x 2 x 2, output 2 x 3 x 2; 48
    forward, 144 in all.
    """
    width, hidden = settings["width"], settings["hidden_width"]
    positions = float(lengths.sum())
    pairs = float((lengths * (lengths + 1) / 2).sum())
    block = positions * (4 * width**2 + 2 * width * hidden) + pairs * 2 * width
    forward = 2 * (settings["num_blocks"] * block + positions * num_items * width)
    return 3 * forward


class Alone(keras.Model):
    """A layer with nothing around it but what its gradient needs: something to learn before it.

    Args:
        layer: whose weights learn.
        forward: from what goes in to what the layer makes of it.
        reads_states: whether that is states, which are learnt as well, or ids.
    """

    def __init__(self, layer: keras.layers.Layer, forward: Callable, reads_states: bool) -> None:
        super().__init__()
        self.layer, self.forward, self.reads_states = layer, forward, reads_states
        if reads_states:
            self.shift = self.add_weight(name="shift", shape=(1,), initializer="zeros")
        self.built = True

    def call(self, inputs, training=None):
        return self.forward(inputs + self.shift if self.reads_states else inputs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(y_pred)


def layer_times(
    rows: int = 16, length: int = 200, width: int = 64, num_items: int = 3416, repeats: int = 15
) -> dict[str, dict[str, float]]:
    """Milliseconds of each layer alone, forward and backward, and the least this machine needs.

    The floor is the longer of arithmetic at the rate of square matrix products and of reading
    and writing once, at the bandwidth of a copy, what goes in and comes out, and their gradients.

    Args:
        rows, length, width, num_items: B, T, D, V.
        repeats: of which the median is taken.

    Returns:
        By layer `milliseconds` and `floor_milliseconds`.
    """
    rate, bandwidth = matmul_rate(), copy_bandwidth()
    times = {}
    for name, (task, inputs, products, numbers) in _parts(rows, length, width, num_items).items():
        task.compile(optimizer=keras.optimizers.SGD(1e-9), jit_compile=False)
        seconds = median_seconds(lambda t=task, x=inputs: t.train_on_batch(x), repeats)
        floor = max(6 * products / rate, 2 * 4 * numbers / bandwidth)
        times[name] = {
            "milliseconds": round(1000 * seconds, 3),
            "floor_milliseconds": round(1000 * floor, 3),
        }
    return times


def _parts(rows: int, length: int, width: int, num_items: int) -> dict[str, tuple]:
    """By layer: alone, what it reads, products of its forward pass, numbers in and out."""
    events, pairs = rows * length, rows * length * (length + 1) / 2
    item_ids = np.random.default_rng(0).integers(1, num_items + 1, (rows, length), np.int32)
    states = np.random.default_rng(0).normal(size=(rows, length, width)).astype(np.float32)
    mask = attention_mask(padding_mask(item_ids))
    embedding, attention = ItemEmbedding(num_items, width), MultiHeadAttention()
    feed_forward, output = FeedForward(), ItemEmbedding(num_items, width)
    for layer in (embedding, attention, feed_forward, output):
        layer.build((rows, length, width))
    weights = ops.ones((events,))

    def softmax(x):
        x = ops.reshape(x, (events, width))
        return full_softmax(x, item_ids.ravel(), weights, output.catalogue())

    def attend(x):
        return attention(x, x, mask)

    passed = events * width
    return {
        "embedding": (Alone(embedding, embedding, reads_states=False), item_ids, 0, passed),
        "attention": (
            Alone(attention, attend, reads_states=True),
            states,
            4 * passed * width + 2 * pairs * width,
            2 * passed,
        ),
        "feed_forward": (
            Alone(feed_forward, feed_forward, reads_states=True),
            states,
            2 * passed * width,
            2 * passed,
        ),
        "full_softmax": (
            Alone(output, softmax, reads_states=True),
            states,
            passed * num_items,
            passed + num_items * width,
        ),
    }
