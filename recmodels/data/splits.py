"""Split a log into training, validation and test."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.times import moment_seconds


@dataclass(frozen=True, eq=False)
class Cases:
    """Evaluation cases: the known events of each user, and one event to predict.

    Args:
        inputs: the events a model may look at; may hold users who have no target.
        targets: the events to predict, one per query: the next event of each user, or with
            `"random-80-20"`, `"temporal-80-20"` and `"tables"` possibly several per user. Every
            user here has events in `inputs`.
        newcomers: the first event of each user who has none in `inputs`, for models that need no
            history; None if a split has no such users by construction.
        known: how many of the oldest events of its user in `inputs` are known to each case,
            (N,); None where all of them are. `inputs` may hold targets then.
    """

    inputs: Interactions
    targets: Interactions
    newcomers: Interactions | None = None
    known: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def last_times(self) -> np.ndarray | None:
        """The time of the last event known to each case, float64, (N,); NaN where there is none.

        None for a log without times.
        """
        if self.inputs.order != "timed":
            return None
        users, offsets = self.inputs.user_offsets()
        rows = pd.Index(users).get_indexer(self.targets.events["user"])
        known = np.append(np.diff(offsets), 0)[rows] if self.known is None else self.known
        times = self.inputs.events["timestamp"].to_numpy(np.float64)
        found = np.full(len(rows), np.nan)
        some = (rows >= 0) & (known > 0)
        found[some] = times[offsets[rows[some]] + known[some] - 1]
        return found


@dataclass(frozen=True, eq=False)
class Split:
    """A log divided into three parts, with the name of the protocol.

    Args:
        protocol: `"leave-one-out"`, `"temporal"`, `"random-80-20"`, `"temporal-80-20"`,
            `"last-event"`, `"last-day"` or `"tables"`.
        train: the only events whose targets may move a weight.
        validation: the cases for all choices.
        test: the cases of the final measurement, or None after `without_test`.
        catalogue: raw ids of all items that can be ranked, each once.
        cut: of the temporal protocols, the seconds at which validation and test begin.
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
        """Return the same split without test labels, for tuning, so that they cannot leak."""
        return replace(self, test=None)

    def refitted(self) -> "Split":
        """Return the split with validation data added to training, for a final fit."""
        train = self.test.inputs
        if self.test.known is not None:  # There the inputs hold the targets of other cases.
            train = train.select(train.events["timestamp"].to_numpy() < self.cut[1])
        return replace(self, train=train)

    def count_cold(self, part: str = "test") -> dict[str, int]:
        """Count users and targets that do not occur in training.

        Args:
            part: `"test"` or `"validation"`.

        Returns:
            `users` (the cases of that part), `cold_users` (those of them without a training
            event), `cold_targets` (cases whose target has none: misses for every model) and
            `newcomers` (further users who have no event at all before their first one here).

        Raises:
            ValueError: there is no such part, or the test was taken away.
        """
        known = part in ("validation", "test") and getattr(self, part) is not None
        require(known, "`part` must be 'validation', or 'test' where there still is one", part=part)
        cases = getattr(self, part)
        train, targets = self.train.events, cases.targets.events
        return {
            "users": len(cases),
            "cold_users": int((~targets["user"].isin(train["user"].unique())).sum()),
            "cold_targets": int((~targets["item"].isin(train["item"].unique())).sum()),
            "newcomers": 0 if cases.newcomers is None else len(cases.newcomers),
        }


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
    needed = "`leave_one_out` needs users with at least three events (train, validation, test)"
    require(len(ends), needed, name=interactions.name, longest_history=lengths.max(initial=0))
    role = np.zeros(len(interactions), np.int8)
    role[ends - 2], role[ends - 1] = 1, 2
    train, known = interactions.select(role == 0), interactions.select(role <= 1)
    validation = Cases(train, interactions.select(role == 1))
    test = Cases(known, interactions.select(role == 2))
    catalogue = interactions.events["item"].unique()
    return Split("leave-one-out", train, validation, test, catalogue)


