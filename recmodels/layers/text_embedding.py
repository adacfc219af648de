"""Item vectors that read texts through the last blocks of a text encoder, which can be trained."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.features.checks import check_whole, is_positive
from recmodels.layers.content_embedding import ContentItemEmbedding
from recmodels.layers.transformer import TransformerBlock
from recmodels.layers.tuning import tune_layers


def pack_texts(states: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Place the tokens of several texts in each row of one array, so that few places stay empty.

    The longest texts come first, each in the first row with enough room.

    Args:
        states: of the texts of items 1..V, (T, F) with a T of its own; T = 0 for a missing text.

    Returns:
        States, float32 (R, S, F), with S the length of the longest text, and the item of each
        place, int32 (R, S); 0 where it is empty.

    Raises:
        ValueError: no text has a token.

    Example: texts of 3, 1 and 2 tokens have the items [[1, 1, 1], [3, 3, 2]].
    """
    lengths = np.array([len(tokens) for tokens in states])
    require(lengths.any(), "`texts` must hold a text that is not empty", texts=len(states))
    longest = lengths.max()
    room = np.full(np.count_nonzero(lengths), longest)
    packed = np.zeros((len(room), longest, states[0].shape[1]), np.float32)
    items = np.zeros((len(room), longest), np.int32)
    for place in np.argsort(-lengths, kind="stable")[: len(room)]:
        row = int(np.argmax(room >= lengths[place]))
        begin = longest - room[row]
        packed[row, begin : begin + lengths[place]] = states[place]
        items[row, begin : begin + lengths[place]] = place + 1
        room[row] -= lengths[place]
    used = np.count_nonzero(room < longest)
    return packed[:used], items[:used]


def check_tuning(how: str, rank: int, rate: float) -> None:
    """Raise a `ValueError` unless these can be arguments of `TextBlocks.tune`."""
    must = "`how` must be 'frozen', 'partial' or 'lora': the first blocks are not in the model"
    require(how in ("frozen", "partial", "lora"), must, how=how)
    check_whole("rank", rank)
    must = "`rate` must be a positive number"
    require(is_positive(rate) and rate < math.inf, must, rate=rate)


