"""Capabilities of models as protocols, which callers test for before they use a model."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, runtime_checkable

import numpy as np

from recmodels.models.event_forecast import EventForecast


@runtime_checkable
class Scores(Protocol):
    """Can score items for histories; required for evaluation.

    `max_length` is how many of the latest events it reads, None for all of them. A model that
    reads more than the items names those event columns in `columns`, such as `("value",)`.
    """

    max_length: int | None

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Float scores, higher is better.

        Args:
            queries: `item_ids`, int32 (B, T), padded on the left with 0; `user_ids`, int32 (B,),
                the row in the training histories or -1; and the model's columns, (B, T, ...).
            items: item ids to score, (K,); by default the whole catalogue.

        Returns:
            (B, V + 1), where column i belongs to item i and column 0 to padding, or (B, K).
        """


@runtime_checkable
class Fits(Protocol):
    """Is fitted by counting or in closed form: `fit(train, num_items)` returns the model."""

    def fit(self, train, num_items: int):
        """Learn from training histories."""


@runtime_checkable
class Trains(Protocol):
    """Is trained in epochs: `task` names its loss and batches, see `tasks/build.py`."""

    task: str


@runtime_checkable
class HasItems(Protocol):
    """Has a catalogue of `num_items` items; a counting model knows it after `fit`."""

    num_items: int


@runtime_checkable
class Rates(Protocol):
    """Predicts ratings."""

    def rate(self, queries: dict[str, np.ndarray], items: np.ndarray) -> np.ndarray:
        """Expected ratings of items, (B,) or (B, K)."""


@runtime_checkable
class HasVectors(Protocol):
    """Scores are dot products, so that an index can find the best items."""

    def query_vectors(self, queries: dict[str, np.ndarray]) -> np.ndarray:
        """Float32, (B, D)."""

    def item_vectors(self) -> np.ndarray:
        """Float32, (V, D); row i - 1 belongs to item i."""


@runtime_checkable
class Recurrent(Protocol):
    """Can read further events from a state that it returned earlier."""

    def extend(self, inputs, states: list | None, training=None) -> tuple:
        """Outputs for further events, and the states after them."""


@runtime_checkable
class HasAttention(Protocol):
    """Returns its attention weights."""

    def attention(self, queries: dict[str, np.ndarray]) -> np.ndarray:
        """Weights of the last position on each event, float32 (B, blocks, heads, T)."""


@runtime_checkable
class PredictsEvents(Protocol):
    """Predicts the type and the item of the next event, and the time until it comes.

    `types` are the labels of the behaviour types, in the order of the forecasts.
    """

    types: tuple[str, ...]

    def next_event(self, queries: dict[str, np.ndarray], with_items: bool = True) -> EventForecast:
        """The distribution of the next event of each query.

        Args:
            queries: see `Scores.score`.
            with_items: whether the probabilities of items are wanted, B x A x (V + 1) numbers; if
                so, ask for some hundred rows at a time.
        """


@runtime_checkable
class HasEncoder(Protocol):
    """Puts heads on the states of a sequence encoder, which is its `encoder`."""

    encoder: object


@runtime_checkable
class Covers(Protocol):
    """Can score items without a training event, for example by their texts."""

    def covered_items(self) -> np.ndarray:
        """Return whether the model can score each item, bool, (V + 1,); padding is False."""


@runtime_checkable
class AnswersEmpty(Protocol):
    """Can score items for an empty history."""

    answers_empty: bool


@runtime_checkable
class ChoosesSettings(Protocol):
    """Chooses settings that the user left open from training data, before it is built."""

    def choose_settings(self, data) -> dict[str, object]:
        """Choose settings; return the options of `fit` that belong to them."""

    def choose_safer_settings(self) -> dict[str, object]:
        """As `choose_settings`, for a second training after one that learnt nothing."""


@runtime_checkable
class ReadsColumns(Protocol):
    """Is built for columns of certain sizes, which are given by name; see `Schema.input_sizes`."""

    column_sizes: dict[str, dict[str, int]]


