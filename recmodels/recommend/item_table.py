"""The item table, in the order of the model's item ids."""

import numpy as np
import pandas as pd

from recmodels.data.errors import invalid, require
from recmodels.data.interactions import Interactions
from recmodels.features.vocabulary import Vocabulary
from recmodels.recommend.recommendation import OWN_COLUMNS


def item_facts(interactions: Interactions) -> pd.DataFrame:
    """Compute columns for rules from a log.

    Args:
        interactions: only the training events; other events would be a data leak.

    Returns:
        Indexed by raw item id: `events`, `users`, and where the log has them `mean_value` of
        `value`, `first_seen` and `last_seen` in UTC seconds.

    Example:
        >>> facts = item_facts(split.train)
        >>> recommender = Recommender(model, vocabulary, items=log.items.join(facts))
        >>> recommender.recommend(history, rules=[AtLeast(20, "events"), AtLeast(3.5)])
    """
    groups = interactions.events.groupby("item", sort=False)
    facts = {"events": groups.size(), "users": groups["user"].nunique()}
    if "value" in interactions.events.columns:
        facts["mean_value"] = groups["value"].mean()
    if "timestamp" in interactions.events.columns:
        facts["first_seen"] = groups["timestamp"].min()
        facts["last_seen"] = groups["timestamp"].max()
    return pd.DataFrame(facts)


def in_item_order(items: pd.DataFrame, vocabulary: Vocabulary) -> pd.DataFrame:
    """Return one row per item of the vocabulary, (V, columns); missing if the table has none.

    Raises:
        ValueError: ids or columns are not distinct, a column has a name of ours, or no item is
            known.
    """
    clash = [column for column in items.columns if column in OWN_COLUMNS]
    distinct = items.index.is_unique and items.columns.is_unique
    require(
        distinct and not clash,
        "`items` must be indexed by distinct raw ids, and have distinct columns, none of them "
        f"named {OWN_COLUMNS}: use set_index on the id, drop_duplicates, rename",
        columns=list(items.columns),
        distinct=distinct,
    )
    known = vocabulary.encode(items.index) != vocabulary.unknown_id
    message = "`items` has no item of the vocabulary: is it indexed by raw id, strings where the "
    shown = {"index": list(items.index[:3]), "vocabulary": list(vocabulary.raw_ids[:3])}
    require(known.any(), message + "log has strings?", **shown)
    return items.reindex(vocabulary.raw_ids)


def checked_vectors(vectors, vocabulary: Vocabulary) -> np.ndarray | None:
    """Item vectors as float32, (V, D), or None as it came.

    Raises:
        ValueError: there is not one finite vector per item.
    """
    if vectors is None:
        return None
    try:
        vectors = np.asarray(vectors, np.float32)
    except (TypeError, ValueError) as error:
        raise invalid("`item_vectors` must be numbers, (V, D)", error=error) from error
    finite = bool(np.isfinite(vectors).all())
    shape = f"({len(vocabulary)}, D)"
    must = f"`item_vectors` must be one finite vector per item, {shape}, in the order"
    fits = vectors.ndim == 2 and len(vectors) == len(vocabulary) and finite
    require(fits, f"{must} of the item ids", shape=vectors.shape, finite=finite)
    return vectors
