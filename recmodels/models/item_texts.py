"""Sequence encoders that contain the last blocks of the text encoder of their items."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.layers.text_embedding import check_tuning, pack_texts
from recmodels.models.item_content import ItemContent
from recmodels.text.cleaning import is_list
from recmodels.text.encoder import TextEncoder

ENCODER = ("fitted", "width", "token_states")  # What an encoder of texts has.
LARGEST_DIFFERENCE = 0.01  # Of a number of a vector; rounding gives some 1e-5.


def tune_item_texts(
    model: ItemContent,
    column: str,
    encoder: TextEncoder,
    texts: Sequence[str | None],
    how: str = "lora",
    num_blocks: int = 1,
    rank: int = 4,
    rate: float = 1.0,
) -> ItemContent:
    """Return a copy of a model in which `fit` also trains the last blocks of the text encoder.

    At first the item vectors are those of the column; a training computes them anew. The first
    blocks of the encoder are not trained: what they compute for the tokens of all items is stored
    in the model. A training step encodes all texts, which costs about `6 * tokens * weights of the
    blocks` floating-point operations. So train the model with fixed vectors first, and then the
    copy with large batches in few steps; new layers that have learnt already also change the pre-
    trained ones less (Kumar et al., "Fine-tuning can distort pretrained features and underperform
    out-of-distribution", ICLR 2022).

    A file of the model has the tuned weights; after loading they are frozen until
    `model.item_embedding.texts.tune` is called. New items cannot be added.

    Args:
        model: with the column in `item_columns`; trained, or without weights yet.
        column: name of a `Vector` column of items that holds the vectors of the encoder.
        encoder: a fitted `TextEncoder` of a Transformer, the one of the column.
        texts: of the items 1..V in the order of their ids, None where missing, (V,).
        how: which weights of the blocks are trained: `"frozen"` for none, `"partial"` for all, or
            `"lora"` for a low-rank change of queries and values; see `tune_layers`.
        num_blocks: the last blocks of the encoder that are part of the model.
        rank: of the low-rank change.
        rate: by which the learning rate is multiplied for these weights.

    Returns:
        A new model of the same class, which is built.

    Raises:
        ValueError: the model has no such column, or contains such blocks already; the encoder is
            TF-IDF or no `TextEncoder`, is not fitted, has fewer blocks or another width than the
            column; `texts` has another length, or the encoder does not give the vectors of the
            column for them; `how`, `rank` or `rate` is out of range.

    Example:
        >>> encoder = TextEncoder("minilm", size=128).fit(item_texts(items))
        >>> items["text"] = list(encoder.encode_items(items))
        >>> data = prepare(split, schema=Schema({"text": Vector(of="items")}))
        >>> model = SASRec(data.num_items, item_columns=data.schema.input_sizes("text"))
        >>> fit(model, data)
        >>> texts = item_texts(data.items).reindex(data.vocabulary.raw_ids)
        >>> tuned = tune_item_texts(model, "text", encoder, texts, how="lora")
        >>> fit(tuned, data, batch_size=128, epochs=3)

    Papers: Hu et al., "LoRA: Low-rank adaptation of large language models", ICLR 2022; Yuan et
    al., "Where to go next for recommender systems? ID- vs. modality-based recommender models
    revisited", SIGIR 2023, which trains a text encoder through the loss of SASRec.
    """
    check_tuning(how, rank, rate)  # Before all texts are encoded.
    _check(model, column, encoder, texts)
    states, items = pack_texts(encoder.token_states(texts, num_blocks))
    bert = encoder.transformer.bert
    sizes = {
        "shape": list(states.shape),
        "num_blocks": num_blocks,
        "num_heads": bert.num_heads,
        "hidden_width": bert.hidden_width,
        "epsilon": bert.epsilon,
        "normalise": encoder.transformer.normalise,
        "size": encoder.size,
    }
    columns = {**model.item_columns, column: {**model.item_columns[column], "texts": sizes}}
    tuned = type(model).from_config({**model.get_config(), "item_columns": columns})
    tuned.build()
    blocks = tuned.item_embedding.texts
    whitening = encoder.whitening and (encoder.whitening.mean, encoder.whitening.weights)
    blocks.assign(states, items, bert.blocks[-num_blocks:], whitening)
    if model.built:
        own = {id(weight) for weight in blocks.weights}
        others = [weight for weight in tuned.weights if id(weight) not in own]
        for weight, value in zip(others, model.weights, strict=True):
            weight.assign(np.array(ops.convert_to_numpy(value)))  # JAX would share its memory.
        _check_same_vectors(tuned)
    blocks.tune(how, rank, rate)
    return tuned


def _check_same_vectors(tuned: ItemContent) -> None:
    """Raise a `ValueError` unless the blocks compute the vectors that the model was trained on."""
    embedding = tuned.item_embedding
    before = ops.convert_to_numpy(embedding.content)
    embedding.refresh()
    after = ops.convert_to_numpy(embedding.content)
    embedding.content.assign(before)
    if not before.any():
        return  # The model has weights, but no columns of items yet.
    must = (
        "`encoder` and `texts` must give the vectors of the column: fit it to the same texts, and "
    )
    must += "order `texts` by item id, as `item_texts(data.items).reindex(data.vocabulary.raw_ids)`"
    difference = float(np.abs(after - before).max())
    require(difference < LARGEST_DIFFERENCE, must, largest_difference=difference)


def _check(
    model: ItemContent, column: str, encoder: TextEncoder, texts: Sequence[str | None]
) -> None:
    """Raise a `ValueError` unless the column of the model holds what the encoder computes."""
    must = "`model` must read `column`: give it `item_columns=data.schema.input_sizes(column)`"
    can_read = isinstance(model, ItemContent) and isinstance(column, str)
    can_read = can_read and column in model.item_columns
    require(can_read, must, model=type(model).__name__, column=column)
    must = "`model` must be without blocks: call `model.item_embedding.texts.tune` for other ones"
    require("texts" not in model.item_columns[column], must, column=column)
    must = "`encoder` must be a fitted `TextEncoder`, the one of the column"
    encodes = all(hasattr(encoder, name) for name in ENCODER)
    require(encodes, must, encoder=type(encoder).__name__)
    must = f"`texts` must be a list with one text per item, {model.num_items}"
    found = len(texts) if is_list(texts) else type(texts).__name__
    require(found == model.num_items, must, texts=found)
    numbers = model.item_columns[column]["numbers"]
    must = "`encoder` must be fitted, and its vectors must be those of the column"
    # A `Vector` column has one more number, which says whether the vector is missing.
    fits = encoder.fitted and encoder.width + 1 == numbers
    require(fits, must, fitted=encoder.fitted, width=encoder.width, numbers=numbers)