@runtime_checkable
class ReadsItemColumns(Protocol):
    """Makes item vectors from columns of the items, by name; see `SequenceData.item_columns`."""

    item_columns: dict[str, dict[str, int]]

    def adapt_items(self, columns: dict[str, np.ndarray], counts: np.ndarray | None = None) -> None:
        """Set the columns of all items, (V + 3, C) by name, and their training events, (V + 1,)."""


@runtime_checkable
class HasUserRows(Protocol):
    """May store a row for each training user.

    `num_users` and `user_rows`, a digest of their ids, are None as long as they are not known.
    """

    has_user_rows: bool
    num_users: int | None
    user_rows: str | None


@runtime_checkable
class Grows(Protocol):
    """Can be extended by new items: `grown(num_new)` returns a larger copy."""

    def grown(self, num_new: int):
        """A copy with rows for new items; see `grow`."""


@runtime_checkable
class HasParts(Protocol):
    """Consists of other models, which are arguments of its constructor besides plain options."""

    def parts(self) -> dict[str, object]:
        """Models, or lists of models, by argument."""

    def options(self) -> dict[str, object]:
        """Plain values, by argument."""


@runtime_checkable
class Learns(Protocol):
    """Has fitted arrays and plain values: `counts` of items after `fit`, and `learnt`."""

    learnt: dict[str, str]
    counts: np.ndarray


@runtime_checkable
class SavesItself(Protocol):
    """Can save itself to a file after it is built, as every Keras model does."""

    built: bool

    def save(self, filepath) -> None:
        """Write the file."""


def map_parts(parts: dict, change: Callable) -> dict:
    """Return the results of `change(place, part)` for each part, such as `("scorers.0", model)`."""

    def one_or_many(place: str, part):
        if isinstance(part, list):
            return [change(f"{place}.{index}", each) for index, each in enumerate(part)]
        return change(place, part)

    return {name: one_or_many(name, part) for name, part in parts.items()}


def all_parts(model) -> Iterator:
    """Yield a model, then all models that it is made of, at any depth."""
    yield model
    parts = []
    if can(model, HasParts):
        map_parts(model.parts(), lambda _, part: parts.append(part))
    for part in parts:
        yield from all_parts(part)


def readers_of_item_columns(model) -> Iterator[ReadsItemColumns]:
    """Yield the parts of a model, and their encoders, that read columns of the items."""
    for part in all_parts(model):
        for reader in (part, getattr(part, "encoder", None)):
            if can(reader, ReadsItemColumns) and reader.item_columns:
                yield reader


def can(model, capability: type) -> bool:
    """Return whether a model has a capability, such as `can(model, Rates)`."""
    has = isinstance(model, capability)
    return has and (capability is not AnswersEmpty or bool(model.answers_empty))


def require(model, capability: type, purpose: str) -> None:
    """Raise a `ValueError` that names the model unless it has a capability.

    Args:
        model: of any kind.
        capability: a protocol of this module.
        purpose: the argument or call that needs it, for the error.
    """
    if not can(model, capability):
        first = capability.__doc__.split(":")[0].split(".")[0]
        raise ValueError(
            f"{purpose} needs a model that has the capability `{capability.__name__}` ({first}). "
            f"Received: model={type(model).__name__}"
        )


def columns_of(model, carried: Iterable[str] | None = None) -> tuple[str, ...]:
    """Event columns that a model reads besides the items.

    Args:
        model: of any kind.
        carried: columns that are available; of the others, those that the model does not require
            (its `optional_columns`) are left out.
    """
    wanted = tuple(getattr(model, "columns", ()))
    if carried is None:
        return wanted
    optional = getattr(model, "optional_columns", ())
    return tuple(name for name in wanted if name in carried or name not in optional)


def joined_columns(models: Iterable) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`columns` and `optional_columns` of a model made of several."""
    models = list(models)
    wanted = dict.fromkeys(name for model in models for name in columns_of(model))
    needed = {name for model in models for name in columns_of(model, ())}
    return tuple(wanted), tuple(name for name in wanted if name not in needed)
