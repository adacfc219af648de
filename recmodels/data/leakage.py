"""Measure data leakage of a split."""

from dataclasses import asdict, dataclass

import numpy as np

from recmodels.data.splits import Cases, Split, pairs_in


@dataclass(frozen=True, repr=False)
class LeakReport:
    """Leakage of a split, and targets that cannot be predicted, in numbers.

    Everything that needs times is None for a log without them.

    Args:
        name, protocol, part: what was measured; `part` is `"test"`, or `"validation"` once the
            test is taken away.
        train_events: events in training.
        users: cases.
        future_share_median: share of training events after the median target.
        future_share_mean: share of training events after a target, mean over targets.
        own_future_events: training events of a user after that user's own (first) target; a split
            in time has none.
        ties_at_cut: targets in the same second as the last event of their input, so that the
            order of rows in the file decided what is predicted.
        known_pairs: targets whose user has the same item in training. This is normal if users
            return to items; if a pair is one rating, the target was in training.
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
    """Measure the leakage of a split on its test cases or, without them, on validation cases.

    Example:
        leak_report(leave_one_out(load("ml-100k")))
    """
    part = "validation" if split.test is None else "test"
    cases = getattr(split, part)
    measures = ("future_share_median", "future_share_mean", "own_future_events", "ties_at_cut")
    times = dict.fromkeys(measures)
    if "timestamp" in split.train.events and len(cases):
        times = _time_leaks(split, cases)
    return LeakReport(
        name=split.train.name,
        protocol=split.protocol,
        part=part,
        train_events=len(split.train),
        **times,
        known_pairs=int(pairs_in(cases.targets, split.train).sum()),
        **split.count_cold(part),
    )


def _time_leaks(split: Split, cases: Cases) -> dict[str, float | int]:
    train, targets = split.train.events, cases.targets.events
    times, moments = np.sort(train["timestamp"].to_numpy()), targets["timestamp"].to_numpy()
    reference_times = np.append(moments, np.median(moments))
    after = (len(times) - np.searchsorted(times, reference_times, side="right")) / len(times)
    first_target = train["user"].map(targets.groupby("user")["timestamp"].min())
    return {
        "future_share_median": float(after[-1]),
        "future_share_mean": float(after[:-1].mean()),
        "own_future_events": int((train["timestamp"] > first_target).sum()),
        "ties_at_cut": int((cases.last_times() == moments).sum()),
    }
