"""Check that a model fits the data that it is trained on, evaluated on or served with."""

from recmodels.data.errors import require
from recmodels.features.checks import check_columns, user_rows
from recmodels.features.histories import Histories
from recmodels.features.schema import Schema
from recmodels.models.capabilities import HasItems, HasUserRows, ReadsColumns, all_parts, can


def check_model(scorer, num_items: int | None, train: Histories, *, trained: bool = True) -> None:
    """Raise if a model has other items or users than the data.

    Args:
        scorer: the model; of a sum or chain of models each part is checked.
        num_items: V of the data; None where it is not known.
        train: histories whose rows are what `user_ids` count.
        trained: whether the rows of users in the model must be those of `train` already.

    Raises:
        ValueError: `train` is something else, the model is smaller or larger than the data, it
            was made for other columns, or its rows belong to others.
    """
    if not isinstance(train, Histories):
        raise ValueError(
            "`train`, or `histories`, must be histories such as `data.train`. "
            f"Received: {type(train).__name__}"
        )
    for part in all_parts(scorer):
        if can(part, HasItems) and num_items not in (None, part.num_items):
            raise ValueError(
                "`num_items` of the model must be that of the data: make the model with "
                f"`num_items=data.num_items`. Received: {type(part).__name__} with "
                f"num_items={part.num_items}, data with num_items={num_items}"
            )
        if can(part, ReadsColumns):
            check_columns(train.columns, part.column_sizes)
        if can(part, HasUserRows) and part.has_user_rows:
            check_user_rows(part, train, trained)


def check_schema(scorer, schema: Schema) -> None:
    """Raise where a model was made for columns that a schema does not have in the same sizes.

    Raises:
        ValueError: a column is missing, or has more or fewer codes or numbers, because the schema
            was fitted on another log.
    """
    for part in all_parts(scorer):
        for name, size in (part.column_sizes if can(part, ReadsColumns) else {}).items():
            found = schema.input_sizes(name)[name] if name in schema else None
            must = (
                f"`schema` must be the one that the model was trained with: {type(part).__name__} "
                f"reads the column `{name}` with {size}. Use `data.schema` of its training"
            )
            require(found == size, must, **{name: found})


def check_user_rows(model: HasUserRows, histories: Histories, trained: bool = True) -> None:
    """Raise if the rows of users in a model are not those of the histories."""
    count, rows = model.num_users, model.user_rows if trained else None
    if count not in (None, len(histories)):
        received = f"{count} users, histories of {len(histories)}"
    elif rows is not None and rows != user_rows(histories):
        received = "other users, or the same in another order"
    else:
        return
    raise ValueError(
        "A model with a row for each user needs histories of the users of its training, in the "
        "same rows: `data.train`, or `build_histories(log, data.vocabulary, data.train.users)`; "
        "towers are made for them with `Tower(len(data.train), ...)`. "
        f"Received: {type(model).__name__} of {received}"
    )
