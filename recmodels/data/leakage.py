"""How much a split lets a model know that it could not have known at the time."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from recmodels.data.interactions import Interactions
from recmodels.data.splits import Split, pairs_in


@dataclass(frozen=True, repr=False)
class LeakReport:
    """What a split leaks and what it asks in vain, in numbers.

    Everything that needs times is None for a log without them.

    Args:
        name, protocol, part: what was looked at; `part` is `"test"`, or `"validation"` once the
            test is taken away.
        train_events: events in training.
        users: cases.
        future_share_median: share of training events after the median target.
        future_share_mean: share of training events after a target, mean over targets.
        own_future_events: training events of a user after that user's own (first) target; a split
            in time has none.
        ties_at_cut: targets in the same second as the last event of their input, so that the
            order of rows in the file decided what is predicted.
        known_pairs: targets whose user has the same item in training. Harmless where people
            repeat themselves; where a pair is one rating, the model was told the answer.
        cold_users: users without a training event.
        cold_targets: targets without a training event: misses for every model.
        newcomers: users left out because they have no event before the cut.
    """

    name: str
    protocol: str
    part: str
    train_events: int
    users: int
    future_share_median: float | None
    future_share_mean: float | None
    own_future_events: int | None
    ties_at_cut: int | None
    known_pairs: int
    cold_users: int
    cold_targets: int
    newcomers: int

    def __repr__(self) -> str:
        lines = [f"Leaks of the {self.protocol} split of {self.name!r}, {self.part}"]
        if self.future_share_median is None:
            lines.append("  no times or no cases: leaks from the future cannot be measured")
        else:
            lines += [
                f"  training events after the median target     {self.future_share_median:>10.1%}",
                f"  training events after a target, mean        {self.future_share_mean:>10.1%}",
                f"  training events after the user's own target {self.own_future_events:>10,}",
                f"  targets in the second of the event before   {self.ties_at_cut:>10,}",
            ]
        lines += [
            f"  targets whose pair is in training too       {self.known_pairs:>10,}",
            f"  cases                                       {self.users:>10,}",
            f"  cases of users unknown to training          {self.cold_users:>10,}",
            f"  targets unknown to training                 {self.cold_targets:>10,}",
            f"  further users without an event by then      {self.newcomers:>10,}",
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, str | int | float | None]:
        """The same as plain values, for JSON."""
        return asdict(self)


def leak_report(split: Split) -> LeakReport:
    """Measure what a split leaks, on its test cases or, without them, on validation.

    Example:
        leak_report(leave_one_out(load("ml-100k")))
    """
    part = "validation" if split.test is None else "test"
    cases = getattr(split, part)
    times = {"future_share_median": None, "future_share_mean": None}
    times |= {"own_future_events": None, "ties_at_cut": None}
    if "timestamp" in split.train.events and len(cases):
        times = _future_shares(split.train.events, cases.targets.events)
        times["own_future_events"] = _own_future(split.train.events, cases.targets.events)
        times["ties_at_cut"] = _ties(cases.inputs, cases.targets.events)
    return LeakReport(
        name=split.train.name,
        protocol=split.protocol,
        part=part,
        train_events=len(split.train),
        **times,
        known_pairs=int(pairs_in(cases.targets, split.train).sum()),
        **split.count_cold(part),
    )


def _future_shares(train: pd.DataFrame, targets: pd.DataFrame) -> dict[str, float]:
    ordered = np.sort(train["timestamp"].to_numpy())
    moments = targets["timestamp"].to_numpy()
    median = np.median(moments)
    after = len(ordered) - np.searchsorted(ordered, np.append(moments, median), side="right")
    shares = after / len(ordered)
    return {
        "future_share_median": float(shares[-1]),
        "future_share_mean": float(shares[:-1].mean()),
    }


def _own_future(train: pd.DataFrame, targets: pd.DataFrame) -> int:
    own_target = train["user"].map(targets.groupby("user")["timestamp"].min())
    return int((train["timestamp"] > own_target).sum())


def _ties(inputs: Interactions, targets: pd.DataFrame) -> int:
    users, offsets = inputs.user_offsets()
    rows = pd.Index(users).get_indexer(targets["user"])
    last = inputs.events["timestamp"].to_numpy()[offsets[1:][rows] - 1]
    return int((last == targets["timestamp"].to_numpy()).sum())
