"""Vectors of texts as columns of the items of a split."""

from dataclasses import replace

import numpy as np

from recmodels.data.errors import require
from recmodels.data.files import project_data
from recmodels.data.splits import Cases, Split
from recmodels.features.columns import Vector
from recmodels.features.schema import Schema
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
    trained = items.index.isin(split.train.events["item"].unique())
    for name, arguments in encoders.items():
        encoder = TextEncoder(**arguments, cache=project_data() / "text_vectors", verbose=True)
        vectors = encoder.fit(texts[trained]).encode_items(items)
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


def _with_items(cases: Cases, items) -> Cases:
    parts = {"inputs": cases.inputs, "targets": cases.targets, "newcomers": cases.newcomers}
    changed = {n: replace(part, items=items) for n, part in parts.items() if part is not None}
    return replace(cases, **changed)
