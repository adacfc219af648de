"""A BERT-style encoder of behaviour that is written as sentences."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.features.checks import check_whole
from recmodels.features.sequences import SequenceData
from recmodels.layers.dropout import Dropout
from recmodels.layers.masks import attention_mask, padding_mask
from recmodels.layers.norm import LayerNorm
from recmodels.layers.position import LearnedPosition
from recmodels.layers.token_embedding import TokenEmbedding
from recmodels.layers.transformer import TransformerBlock
from recmodels.layers.tuning import tune_layers
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.text.sentences import Template, template_for
from recmodels.text.word_pieces import MASK, UNKNOWN, WordPieces, train_word_pieces


@keras.saving.register_keras_serializable("recmodels")
class SentenceEncoder(SequenceEncoder):
    """Read the latest events as a sentence, and predict the next one at a mask after its end.

        浏览 商品A , 浏览 商品B , [MASK]

    Every token sees all others, on both sides: a Transformer without a causal mask, as BERT (Devlin
    et al., 2019). Therefore only the state of the mask predicts the next event, and each training
    example is one prefix of a history. `MaskedLanguage` pre-trains the encoder on whole sentences;
    `NextEvent(encoder, types, num_components=0)` adds the heads for the next behaviour, its type
    and its item. Items are scored by the vector of their token.

    Args:
        types: labels of the behaviour types in the order of their codes.
        items: raw ids of the items 1..V, as text.
        tokens: of the vocabulary; see `WordPieces`.
        phrases, item: of the `Template`.
        token_item: how the vocabulary writes items; by default as `item`. A vocabulary of another
            language has its own way.
        max_length: L, the most events read.
        width, num_blocks, num_heads, hidden_width, dropout: see `SASRec`; blocks normalise first.

    Call arguments:
        inputs: dict with `item_ids` and `action`, int32 (B, T), padded on the left with 0.

    Returns:
        The state of the mask in the place of the last event, (B, T, D), and 0 everywhere else.

    Example:
        >>> data = prepare(leave_one_out(log), schema=Schema({"action": Category()}))
        >>> encoder = build_sentence_encoder(data, max_length=16)
        >>> fit(MaskedLanguage(encoder), data, epochs=5)
        >>> model = NextEvent(encoder, data.schema["action"].values, num_components=0)
        >>> fit(model, data, epochs=5, windows="prefixes", learning_rate=3e-3, encoder_rate=0.3)
    """

    columns = ("action",)
    causal = False  # So `fit` needs `windows="prefixes"`, with one target each.

    def __init__(
        self,
        types: Sequence[str],
        items: Sequence[str],
        tokens: Sequence[str],
        phrases: Mapping[str, str],
        item: str,
        token_item: str | None = None,
        max_length: int = 16,
        width: int = 64,
        num_blocks: int = 2,
        num_heads: int = 2,
        hidden_width: int | None = None,
        dropout: float = 0.1,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.types, self.items, self.tokens = list(types), list(items), list(tokens)
        self.template = Template(dict(phrases), item)
        self.pieces = WordPieces(self.tokens, item if token_item is None else token_item)
        self.max_length = check_whole("max_length", max_length)
        self.width, self.num_blocks = width, check_whole("num_blocks", num_blocks, 0)
        self.num_heads, self.hidden_width, self.dropout = num_heads, hidden_width, dropout
        self.column_sizes = {"action": {"codes": len(self.types) + 3}}
        self.behaviours = behaviour_tokens(self.template, self.pieces, self.types, self.items)
        self.mask_token = self.tokens.index(MASK)
        policy, spelled = self.dtype_policy, self.pieces.item_ids(self.items)
        self.item_embedding = TokenEmbedding(
            len(self.tokens), spelled, width, name="token_embedding", dtype=policy
        )
        longest = max_length * self.behaviours.shape[2] + 1
        self.position = LearnedPosition(longest, name="position", dtype=policy)
        self.drop = Dropout(dropout, name="drop", dtype=policy)
        self.blocks = [
            TransformerBlock(
                num_heads, hidden_width, dropout, "pre", name=f"block_{place}", dtype=policy
            )
            for place in range(num_blocks)
        ]
        self.norm = LayerNorm(name="norm", dtype=policy)

    def build(self, input_shape=None) -> None:
        shape = (None, None, self.width)
        self.item_embedding.build()
        for layer in (self.position, *self.blocks, self.norm):
            layer.build(shape)

    def call(self, inputs, training=None):
        table = ops.reshape(self.behaviours, (-1, self.behaviours.shape[2]))
        codes = inputs["action"] * self.behaviours.shape[1] + inputs["item_ids"]
        batch = ops.shape(codes)[0]
        tokens = ops.reshape(ops.take(table, codes, axis=0), (batch, -1))  # (B, T * W)
        asked = ops.full((batch, 1), self.mask_token, "int32")
        tokens = ops.concatenate([ops.cast(tokens, "int32"), asked], axis=1)
        state = self.read(tokens, training=training, last_only=True)
        return ops.pad(state, [[0, 0], [ops.shape(codes)[1] - 1, 0], [0, 0]])

    def read(self, tokens, training=None, last_only=False):
        """States of tokens, (B, S, D), or of the last one alone, (B, 1, D).

        Args:
            tokens: int32 (B, S); padding may be anywhere and changes nothing.
            training: whether dropout is on.
            last_only: whether the last block works out the last token alone.
        """
        real = padding_mask(tokens)
        count = ops.cumsum(ops.cast(real, "int32"), axis=1)
        x = self.item_embedding(tokens) * self.width**0.5
        x = self.drop(self.position(x, count[:, -1:] - count), training=training)
        mask = attention_mask(real, causal=False)
        for block in self.blocks:
            last = last_only and block is self.blocks[-1]
            x = block(x, mask, training=training, last_only=last)
        return self.norm(x)

    def tune(self, how: str = "full", rank: int = 4) -> None:
        """Choose which weights a further training changes; the heads are always trained.

        Args:
            how: `"full"`, `"frozen"`, `"partial"`, which is the last block and the final norm, or
                `"lora"`; see `tune_layers`.
            rank: of the low-rank change.

        Raises:
            ValueError: `how` is unknown, the encoder is not built, or already has low-rank weights.
        """
        require(self.built, "`tune` needs a built encoder: pre-train or load it first", how=how)
        layers = (self.item_embedding, self.position, *self.blocks, self.norm)
        tune_layers(layers, (*self.blocks[-1:], self.norm), how, rank)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "types": self.types,
            "items": self.items,
            "tokens": self.tokens,
            "phrases": dict(self.template.phrases),
            "item": self.template.item,
            "token_item": self.pieces.item,
            "max_length": self.max_length,
            "width": self.width,
            "num_blocks": self.num_blocks,
            "num_heads": self.num_heads,
            "hidden_width": self.hidden_width,
            "dropout": self.dropout,
        }


def build_sentence_encoder(
    data: SequenceData, size: int = 500, vocabulary: WordPieces | None = None, **options
) -> SentenceEncoder:
    """Build an encoder for some data, with a vocabulary trained on the training sentences.

    Args:
        data: with a `Category` named `action` in its schema.
        size: of the vocabulary without items.
        vocabulary: to use instead of a trained one.
        **options: of `SentenceEncoder`, such as `max_length` and `width`.

    Raises:
        ValueError: an argument is of another kind, or the data know no behaviour types.
    """
    must = "`data` must come from `prepare`, such as `prepare(leave_one_out(log), schema=...)`"
    require(isinstance(data, SequenceData), must, data=type(data))
    must = "`vocabulary` must be `WordPieces`, or None to train one"
    require(isinstance(vocabulary, WordPieces | None), must, vocabulary=vocabulary)
    must = "`data` must know the types of behaviour: name a Category `action` in the schema"
    require("action" in data.schema, must, schema=list(data.schema))
    types = [str(label) for label in data.schema["action"].values]
    items = [str(item) for item in data.vocabulary.raw_ids]
    template = template_for(types)
    if vocabulary is None:
        actions = data.train.columns["action"]
        known = (actions <= len(types)) & (data.train.items <= len(items))
        cells = actions[known].astype(np.int64) * (len(items) + 1) + data.train.items[known]
        events = (divmod(int(cell), len(items) + 1) for cell in np.unique(cells))
        corpus = [template.write([(types[t - 1], items[i - 1])]) + "," for t, i in events]
        vocabulary = train_word_pieces(corpus, template.item, items, size)
    return SentenceEncoder(
        types,
        items,
        vocabulary.tokens,
        template.phrases,
        template.item,
        vocabulary.item,
        **options,
    )


def behaviour_tokens(
    template: Template, pieces: WordPieces, types: Sequence[str], items: Sequence[str]
) -> np.ndarray:
    """Tokens of every type with every item, a comma after each, int32 (A + 3, V + 3, W).

    The row of type code a and the column of item id i are those of the schema and the vocabulary:
    0 is padding, and what is unknown or missing is written [UNK].
    """
    labelled = Template({**template.phrases, UNKNOWN: UNKNOWN + " {}"}, template.item)
    labels = [*types, UNKNOWN, UNKNOWN]
    names = [*map(template.item_words, items), UNKNOWN, UNKNOWN]
    phrases = [[labelled.phrases[label].replace("{}", name) for name in names] for label in labels]
    cut = [[pieces.encode(phrase + ",") for phrase in row] for row in phrases]
    longest = max(len(tokens) for row in cut for tokens in row)
    table = np.zeros((len(labels) + 1, len(names) + 1, longest), np.int32)
    for code, row in enumerate(cut, 1):
        for item, tokens in enumerate(row, 1):
            table[code, item, longest - len(tokens) :] = tokens
    return table
