"""What a column may describe: an event, its item, its user, or the event that is asked for."""

from recmodels.features.columns import Category, Column, Flag
from recmodels.features.number_columns import Clock, Gap

OF = ("events", "items", "users", "asked")


def check_described(name: str, column: Column, source: str) -> None:
    """Raise if a column has an invalid `of`, or would give a query its target."""
    if column.of not in OF:
        raise ValueError(f"`of` must be one of {OF}. Received: {name!r}: of={column.of!r}")
    if column.of_history and column.of not in ("events", "asked"):
        raise ValueError(
            "Gaps and Counts depend on earlier events, so they can only describe events. "
            f"Received: {name!r}: of={column.of!r}"
        )
    if isinstance(column, Gap) and column.by is not None and column.of == "asked":
        raise ValueError(
            "A Gap of the event to predict must have no `by`: the time since the same value would "
            f"tell the value itself. Received: {name!r}: by={column.by!r}"
        )
    told = isinstance(column, Category | Flag) and source not in ("timestamp", "item", "user")
    if column.of == "asked" and not (told or isinstance(column, Clock | Gap)):
        raise ValueError(
            f"Column `{name}` must be a Category or a Flag, such as the type of behaviour, or a "
            "Clock or a Gap to be asked for: the item or a number of the event to predict would "
            f"put the answer into the question. Received: kind={column.kind!r}, source={source!r}"
        )
