"""From a raw split to the integer arrays a model learns from and is measured on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.interactions import Interactions
from recmodels.data.splits import Cases, Split
from recmodels.features.histories import Histories, build_histories
from recmodels.features.schema import Schema
from recmodels.features.vocabulary import Vocabulary

EMPTY_SCHEMA = Schema({})


@dataclass(frozen=True, eq=False)
class Queries:
    """Encoded cases: one history and one target a user.

    Args:
        histories: everything known of each user, (U,) of them.
        user_ids: row of each user in the training histories, int32, (U,); -1 for newcomers.
        targets: item ids, int32, (U,); the unknown id where the catalogue lacks the target.
        trained: whether each target occurs in training, bool, (U,). No model can have learnt
            the others: they count as misses.
        at: the UTC second at which each query is asked, float64, (U,): that of the last event
            known, never that of the target. NaN where there is none. None where the source has
            no times.
    """

    histories: Histories
    user_ids: np.ndarray
    targets: np.ndarray
    trained: np.ndarray
    at: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, eq=False)
class SequenceData:
    """A split in item ids: what `fit` and `evaluate` take.

    Args:
        vocabulary: of the split's catalogue.
        train: training histories.
        validation, test: queries; `test` is None where the split has none.
        newcomers: test queries of the users whose history is empty; None where there are none.
        name, protocol: where it came from, for reports.
        schema: of the encoded columns that the histories carry, fitted on the training events.
    """

    vocabulary: Vocabulary
    train: Histories
    validation: Queries
    test: Queries | None
    name: str
    protocol: str
    newcomers: Queries | None = None
    items: pd.DataFrame | None = None
    users: pd.DataFrame | None = None
    schema: Schema = EMPTY_SCHEMA

    @property
    def num_items(self) -> int:
        """V, the number of items that can be ranked."""
        return len(self.vocabulary)


def prepare(
    split: Split, columns: tuple[str, ...] = (), schema: Schema = EMPTY_SCHEMA
) -> SequenceData:
    """Build the vocabulary of a split's catalogue and encode its three parts.

    Args:
        split: from `leave_one_out` or `temporal_cutoff`.
        columns: event columns to carry along in the histories as they are, such as
            `("timestamp",)`.
        schema: typed columns to encode; it is fitted here, on the training events alone.

    Raises:
        ValueError: the events lack a column.

    Example:
        >>> schema = Schema({"action": Category(), "gap": Gap()})
        >>> data = prepare(leave_one_out(log), schema=schema)
        >>> data.train.columns["action"]          # int32 codes, (N,)
    """
    vocabulary = Vocabulary(split.catalogue)
    schema = schema.fit(split.train.events)
    train = build_histories(split.train, vocabulary, columns=columns, schema=schema)
    in_training = np.zeros(len(vocabulary) + 3, bool)
    in_training[train.items] = True
    in_training[vocabulary.unknown_id] = False
    train_users = pd.Index(train.users)

    def encode(cases: Cases) -> Queries:
        targets = vocabulary.encode(cases.targets.events["item"])
        users = cases.targets.events["user"].to_numpy()
        histories = build_histories(cases.inputs, vocabulary, users, columns, schema)
        user_ids = train_users.get_indexer(users).astype(np.int32)
        at = _last_times(cases.inputs, users)
        return Queries(histories, user_ids, targets, in_training[targets], at)

    test = split.test
    arrive = test is not None and test.newcomers is not None and len(test.newcomers)
    return SequenceData(
        vocabulary=vocabulary,
        train=train,
        validation=encode(split.validation),
        test=None if test is None else encode(test),
        name=split.train.name,
        protocol=split.protocol,
        newcomers=encode(Cases(test.inputs, test.newcomers)) if arrive else None,
        items=split.train.items,
        users=split.train.users,
        schema=schema,
    )


def _last_times(inputs: Interactions, users: np.ndarray) -> np.ndarray | None:
    """The time of the last event of each user, float64, (U,); NaN for users without events."""
    if inputs.order != "timed":
        return None
    known, offsets = inputs.user_offsets()
    times = inputs.events["timestamp"].to_numpy(np.float64)[offsets[1:] - 1]
    return pd.Series(times, index=known).reindex(users).to_numpy()