def temporal_cutoff(
    interactions: Interactions,
    fraction: float = 0.8,
    validation_fraction: float = 0.1,
    time: int | str | None = None,
) -> Split:
    """Split at one point in time for all users, as for a recommender that is trained once.

    Training ends strictly before the validation cut. A case is a user with at least one event
    before the cut; its input is everything known by then, its target the first event in the
    cut's second or later. Validation targets lie before the test cut. Only items of training are
    in the catalogue, so a target outside it is a miss.

    Args:
        interactions: a timed log.
        fraction: the share of events before the test cut, roughly: a second is never divided.
        validation_fraction: the share of events between the validation cut and the test cut.
        time: the test cut itself, as UTC seconds or a date such as `"2017-12-01"`; replaces
            `fraction`.

    Raises:
        ValueError: the log has no times, or one of the three parts would be empty.

    Example:
        time          1    2    3  |  4    5  |  6    7
        one user      a    b    c  |  d    e  |  f    g
        train         a    b    c
        validation    a    b    c ->  d
        test          a    b    c     d    e ->  f
    """
    interactions.require("`temporal_cutoff`", ("timed",))
    times = interactions.events["timestamp"].to_numpy()
    cut = cut_seconds(times, fraction, validation_fraction, time)
    return split_at(interactions, cut, "temporal", cases_after, "`temporal_cutoff`")


def split_at(
    interactions: Interactions,
    cut: tuple[int, int],
    protocol: str,
    cases: Callable[[Interactions, int, int | None], Cases],
    caller: str,
) -> Split:
    """Split a timed log at two points in time.

    Args:
        interactions: a timed log.
        cut: the seconds at which validation and test begin.
        protocol: of the split.
        cases: makes the cases of events in [begin, end) from the log, `begin` and `end`; None is
            the end of the log.
        caller: name of the public function, for the error.

    Raises:
        ValueError: one of the three parts would be empty.
    """
    train = interactions.select(interactions.events["timestamp"].to_numpy() < cut[0])
    validation, test = cases(interactions, *cut), cases(interactions, cut[1], None)
    split = Split(protocol, train, validation, test, train.events["item"].unique(), cut)
    sizes = {"train": len(train), "validation": len(validation), "test": len(test)}
    message = f"{caller} left a part without cases: move the cuts with its arguments, such as "
    message += "`fraction` or `validation_fraction`, so that users have events on both sides"
    require(all(sizes.values()), message, name=interactions.name, cut=cut, sizes=sizes)
    return split


def cases_among(inputs: Interactions, targets: Interactions) -> Cases:
    """Return the targets of users with inputs, and those of users without."""
    known = targets.events["user"].isin(inputs.events["user"].unique()).to_numpy()
    return Cases(inputs, targets.select(known), targets.select(~known))


def pairs_in(targets: Interactions, others: Interactions) -> np.ndarray:
    """Whether the user of each target has the same item among the `others`, bool."""
    pairs = [pd.MultiIndex.from_frame(log.events[["user", "item"]]) for log in (targets, others)]
    return pairs[0].isin(pairs[1])


def cut_seconds(
    times: np.ndarray, fraction: float, validation_fraction: float, time: int | str | None
) -> tuple[int, int]:
    """The seconds at which validation and test begin."""
    ordered = np.sort(times)
    if time is not None:
        test_cut = moment_seconds(time, "time")
        fraction = np.searchsorted(ordered, test_cut) / max(len(ordered), 1)
    require(
        len(ordered) and 0 < validation_fraction < fraction < 1,
        "`validation_fraction` and `fraction` must leave events for training, validation and test: "
        "0 < validation_fraction < fraction < 1",
        fraction=round(fraction, 4),
        validation_fraction=validation_fraction,
        time=time,
        events=len(ordered),
    )
    if time is None:
        test_cut = ordered[int(fraction * len(ordered))]
    validation_cut = ordered[int((fraction - validation_fraction) * len(ordered))]
    return int(validation_cut), int(test_cut)


def cases_after(interactions: Interactions, cut: int, end: int | None) -> Cases:
    """For each user with events in [cut, end) the first of them, and all events before `cut`."""
    times = interactions.events["timestamp"].to_numpy()
    _, offsets = interactions.user_offsets()
    # Events of a user are in time order, so the first one after the cut comes after all known.
    known = np.add.reduceat(times < cut, offsets[:-1]) if len(times) else offsets[:-1]
    first = offsets[:-1] + known
    has_next = first < offsets[1:]
    if end is not None:
        has_next &= times[np.minimum(first, len(times) - 1)] < end
    return Cases(
        inputs=interactions.select(times < cut),
        targets=interactions.select(first[has_next & (known > 0)]),
        newcomers=interactions.select(first[has_next & (known == 0)]),
    )
