"""From a raw split to the integer arrays a model learns from and is measured on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.splits import Cases, Split
from recmodels.features.checks import digest
from recmodels.features.histories import Histories, build_histories
from recmodels.features.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Queries:
    """Encoded cases: one history and one target a user.

    Args:
        histories: everything known of each user, (U,) of them.
        user_ids: row of each user in the training histories, int32, (U,); -1 for newcomers.
        targets: item ids, int32, (U,); the unknown id where the catalogue lacks the target.
        trained: whether each target occurs in training, bool, (U,). No model can have learnt
            the others: they count as misses.
        num_items: V of the catalogue, which every model that ranks for them must have; None
            where that is not known.
    """

    histories: Histories
    user_ids: np.ndarray
    targets: np.ndarray
    trained: np.ndarray
    num_items: int | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def identity(self, columns: tuple[str, ...] = ()) -> str:
        """Digest of the queries and of those `columns` that the histories carry."""
        histories = self.histories
        carried = [histories.columns[name] for name in columns if name in histories.columns]
        cases = (self.user_ids, self.targets, self.trained)
        return digest(histories.items, histories.offsets, *cases, *carried)


@dataclass(frozen=True, eq=False)
class SequenceData:
    """A split in item ids: what `fit` and `evaluate` take.

    Args:
        vocabulary: of the split's catalogue.
        train: training histories.
        validation, test: queries; `test` is None where the split has none.
        newcomers: test queries of the users whose history is empty; None where there are none.
        name, protocol: where it came from, for reports.
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

    @property
    def num_items(self) -> int:
        """V, the number of items that can be ranked."""
        return len(self.vocabulary)


def prepare(split: Split, columns: tuple[str, ...] = ()) -> SequenceData:
    """Build the vocabulary of a split's catalogue and encode its three parts.

    Args:
        split: from `leave_one_out` or `temporal_cutoff`.
        columns: event columns to carry along in the histories, such as `("timestamp",)`.

    Raises:
        ValueError: `split` is no split, or has not these columns.
    """
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
    vocabulary = Vocabulary(split.catalogue)
    train = build_histories(split.train, vocabulary, columns=columns)
    in_training = np.zeros(len(vocabulary) + 3, bool)
    in_training[train.items] = True
    in_training[vocabulary.unknown_id] = False
    train_users = pd.Index(train.users)

    def encode(cases: Cases) -> Queries:
        targets = vocabulary.encode(cases.targets.events["item"])
        users = cases.targets.events["user"].to_numpy()
        histories = build_histories(cases.inputs, vocabulary, users, columns)
        user_ids = train_users.get_indexer(users).astype(np.int32)
        return Queries(histories, user_ids, targets, in_training[targets], len(vocabulary))

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
    )
