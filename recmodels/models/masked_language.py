"""Pre-training of a sentence encoder: predict tokens that were masked."""

import keras
from keras import ops

from recmodels.models.initial_weights import InitialWeights
from recmodels.models.sentence_encoder import SentenceEncoder


@keras.saving.register_keras_serializable("recmodels")
class MaskedLanguage(InitialWeights):
    """An encoder with a head that predicts masked tokens; `fit` trains both.

        p(token) = softmax over the vocabulary of  e_token . gelu(W h + b) + c_token

    Devlin et al., "BERT: Pre-training of deep bidirectional Transformers for language
    understanding", 2019, section 3.1 and appendix A.1. The head is not used after pre-training.

    Args:
        encoder: whose weights are trained.

    Call arguments:
        inputs: tokens, int32 (B, S), 0 where padded.

    Returns:
        Logits, (B, S, N), for the tokens 0..N - 1.

    Example:
        >>> fit(MaskedLanguage(encoder), data, epochs=5)
    """

    task = "masked_language"  # How `fit` trains it; see `tasks/build.py`.
    columns = ("action",)

    def __init__(self, encoder: SentenceEncoder, **kwargs) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder
        self.num_items = encoder.num_items
        self.mix = keras.layers.Dense(encoder.width, "gelu", name="mix", dtype=self.dtype_policy)

    @property
    def column_sizes(self) -> dict:
        """Sizes of the columns that the encoder reads."""
        return self.encoder.column_sizes

    def build(self, input_shape=None) -> None:
        if not self.encoder.built:
            self.encoder.build()
        self.mix.build((None, None, self.encoder.width))
        self.shift = self.add_weight((len(self.encoder.tokens),), "zeros", name="shift")

    def call(self, inputs, training=None):
        states = self.mix(self.encoder.read(inputs, training=training))
        table = ops.transpose(ops.convert_to_tensor(self.encoder.item_embedding.table))
        return ops.cast(ops.matmul(states, ops.cast(table, states.dtype)), "float32") + self.shift

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Mean negative log-likelihood of the hidden tokens, in nats."""
        losses = keras.losses.sparse_categorical_crossentropy(y, y_pred, from_logits=True)
        return ops.sum(losses * sample_weight) / ops.maximum(ops.sum(sample_weight), 1.0)

    def get_config(self) -> dict:
        encoder = keras.saving.serialize_keras_object(self.encoder)
        return {**super().get_config(), "encoder": encoder}

    @classmethod
    def from_config(cls, config: dict) -> "MaskedLanguage":
        return cls(
            **{**config, "encoder": keras.saving.deserialize_keras_object(config["encoder"])}
        )
