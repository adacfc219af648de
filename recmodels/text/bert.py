"""BERT: a Transformer that reads a text in both directions."""

import keras
from keras import ops

from recmodels.data.errors import require
from recmodels.layers.norm import LayerNorm
from recmodels.layers.transformer import TransformerBlock


@keras.saving.register_keras_serializable("recmodels")
class Bert(keras.Model):
    """The encoder of BERT: token ids to one state per token.

    Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language
    Understanding", NAACL 2019, section 3: the embeddings of token, position and segment are
    added and normalised; then come post-norm Transformer blocks with exact GELU, in which each
    token sees all others. All tokens belong to the first segment.

    Args:
        vocabulary_size: number of tokens.
        width: D of the states.
        num_blocks, num_heads, hidden_width: of the Transformer.
        max_length: most tokens of a text.
        num_segments: rows of the segment embedding.
        dropout: of embeddings, attention weights and activations, in training only.
        epsilon: of the layer norms.

    Call arguments:
        inputs: dict with `token_ids`, int32 (B, T), and `token_mask`, bool (B, T), True for the
            tokens of the text and False for padding on the right.
        until: number of blocks to compute; all by default.

    Returns:
        States, (B, T, D).

    Raises:
        ValueError: `num_heads` does not divide `width`.

    Example:
        >>> bert = Bert(vocabulary_size=100, width=8, num_blocks=1, num_heads=2, hidden_width=16)
        >>> ids = np.array([[2, 7, 3]])
        >>> bert({"token_ids": ids, "token_mask": ids > 0}).shape
        TensorShape([1, 3, 8])
    """

    def __init__(
        self,
        vocabulary_size: int,
        width: int,
        num_blocks: int,
        num_heads: int,
        hidden_width: int,
        max_length: int = 512,
        num_segments: int = 2,
        dropout: float = 0.1,
        epsilon: float = 1e-12,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        must = "`num_heads` must divide `width`"
        require(width % num_heads == 0, must, num_heads=num_heads, width=width)
        self.vocabulary_size = vocabulary_size
        self.width = width
        self.num_blocks = num_blocks
        self.num_heads = num_heads
        self.hidden_width = hidden_width
        self.max_length = max_length
        self.num_segments = num_segments
        self.dropout = dropout
        self.epsilon = epsilon
        tables = {"token": vocabulary_size, "position": max_length, "segment": num_segments}
        self.token, self.position, self.segment = (
            keras.layers.Embedding(size, width, name=name, dtype=self.dtype_policy)
            for name, size in tables.items()
        )
        self.norm = LayerNorm(epsilon, name="norm", dtype=self.dtype_policy)
        self.drop = keras.layers.Dropout(dropout, name="drop", dtype=self.dtype_policy)
        self.blocks = [self._block(index) for index in range(num_blocks)]

    def _block(self, index: int) -> TransformerBlock:
        return TransformerBlock(
            self.num_heads,
            self.hidden_width,
            dropout=self.dropout,
            norm_order="post",
            activation="gelu",
            epsilon=self.epsilon,
            name=f"block_{index}",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape=None) -> None:
        for table in (self.token, self.position, self.segment):
            table.build()
        for layer in (self.norm, *self.blocks):
            layer.build((None, None, self.width))

    def call(self, inputs, training=None, until=None):
        token_ids = inputs["token_ids"]
        positions = ops.arange(ops.shape(token_ids)[1])
        x = self.token(token_ids) + self.position(positions) + self.segment(positions * 0)
        x = self.drop(self.norm(x), training=training)  # (B, T, D)
        mask = ops.cast(inputs["token_mask"], "bool")[:, None, :]  # (B, 1, T)
        for block in self.blocks[:until]:
            x = block(x, mask, training=training)
        return x

    def get_config(self) -> dict:
        names = ("vocabulary_size", "width", "num_blocks", "num_heads", "hidden_width")
        names += ("max_length", "num_segments", "dropout", "epsilon")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("recmodels")
class TextVectors(keras.Model):
    """One vector of length 1 per text: the mean of the states of its tokens.

    Reimers and Gurevych, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", 2019,
    section 3 (mean pooling).

    Args:
        bert: gives the states.
        normalise: whether vectors are scaled to length 1.

    Call arguments:
        inputs: see `Bert`.

    Returns:
        (B, D).
    """

    def __init__(self, bert: Bert, normalise: bool = True, **kwargs) -> None:
        super().__init__(**kwargs)
        self.bert = bert
        self.normalise = normalise

    def build(self, input_shape=None) -> None:
        if not self.bert.built:
            self.bert.build()

    def call(self, inputs, training=None):
        states = self.bert(inputs, training=training)
        weights = ops.cast(inputs["token_mask"], states.dtype)[..., None]  # (B, T, 1)
        means = ops.sum(states * weights, axis=1) / ops.sum(weights, axis=1)
        return ops.normalize(means, axis=-1) if self.normalise else means

    def get_config(self) -> dict:
        bert = keras.saving.serialize_keras_object(self.bert)
        return {**super().get_config(), "bert": bert, "normalise": self.normalise}

    @classmethod
    def from_config(cls, config: dict) -> "TextVectors":
        return cls(keras.saving.deserialize_keras_object(config.pop("bert")), **config)