@keras.saving.register_keras_serializable("recmodels")
class TextBlocks(keras.layers.Layer):
    """The last blocks of a text encoder, with the states of all items' tokens before them.

        vector(i) = whiten(normalise(mean over the tokens of item i of blocks(states)))

    The states do not depend on the blocks, so they are computed once and stored. `pack_texts`
    places several texts in a row; each token sees those of its own text only. The blocks have no
    dropout. They are frozen until `tune` is called, also after loading.

    Args:
        num_rows: rows of the result, one per item id.
        shape: R, S and F of the packed states.
        num_blocks, num_heads, hidden_width, epsilon: of the Transformer; see `Bert`.
        normalise: whether vectors are scaled to length 1 before they are whitened.
        size: D, the numbers of a whitened vector; None for vectors as they are, of F numbers.
    """

    def __init__(
        self,
        num_rows: int,
        shape: Sequence[int],
        num_blocks: int,
        num_heads: int,
        hidden_width: int,
        epsilon: float = 1e-12,
        normalise: bool = True,
        size: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.num_rows, self.shape, self.num_blocks = num_rows, tuple(shape), num_blocks
        self.num_heads, self.hidden_width, self.epsilon = num_heads, hidden_width, epsilon
        self.normalise, self.size = normalise, size
        self.tuning = {"how": "frozen"}  # The arguments of `tune`.
        self.blocks = [
            TransformerBlock(
                num_heads, hidden_width, norm_order="post", activation="gelu", epsilon=epsilon,
                name=f"block_{index}", dtype=self.dtype_policy,
            )
            for index in range(num_blocks)
        ]  # fmt: skip

    def build(self, input_shape=None) -> None:
        fixed = {"initializer": "zeros", "trainable": False}
        width = self.shape[2]
        self.states = self.add_weight(self.shape, name="states", **fixed)
        self.items = self.add_weight(self.shape[:2], name="items", dtype="int32", **fixed)
        if self.size is not None:
            self.mean = self.add_weight((width,), name="mean", **fixed)
            self.whitening = self.add_weight((width, self.size), name="whitening", **fixed)
        for block in self.blocks:
            block.build((None, None, width))
            block.trainable = False

    def assign(
        self,
        states: np.ndarray,
        items: np.ndarray,
        blocks: Sequence[TransformerBlock],
        whitening: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """Set all weights.

        Args:
            states, items: from `pack_texts`.
            blocks: built, with the weights to copy.
            whitening: mean (F,) and matrix (F, D) if the layer has a `size`.
        """
        self.states.assign(states)
        self.items.assign(items)
        if self.size is not None:
            self.mean.assign(whitening[0])
            self.whitening.assign(whitening[1])
        for own, given in zip(self.blocks, blocks, strict=True):
            own.set_weights(given.get_weights())

    def tune(self, how: str, rank: int = 4, rate: float = 1.0) -> None:
        """Choose which weights of the blocks a training changes.

        Args:
            how: `"frozen"` for none, `"partial"` for all of these blocks, or `"lora"`; see
                `tune_layers`.
            rank: of the low-rank change.
            rate: by which the learning rate is multiplied for these weights. Weights that were
                pre-trained usually need a smaller rate than new ones.

        Raises:
            ValueError: an argument is out of range, or the blocks have low-rank weights already.
        """
        check_tuning(how, rank, rate)
        tune_layers(self.blocks, self.blocks, how, rank)
        for weight in self.trainable_weights:
            weight.rate_factor = rate
        self.tuning = {"how": how} if how == "frozen" else {"how": how, "rank": rank, "rate": rate}

    def vectors(self):
        """Vectors of the texts, (num_rows, D), and 1 for each item that has one, (num_rows, 1)."""
        items = ops.convert_to_tensor(self.items)
        mask = ops.equal(items[:, :, None], items[:, None, :])  # (R, S, S)
        x = ops.convert_to_tensor(self.states)
        for block in self.blocks:
            x = block(x, mask, training=False)
        flat = ops.reshape(items, (-1,))
        x = ops.reshape(ops.cast(x, "float32"), (-1, self.shape[2]))
        counts = ops.segment_sum(ops.ones_like(x[:, :1]), flat, num_segments=self.num_rows)
        means = ops.segment_sum(x, flat, num_segments=self.num_rows) / ops.maximum(counts, 1.0)
        if self.normalise:  # Not by `ops.normalize`, whose gradient at 0 is not a number.
            squares = ops.sum(means * means, axis=1, keepdims=True)
            means = means * ops.rsqrt(ops.maximum(squares, 1e-12))
        if self.size is not None:
            means = ops.matmul(means - self.mean, ops.convert_to_tensor(self.whitening))
        ids = ops.arange(self.num_rows)[:, None]  # Empty places count as item 0.
        return means, ops.cast(ops.logical_and(counts > 0, ids > 0), "float32")

    @property
    def sizes(self) -> dict:
        """The arguments of the constructor but `num_rows`, as JSON can hold them."""
        names = ("num_blocks", "num_heads", "hidden_width", "epsilon", "normalise", "size")
        return {"shape": list(self.shape), **{name: getattr(self, name) for name in names}}

    def get_config(self) -> dict:
        return {**super().get_config(), "num_rows": self.num_rows, **self.sizes}


@keras.saving.register_keras_serializable("recmodels")
class TextItemEmbedding(ContentItemEmbedding):
    """A `ContentItemEmbedding` in which `TextBlocks` compute a part of the content.

    In a training step, inside `encoding`, the vectors of all texts are computed once, and gradients
    reach the blocks through histories and scores. Everywhere else the layer reads `content`, which
    `refresh` computes from the blocks as they are; `fit` does so before each validation and at its
    end. The cost of a step grows with all texts of the catalogue, not with the batch.

    Args:
        num_items, width, num_features: see `ContentItemEmbedding`, as for further arguments.
        texts: arguments of `TextBlocks` but `num_rows`.
        begin: the first of the features that come from texts.

    Call arguments:
        item_ids: int32, (B, T).

    Returns:
        (B, T, D).

    Paper: Yuan et al., "Where to go next for recommender systems? ID- vs. modality-based
    recommender models revisited", SIGIR 2023, which trains the text encoder through the loss of
    the recommender.
    """

    def __init__(
        self,
        num_items: int,
        width: int,
        num_features: int,
        texts: Mapping,
        begin: int = 0,
        **kwargs,
    ) -> None:
        super().__init__(num_items, width, num_features, **kwargs)
        self.begin = begin
        policy = self.dtype_policy
        self.texts = TextBlocks(num_items + 3, **texts, name="texts", dtype=policy)
        self._encoding, self._encoded = False, None

    def build(self, input_shape=None) -> None:
        super().build()
        self.texts.build()

    def adapt(self, content: np.ndarray, known: np.ndarray, rare: np.ndarray) -> None:
        """Set what is known of items, and the vectors of texts from the blocks; see the base."""
        super().adapt(content, known, rare)
        self.refresh()

    def refresh(self) -> None:
        """Compute the content that comes from texts by the blocks as they are."""
        self.content.assign(self._encode())

    @contextmanager
    def encoding(self) -> Iterator[None]:
        """Inside, compute the vectors of texts by the blocks, once for all look-ups of a step."""
        self._encoding = bool(self.texts.trainable_weights)
        try:
            yield
        finally:
            self._encoding, self._encoded = False, None

    def _encode(self):
        """The content with what the blocks compute, (V + 3, F)."""
        vectors, known = self.texts.vectors()
        fixed = ops.convert_to_tensor(self.content)
        end = self.begin + vectors.shape[1]
        own = known * vectors + (1.0 - known) * fixed[:, self.begin : end]
        return ops.concatenate([fixed[:, : self.begin], own, fixed[:, end:]], axis=1)

    def _content(self):
        if not self._encoding:
            return self.content
        if self._encoded is None:
            self._encoded = self._encode()
        return self._encoded

    def get_config(self) -> dict:
        return {**super().get_config(), "texts": self.texts.sizes, "begin": self.begin}
