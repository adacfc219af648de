"""Add new items of the catalogue to a recommender."""

from dataclasses import replace

import numpy as np
import pandas as pd

from recmodels.features.histories import Histories
from recmodels.models.capabilities import readers_of_item_columns
from recmodels.models.growth import grow
from recmodels.recommend.item_table import in_item_order
from recmodels.recommend.raw_ids import as_list
from recmodels.recommend.recommender import Recommender
from recmodels.recommend.text_encoders import add_vectors


def add_items(recommender: Recommender, items) -> Recommender:
    """Return a recommender with further items after the old ones; known ids are ignored.

    Old items keep their ids and scores. Nothing is learnt about new items yet. A model that reads
    columns of items, such as the vectors of their texts, scores new items by these columns at once:
    the table must have them, or the recommender must have `texts` that encode the titles. For other
    models they are listed last until training continues (`fit` on data that were prepared with
    `vocabulary=recommender.vocabulary`).

    Args:
        recommender: around a model that `grow` can enlarge. Its index is left out, because it
            holds other vectors: build one again.
        items: a table indexed by raw id, as of `Recommender(items=...)`, or a list of raw ids.

    Raises:
        ValueError: `items` is neither, ids are not of the catalogue's type, the recommender has
            item vectors of its own, or the model cannot grow.

    Example:
        >>> larger = add_items(recommender, pd.DataFrame({"title": ["Jug"]}, index=["jug"]))
        >>> larger.recommend(["tea"], only=["jug"]).items
        ['jug']
    """
    is_table = isinstance(items, pd.DataFrame)
    table = items if is_table else pd.DataFrame(index=as_list(items, "items"))
    old = recommender.vocabulary
    kinds = [pd.api.types.infer_dtype(ids) for ids in (old.raw_ids, table.index)]
    if len(table) and kinds[0] != kinds[1]:
        raise ValueError(
            "`items` must have raw ids of the type of the catalogue. "
            f"Received: {kinds[1]} for a catalogue of {kinds[0]}"
        )
    if recommender.item_vectors is not None:
        raise ValueError(
            "`recommender` has item vectors that were given to it: make it again with vectors for "
            f"all items. Received: item_vectors of shape {recommender.item_vectors.shape}"
        )
    vocabulary = old.grow(table.index)
    num_new = len(vocabulary) - len(old)
    fallback, known = recommender.fallback, recommender.items
    has_no_fallback = fallback is recommender.scorer or fallback is None
    if known is not None or len(table.columns):
        fresh = add_vectors(table[~table.index.isin(old.raw_ids)], known, recommender.texts)
        known = fresh if known is None else pd.concat([known, fresh])
    scorer = grow(recommender.scorer, num_new)
    if known is not None and recommender.schema.names_of("items"):
        columns = recommender.schema.encode_items(in_item_order(known, vocabulary), vocabulary)
        for reader in readers_of_item_columns(scorer):
            reader.adapt_items(columns)
    return Recommender(
        scorer,
        vocabulary,
        items=known,
        filter_seen=recommender.filter_seen,
        fallback=None if has_no_fallback else grow(fallback, num_new),
        name=recommender.name,
        histories=_shifted(recommender.histories, len(old), num_new),
        rules=recommender.rules,
        schema=recommender.schema,
        texts=recommender.texts,
    )


def _shifted(histories: Histories | None, num_old: int, num_new: int) -> Histories | None:
    """Histories whose unknown items are those of the larger catalogue."""
    if histories is None:
        return None
    unknown = histories.items > num_old
    items = np.where(unknown, histories.items + num_new, histories.items).astype(np.int32)
    return replace(histories, items=items)
