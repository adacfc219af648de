"""Convert a split with raw ids to the integer arrays of models."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from recmodels.data.splits import Cases, Split
from recmodels.features.checks import digest
from recmodels.features.histories import Histories, build_histories
from recmodels.features.protocol import DEFAULT_PROTOCOL, Protocol
from recmodels.features.schema import Schema
from recmodels.features.vocabulary import Vocabulary

EMPTY_SCHEMA = Schema({})


@dataclass(frozen=True, eq=False)
class Queries:
    """Encoded cases: one history and one target per user.

    Args:
        histories: everything known of each user, (U,) of them.
        user_ids: row of each user in the training histories, int32, (U,); -1 for newcomers.
        targets: item ids, int32, (U,); the unknown id where the catalogue lacks the target.
        trained: whether each target occurs in training, bool, (U,). No model can have learnt
            the others: they count as misses.
        at: the UTC second at which each query is asked, float64, (U,): that of the last event
            known, or under `Protocol(query_time=True)` that of the target. NaN where there is
            none. None where the source has no times.
        num_items: V of the catalogue, which every model that ranks for them must have; None
            where that is not known.
        protocol: how lists for these queries are made and measured.
        train: training histories, whose rows `user_ids` count; None where not known.
        target_columns: further values of each target, (U,) by name: the codes or numbers of the
            schema's event columns, such as `"action"`, and `"gap_seconds"`, float64, the seconds
            from the last event to the target. For measures only; they are not model inputs.
        schema: of the columns that the histories carry.
    """

    histories: Histories
    user_ids: np.ndarray
    targets: np.ndarray
    trained: np.ndarray
    num_items: int | None = None
    at: np.ndarray | None = None
    protocol: Protocol = DEFAULT_PROTOCOL
    train: Histories | None = None
    target_columns: dict[str, np.ndarray] = field(default_factory=dict)
    schema: Schema = EMPTY_SCHEMA

    def __len__(self) -> int:
        return len(self.targets)

    def identity(self, columns: tuple[str, ...] = ()) -> str:
        """Digest of the queries and of those `columns` that the histories carry."""
        histories = self.histories
        carried = [histories.columns[name] for name in columns if name in histories.columns]
        cases = (self.user_ids, self.targets, self.trained)
        return digest(histories.items, histories.offsets, *cases, *carried)

    def sample(self, count: int, seed: int = 0) -> "Queries":
        """At most `count` of the queries, drawn at random and kept in their order."""
        if len(self) <= count:
            return self
        rows = np.sort(np.random.default_rng(seed).choice(len(self), count, replace=False))
        return replace(
            self,
            histories=self.histories.select(rows),
            user_ids=self.user_ids[rows],
            targets=self.targets[rows],
            trained=self.trained[rows],
            at=None if self.at is None else self.at[rows],
            target_columns={name: values[rows] for name, values in self.target_columns.items()},
        )


@dataclass(frozen=True, eq=False)
class SequenceData:
    """An encoded split: the data of `fit` and `evaluate`.

    Args:
        vocabulary: of the split's catalogue.
        train: training histories.
        validation, test: queries; `test` is None where the split has none.
        newcomers: test queries of the users whose history is empty; None where there are none.
        name: of the log.
        protocol: how lists are made and measured, the split's name included.
        items, users: tables of what is known of items and users, or None.
        schema: of the encoded columns that the histories carry, fitted on the training events.
    """

    vocabulary: Vocabulary
    train: Histories
    validation: Queries
    test: Queries | None
    name: str = "events"
    protocol: Protocol = DEFAULT_PROTOCOL
    newcomers: Queries | None = None
    items: pd.DataFrame | None = None
    users: pd.DataFrame | None = None
    schema: Schema = EMPTY_SCHEMA

    @property
    def num_items(self) -> int:
        """V, the number of items that can be ranked."""
        return len(self.vocabulary)

    @cached_property
    def item_columns(self) -> dict[str, np.ndarray]:
        """The schema's columns of items for the whole catalogue, (V + 3, ...), row i for item id i.

        See `Schema.encode_items`. For item towers and models of content; models that read the
        items of a history find the same values in their inputs, under the same names.
        """
        return self.schema.encode_items(self.items, self.vocabulary)


def prepare(
    split: Split,
    columns: tuple[str, ...] = (),
    schema: Schema = EMPTY_SCHEMA,
    protocol: Protocol = DEFAULT_PROTOCOL,
    vocabulary: Vocabulary | None = None,
) -> SequenceData:
    """Build the vocabulary of a split's catalogue and encode its three parts.

    Args:
        split: from `leave_one_out` or `temporal_cutoff`.
        columns: event columns to carry along in the histories as they are, such as
            `("timestamp",)`.
        schema: typed columns to encode; it is fitted here, on the training events and on the rows
            of their items and users alone. Where it has columns of the target event, each query
            carries those of its target at the last position of its history.
        protocol: how lists are made and measured.
        vocabulary: of an earlier version of the log. Its items keep their ids and new ones follow,
            so that a model can be grown and trained further. A schema that was fitted then keeps
            its codes likewise.

    Raises:
        ValueError: `split` is no split, or its events lack a column.

    Example:
        >>> schema = Schema({"action": Category(), "gap": Gap()})
        >>> data = prepare(leave_one_out(log), schema=schema)
        >>> data.train.columns["action"]          # int32 codes, (N,)
    """
    _check_split(split, columns)
    catalogue, grows = split.catalogue, vocabulary is not None
    vocabulary = vocabulary.grow(catalogue) if grows else Vocabulary(catalogue)
    if not (grows and schema.fitted):
        schema = schema.fit(split.train.events, split.train.items, split.train.users)
    _check_time_asked(schema, protocol)
    train = build_histories(split.train, vocabulary, columns=columns, schema=schema)
    test = split.test
    asked = tuple(schema.source(name) for name in schema.names_of("asked"))
    protocol = replace(protocol, split=split.protocol, asked=asked)
    encode = _CaseEncoder(vocabulary, train, columns, schema, protocol)
    arrive = test is not None and test.newcomers is not None and len(test.newcomers)
    return SequenceData(
        vocabulary=vocabulary,
        train=train,
        validation=encode(split.validation),
        test=None if test is None else encode(test),
        name=split.train.name,
        protocol=encode.protocol,
        newcomers=encode(Cases(test.inputs, test.newcomers)) if arrive else None,
        items=split.train.items,
        users=split.train.users,
        schema=schema,
    )


def _check_split(split: Split, columns: tuple[str, ...]) -> None:
    if not isinstance(split, Split):
        raise ValueError(
            "`split` must be a split, such as `leave_one_out(log)`. "
            f"Received: split={type(split).__name__}"
        )
    there = list(split.train.events)
    if isinstance(columns, str) or not set(columns) <= set(there):
        raise ValueError(
            "`columns` must be a tuple of event columns, such as ('value',). "
            f"Received: columns={columns!r}, the events have {there}"
        )


def _check_time_asked(schema: Schema, protocol: Protocol) -> None:
    names = schema.names_of_time_asked()
    if names and not protocol.query_time:
        raise ValueError(
            f"The columns {list(names)} of the schema tell each query the time of its target: ask "
            "for it with `protocol=Protocol(query_time=True)`, which results record, or leave "
            f"them out. Received: query_time={protocol.query_time}"
        )


@dataclass(frozen=True, eq=False)
class _CaseEncoder:
    """Makes queries of cases; see `SequenceData` for the fields."""

    vocabulary: Vocabulary
    train: Histories
    columns: tuple[str, ...]
    schema: Schema
    protocol: Protocol

    def __call__(self, cases: Cases) -> Queries:
        users = cases.targets.events["user"].to_numpy()
        targets = self.vocabulary.encode(cases.targets.events["item"])
        counts = self.train.item_counts(len(self.vocabulary))
        rolling = cases.known is not None  # Each case has a history of its own.
        everyone = None if rolling else users
        known = build_histories(cases.inputs, self.vocabulary, everyone, self.columns, self.schema)
        if rolling:
            known = known.select(pd.Index(known.users).get_indexer(users), users, cases.known)
        at = cases.last_times()
        return Queries(
            histories=known.asking(self.schema.encode_asked(cases.targets.events, at)),
            user_ids=pd.Index(self.train.users).get_indexer(users).astype(np.int32),
            targets=targets,
            trained=np.append(counts, 0)[targets] > 0,  # The unknown id is V + 1.
            num_items=len(self.vocabulary),
            at=self._asked_at(cases, at),
            protocol=self.protocol,
            train=self.train,
            target_columns=self._target_columns(cases.targets.events, at),
            schema=self.schema,
        )

    def _asked_at(self, cases: Cases, last: np.ndarray | None) -> np.ndarray | None:
        if last is None or not self.protocol.query_time:
            return last
        return cases.targets.events["timestamp"].to_numpy(np.float64)

    def _target_columns(
        self, events: pd.DataFrame, last: np.ndarray | None
    ) -> dict[str, np.ndarray]:
        """See `Queries`; gaps and counts have no previous events here and are left out."""
        names = self.schema.names_of("events")
        names = [name for name in names if not self.schema[name].of_history]
        columns = Schema({name: self.schema[name] for name in names}).encode(events)
        if last is not None:
            columns["gap_seconds"] = events["timestamp"].to_numpy(np.float64) - last
        return columns
