"""Measures of forecasts of the next event: its type and the time until it comes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.evaluation.calibration import (
    SMALLEST,
    binned_error,
    confusion,
    decide,
    macro_f1,
    precision_recall_f1,
)
from recmodels.evaluation.ranking import ask
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import Queries
from recmodels.models.capabilities import PredictsEvents
from recmodels.models.capabilities import require as require_capability
from recmodels.models.event_forecast import EventForecast, LogNormalMixture

EVENT_METRICS = ("type_accuracy", "type_macro_f1", "type_log_loss", "type_ece", "gap_mae_log1p")
_INTERVALS = {"gap_coverage_50": 0.5, "gap_coverage_90": 0.9}


@dataclass(frozen=True, eq=False, repr=False)
class EventEvaluation:
    """The forecast of a model for every target event, and the true event.

    Args:
        table: one row per query: `user` (a number per user), `target` (place of the type in
            `types`; A for a type that training never saw, -1 where it is missing), `likely` (the
            most probable type), `predicted` (the type decided for), `confidence` (probability of
            the most probable type), `type_log_loss` and `type_brier` (missing for unknown types),
            and of models with a time head `gap_mae_log1p` (distance of the median in
            log(1 + seconds)), `gap_log_likelihood` (log density of log(1 + seconds)),
            `gap_coverage_50` and `gap_coverage_90` (1 where the central interval covers the gap).
        types: labels.
        probabilities: of the types, float64 (N, A).
        metrics: see `event_metrics`.
        protocol: of the queries.
    """

    table: pd.DataFrame
    types: tuple[str, ...]
    probabilities: np.ndarray
    metrics: dict[str, float]
    protocol: Protocol

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        shown = ", ".join(f"{n} {self.metrics[n]:.4f}" for n in EVENT_METRICS if n in self.metrics)
        return f"<EventEvaluation of {len(self):,} events: {shown}>"

    @property
    def targets(self) -> np.ndarray:
        """Place of each target's type in `types`, (N,); see `table`."""
        return self.table["target"].to_numpy()

    @property
    def warm_metrics(self) -> dict[str, float]:
        """The same as `metrics`: a forecast is measured for every user."""
        return self.metrics

    @property
    def confusion(self) -> pd.DataFrame:
        """Events by the true type (rows) and the predicted type (columns)."""
        matrix = confusion(self.targets, self.table["predicted"].to_numpy(), len(self.types))
        names = [*self.types, "<unknown>"]
        return pd.DataFrame(matrix.astype(int), names, list(self.types)).rename_axis("came")

    def to_dict(self) -> dict:
        """Return the fields of a stored result as plain values for JSON, without the rows."""
        return {
            "metrics": dict(self.metrics),
            "warm_metrics": dict(self.warm_metrics),
            "filter_seen": self.protocol.filter_seen,
            "protocol": self.protocol.to_dict(),
            "events": len(self),
            "users": int(self.table["user"].nunique()),
            "unknown_types": int((self.targets == len(self.types)).sum()),
            "types": list(self.types),
        }


def evaluate_events(
    model: PredictsEvents,
    queries: Queries,
    *,
    decision_weights: np.ndarray | None = None,
    chunk_size: int = 512,
) -> EventEvaluation:
    """Forecast the next event of every query and compare it with the true event.

    The median of the time is its point forecast. Times are not measured where the queries tell
    them (`protocol.query_time`).

    Args:
        model: whose `types` have the order of the codes of the schema's column `action`.
        queries: with the target column `action`: `prepare(split, schema=...)` makes it from a
            schema with a `Category` of that name.
        decision_weights: of the types, (A,), from `choose_decision_weights`. They decide which
            type is predicted, and change no probability.
        chunk_size: queries asked at once; changes memory and speed, never the result.

    Raises:
        ValueError: the model predicts no events, or the queries do not know the types that came.

    Example:
        >>> schema = Schema({"action": Category()})
        >>> data = prepare(last_event(log), columns=("timestamp",), schema=schema)
        >>> floor = rm.fit(MarkovTypes(data.schema["action"].values), data)
        >>> evaluate_events(floor, data.test).metrics["type_macro_f1"]
    """
    require_capability(model, PredictsEvents, "`evaluate_events`")
    must = "`queries` must tell the type of their targets: name a Category `action` in the schema"
    known = "action" in queries.target_columns
    require(known, must, target_columns=sorted(queries.target_columns))
    forecast = forecast_events(model, queries, chunk_size)
    table = _type_columns(forecast, queries, decision_weights)
    if forecast.gap is not None and not queries.protocol.query_time:
        table |= _gap_columns(forecast.gap, queries)
    table = pd.DataFrame(table)
    numbers = table.select_dtypes("float64").columns
    table = table.astype(dict.fromkeys(numbers, np.float32))  # As results store it.
    return EventEvaluation(
        table=table,
        types=forecast.types,
        probabilities=forecast.type_probabilities,
        metrics=event_metrics(table, forecast.types),
        protocol=queries.protocol,
    )


