"""Build a two-tower model that fits some data."""

import numpy as np

from recmodels.features.attributes import attribute_matrix
from recmodels.features.sequences import SequenceData
from recmodels.layers.tower import Tower
from recmodels.models.two_tower import TwoTower

USER_COLUMNS = ("age", "gender", "occupation")
ITEM_COLUMNS = ("title", "category")


def build_two_tower(
    data: SequenceData,
    *,
    width: int = 64,
    user_ids: bool = True,
    item_ids: bool = True,
    features: bool = False,
    read_ratings: bool = False,
    read_raters: bool = False,
    dropout: float = 0.0,
    **options,
) -> TwoTower:
    """Build a two-tower model whose sizes and features fit some data, ready for `fit`.

    Args:
        data: from `prepare`.
        width: D of both towers.
        user_ids, item_ids: whether each has a vector of its own.
        features: whether the towers read what the data's tables say of users (age, gender,
            occupation) and items (words of the title, categories).
        read_ratings, read_raters: whether the query tower reads the ratings of the user, the
            candidate tower those of the item.
        dropout: of both towers and the rating head.
        **options: of `TwoTower`: `head`, `popularity`, `normalise`, `temperature`.

    Example:
        >>> model = build_two_tower(data, width=64, user_ids=False, read_ratings=True, head="dot")
    """
    users = items = None
    if features:
        users = _attributes(data.users, data.train.users, USER_COLUMNS)
        items = _attributes(data.items, data.vocabulary.raw_ids, ITEM_COLUMNS)
    num_users, num_items = len(data.train), data.num_items
    query = Tower(
        num_users,
        width,
        user_ids,
        num_features=0 if users is None else users.shape[1],
        num_members=num_items + 1 if read_ratings else 0,
        dropout=dropout,
        name="query",
    )
    candidate = Tower(
        num_items,
        width,
        item_ids,
        num_features=0 if items is None else items.shape[1],
        num_members=num_users if read_raters else 0,
        dropout=dropout,
        name="candidate",
    )
    for tower, matrix in ((query, users), (candidate, items)):
        if matrix is not None:
            tower.build()
            tower.adapt(matrix)
    return TwoTower(query, candidate, **options)


def _attributes(table, raw_ids, columns: tuple[str, ...]) -> np.ndarray | None:
    """Encode the requested columns that a table has, (N, F); None if it has none."""
    present = () if table is None else tuple(name for name in columns if name in table)
    matrix = attribute_matrix(table, raw_ids, columns=present) if present else None
    return matrix if matrix is not None and matrix.shape[1] else None
