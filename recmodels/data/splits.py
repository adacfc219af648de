"""Cut a log into what may be learned from and what must be predicted."""

from dataclasses import dataclass, replace

import numpy as np

from recmodels.data.interactions import Interactions


@dataclass(frozen=True, eq=False)
class Cases:
    """Users to rank for: the events known of each, and the one that came next.

    Args:
        inputs: the events a model may look at; may hold users who have no target.
        targets: one event a user, the one to predict. Every user here has events in `inputs`.
    """

    inputs: Interactions
    targets: Interactions

    def __post_init__(self) -> None:
        users = self.targets.events["user"]
        if users.duplicated().any():
            raise ValueError(
                "`targets` must hold one event a user. "
                f"Received: {int(users.duplicated().sum())} further events"
            )

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, eq=False)
class Split:
    """A log cut in three, with the protocol that cut it.

    Args:
        protocol: `"leave-one-out"` or `"temporal"`.
        train: the only events whose targets may move a weight.
        validation: the cases every choice is made on.
        test: the cases of the final figure, or None once they are taken away.
        catalogue: raw ids of all items that can be ranked, each once.
        cut: for `"temporal"`, the seconds at which validation and test begin.
    """

    protocol: str
    train: Interactions
    validation: Cases
    test: Cases | None
    catalogue: np.ndarray
    cut: tuple[int, int] | None = None

    def __repr__(self) -> str:
        test = "taken away" if self.test is None else f"{len(self.test):,} users"
        return (
            f"<Split {self.protocol} of {self.train.name!r}: {len(self.train):,} training events, "
            f"validation {len(self.validation):,} users, test {test}>"
        )

    def without_test(self) -> "Split":
        """The same split without test labels, for tuning: what is not there cannot leak."""
        return replace(self, test=None)


def leave_one_out(interactions: Interactions) -> Split:
    """Hold out the last event of each user for testing and the one before for validation.

    The input of a test case is everything before it, the validation event included. Users with
    fewer than three events stay in training and are not evaluated. All items of the log are in
    the catalogue.

    Raises:
        ValueError: the log has no order, or nobody has three events.

    Example:
        events  1 2 3 4 5
        train   1 2 3         validation 1 2 3 -> 4         test 1 2 3 4 -> 5
    """
    interactions.require("`leave_one_out`", ("timed", "ordered"))
    _, offsets = interactions.user_offsets()
    lengths = np.diff(offsets)
    ends = offsets[1:][lengths >= 3]
    if not len(ends):
        raise ValueError(
            "`leave_one_out` needs users with at least three events (train, validation, test). "
            f"Received: name={interactions.name!r}, longest history={lengths.max(initial=0)}"
        )
    role = np.zeros(len(interactions), np.int8)
    role[ends - 2], role[ends - 1] = 1, 2
    train = interactions.select(role == 0)
    return Split(
        protocol="leave-one-out",
        train=train,
        validation=Cases(train, interactions.select(role == 1)),
        test=Cases(interactions.select(role <= 1), interactions.select(role == 2)),
        catalogue=interactions.events["item"].unique(),
    )