def forecast_events(
    model: PredictsEvents, queries: Queries, chunk_size: int = 512
) -> EventForecast:
    """The forecasts of all queries, without the probabilities of items, which take much memory."""
    starts = range(0, len(queries), chunk_size)
    rows = (np.arange(start, min(start + chunk_size, len(queries))) for start in starts)
    parts = [model.next_event(ask(model, queries, chunk), with_items=False) for chunk in rows]
    gap = None
    if all(part.gap is not None for part in parts):
        fields = ("weights", "means", "scales")
        joined = [np.concatenate([getattr(part.gap, name) for part in parts]) for name in fields]
        gap = LogNormalMixture(*joined)
    probabilities = np.concatenate([part.type_probabilities for part in parts])
    return EventForecast(tuple(model.types), probabilities.astype(np.float64), gap=gap)


def event_metrics(
    table: Mapping[str, np.ndarray], types: tuple[str, ...], weights: np.ndarray | None = None
) -> dict[str, float]:
    """Averages over events.

    `type_accuracy` is that of the most probable type; `type_decision_accuracy`, `type_macro_f1`
    and the precision and recall of each type are those of the type decided for. A target of a type
    that training never saw is wrong in all of these and a miss in `type_ece`; `type_log_loss` and
    `type_brier` are over known types. Targets without a type count in none. Macro-F1 is the mean
    over the known types that came or were predicted.

    Args:
        table: columns of `EventEvaluation.table`.
        types: labels.
        weights: how often each event counts, (N,); by default once. Averages over no event are
            left out.
    """
    columns = {name: np.asarray(values) for name, values in table.items()}
    weights = np.ones(len(columns["target"])) if weights is None else weights
    targets, predicted = columns["target"], columns["predicted"]
    typed = np.where(targets >= 0, weights, 0)
    found = {}
    if typed.any():
        matrix = confusion(targets, predicted, len(types), weights)
        precision, recall, _ = precision_recall_f1(matrix)
        likely = columns["likely"] == targets
        found = {
            "type_accuracy": np.average(likely, weights=typed),
            "type_decision_accuracy": np.average(predicted == targets, weights=typed),
            "type_macro_f1": macro_f1(matrix),
            "type_ece": binned_error(columns["confidence"], likely, typed),
        }
        for place, label in enumerate(types):
            found[f"type_precision_{label}"] = precision[place]
            found[f"type_recall_{label}"] = recall[place]
    means = ("type_log_loss", "type_brier", "gap_mae_log1p", "gap_log_likelihood", *_INTERVALS)
    for name in means:
        values = columns.get(name)
        there = 0 if values is None else np.where(np.isfinite(values), weights, 0)
        if np.any(there):
            found[name] = np.average(np.nan_to_num(values), weights=there)
    return {name: float(value) for name, value in found.items()}


def type_targets(queries: Queries, size: int) -> np.ndarray:
    """Place of each target's type among `size` types, int (N,).

    `size` is a type that training never saw, -1 a missing one.
    """
    codes = np.asarray(queries.target_columns["action"])
    return np.where(codes == size + 2, -1, np.minimum(codes - 1, size))


def _type_columns(forecast: EventForecast, queries: Queries, decision_weights) -> dict:
    probabilities, size = forecast.type_probabilities, len(forecast.types)
    targets = type_targets(queries, size)
    known = (targets >= 0) & (targets < size)
    rows, places = np.arange(len(targets)), np.where(known, targets, 0)
    chosen = probabilities[rows, places]
    brier = (probabilities**2).sum(axis=1) - 2 * chosen + 1
    likely = probabilities.argmax(axis=1)
    return {
        "user": pd.factorize(queries.histories.users)[0],
        "target": targets,
        "likely": likely,
        "predicted": decide(probabilities, decision_weights),
        "confidence": probabilities[rows, likely],
        "type_log_loss": np.where(known, -np.log(np.maximum(chosen, SMALLEST)), np.nan),
        "type_brier": np.where(known, brier, np.nan),
    }


def _gap_columns(gap: LogNormalMixture, queries: Queries) -> dict:
    seconds = np.asarray(queries.target_columns.get("gap_seconds", np.full(len(queries), np.nan)))
    there = seconds >= 0  # False for NaN and for clocks that went back.
    seconds = np.where(there, seconds, 0.0)
    logs = np.log1p(seconds)
    found = {
        "gap_mae_log1p": np.abs(logs - np.log1p(gap.quantile(0.5))),
        "gap_log_likelihood": gap.log_density(seconds) + logs,
    }
    for name, level in _INTERVALS.items():
        low, high = gap.quantile((1 - level) / 2), gap.quantile((1 + level) / 2)
        found[name] = (low <= seconds) & (seconds <= high)
    return {name: np.where(there, values, np.nan) for name, values in found.items()}
