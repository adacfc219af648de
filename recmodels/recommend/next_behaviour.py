"""The printable forecast of the next event after one history: types, items and the time."""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from recmodels.data.text import one_line, visible
from recmodels.recommend.recommendation import as_shown

# From which number of seconds on a duration is shown in each unit.
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@dataclass(frozen=True, eq=False, repr=False)
class NextBehaviour:
    """What a model expects of the next event of one history.

    Args:
        table: the most probable events, best first: `rank` from 1, `type`, raw `item`,
            `probability`, and the columns of the item table. The probability is that of the type
            together with the item, p(type) p(item | type), or, with `given`, p(item | type).
        types: probability of each type; they sum to 1.
        seconds: by share, such as 0.5, the seconds from `at` within which the next event comes
            with this probability; empty from a model without times.
        source: name of the model.
        notes: whole sentences on what the model did not know.
        given: the type that the items are given, or None.
        within: a number of seconds, or None.
        within_probabilities: for each type, the probability that the next event is of this type and
            comes within so many seconds from `at`. The model treats type and time as independent
            given the history, so that it is p(type) P(gap <= within).
        at: UTC second of the question, None where no time is known.
        waited: seconds between the last event and `at`.
    """

    table: pd.DataFrame
    types: Mapping[object, float]
    seconds: Mapping[float, float]
    source: str
    notes: tuple[str, ...] = ()
    given: object = None
    within: float | None = None
    within_probabilities: Mapping[object, float] = field(default_factory=dict)
    at: float | None = None
    waited: float = 0.0

    def __repr__(self) -> str:
        rows = as_shown(self.table).to_string(index=False)
        return "\n".join([f"{one_line(self.source)}:", rows, *self._sentences()])

    def _repr_html_(self) -> str:
        table, source = as_shown(self.table).to_html(index=False), one_line(self.source)
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in self._sentences())
        source = html.escape(source)
        # The classes keep notebooks from reading a formula between two dollar signs.
        return f'<div class="tex2jax_ignore mathjax_ignore"><p>{source}</p>{table}{lines}</div>'

    def to_frame(self) -> pd.DataFrame:
        """A copy of the table of events."""
        return self.table.copy()

    def to_dict(self) -> dict:
        """Everything in types that JSON knows; what is missing becomes None."""
        return {
            "events": json.loads(self.table.to_json(orient="records", double_precision=15)),
            "types": _rows(self.types, "type", "probability"),
            "seconds": _rows(self.seconds, "share", "seconds"),
            "given": self.given,
            "within": self.within,
            "within_probabilities": _rows(self.within_probabilities, "type", "probability"),
            "at": self.at,
            "waited": self.waited,
            "source": self.source,
            "notes": list(self.notes),
        }

    def _sentences(self) -> list[str]:
        """Types, times and notes, one line each."""
        lines = [f"Type of the next event: {_listed(self.types)}"]
        if self.given is not None:
            known = one_line(self.given)
            lines.append(f"The items are those of the next event if its type is {known}.")
        if self.seconds:
            times = [f"{s:.0%} within {readable_duration(t)}" for s, t in self.seconds.items()]
            waited = f", after {readable_duration(self.waited)} without one" if self.waited else ""
            lines.append(f"Time until it{waited}: {', '.join(times)}")
        if self.within is not None:
            shown = _listed(self.within_probabilities)
            lines.append(f"Comes within {readable_duration(self.within)} and is: {shown}")
        return [*lines, *(f"Note: {visible(note)}" for note in self.notes)]


def readable_duration(seconds: float) -> str:
    """A duration in its largest unit.

    Example:
        >>> [readable_duration(s) for s in (12, 90, 7_200, 86_400 * 2.5)]
        ['12 s', '1.5 min', '2 h', '2.5 d']
    """
    for size, unit in UNITS:
        if seconds >= size:
            return (
                f"{seconds / size:.3g} {unit}"
                if seconds < 1000 * size
                else f"{seconds / size:.0f} {unit}"
            )
    return f"{seconds:.3g} s"


def _listed(probabilities: Mapping[object, float]) -> str:
    ordered = sorted(probabilities.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{one_line(label)} {share:.4f}" for label, share in ordered)


def _rows(numbers: Mapping, key: str, value: str) -> list[dict]:
    """Rows, because keys of JSON are texts and types need not be."""
    return [{key: label, value: number} for label, number in numbers.items()]
