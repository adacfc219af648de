"""Vectors of texts as columns of the items of a split."""

from dataclasses import replace

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.files import project_data
from recmodels.data.splits import Cases, Split
from recmodels.features.columns import Vector
from recmodels.features.schema import Schema
from recmodels.features.sequences import SequenceData
from recmodels.models.item_content import ItemContent
from recmodels.models.item_texts import tune_item_texts
from recmodels.text.cleaning import item_texts
from recmodels.text.encoder import TextEncoder
from recmodels.text.leaks import text_leaks


def with_item_text(split: Split, encoders: dict[str, dict]) -> Split:
    """Return a split whose items have vectors of their titles and categories.

    TF-IDF and whitening are learnt from the items of the training events. Vectors of Transformers
    are kept in `data/text_vectors` for the next run.

    Args:
        split: whose items have a `title` or a `category`.
        encoders: arguments of a `TextEncoder` by the name of the column.

    Raises:
        ValueError: the items have no texts, an encoder cannot read them, or texts name what comes
            next (`text_leaks`). Ids and the order of the file are not read.
    """
    items = split.train.items
    texts = item_texts(items)
    leak = text_leaks(split.validation, texts, items.get("title")).loc["named in the text"]
    must = "`split` must have items whose texts do not name the item that comes next"
    require(not leak["leak"], must, **leak)
    for name, arguments in encoders.items():
        vectors = _fitted(arguments, split).encode_items(items)
        items = items.assign(**{name: list(vectors.astype(np.float64))})
    return replace(
        split,
        train=replace(split.train, items=items),
        validation=_with_items(split.validation, items),
        test=None if split.test is None else _with_items(split.test, items),
    )


def text_schema(schema: Schema, encoders: dict[str, dict]) -> Schema:
    """A schema with a column of vectors of the items for each encoder."""
    return Schema({**schema.columns, **{name: Vector(of="items") for name in encoders}})


def tune_text(
    model: ItemContent, data: SequenceData, split: Split, encoders: dict[str, dict], tuning: dict
) -> ItemContent:
    """Return a model that contains the last blocks of its text encoder; see `tune_item_texts`.

    Args:
        model, data, split: the untrained model, its data, and what they were made from.
        encoders: arguments of one `TextEncoder` by the name of its column.
        tuning: further arguments of `tune_item_texts`, such as `how`.
    """
    ((name, arguments),) = encoders.items()
    return tune_item_texts(model, name, _fitted(arguments, split), texts_of(data), **tuning)


def texts_of(data: SequenceData) -> pd.Series:
    """The texts of the items 1..V in the order of their ids."""
    return item_texts(data.items).reindex(data.vocabulary.raw_ids)


def cached_encoder(arguments: dict) -> TextEncoder:
    """A `TextEncoder` that keeps vectors of Transformers in `data/text_vectors`."""
    return TextEncoder(**arguments, cache=project_data() / "text_vectors", verbose=True)


def _fitted(arguments: dict, split: Split) -> TextEncoder:
    """An encoder that has learnt from the items of the training events."""
    items = split.train.items
    trained = items.index.isin(split.train.events["item"].unique())
    return cached_encoder(arguments).fit(item_texts(items)[trained])


def _with_items(cases: Cases, items) -> Cases:
    parts = {"inputs": cases.inputs, "targets": cases.targets, "newcomers": cases.newcomers}
    changed = {n: replace(part, items=items) for n, part in parts.items() if part is not None}
    return replace(cases, **changed)
