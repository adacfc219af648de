"""The share of the known ceiling of the next event that a model reaches, in expectation."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.evaluation.calibration import SMALLEST
from recmodels.evaluation.ceilings import BayesEvents
from recmodels.evaluation.ranking import ask
from recmodels.features.sequences import Queries
from recmodels.models.capabilities import PredictsEvents
from recmodels.models.event_forecast import EventForecast, LogNormalMixture

PARTS = ("type", "item", "bought item", "gap")
NODES = 24  # Of Gauss-Hermite quadrature over each component of the true gaps.


def share_of_ceiling(
    model: PredictsEvents,
    floor: PredictsEvents,
    truth: BayesEvents,
    queries: Queries,
    bought: str = "buy",
    chunk_size: int = 256,
) -> pd.DataFrame:
    """Place a model between a floor and the best possible forecast of a simulated shop.

    A forecast is measured by its expected log-likelihood. With q the exact probabilities:

        type             sum over types a of  q(a) ln p(a)
        item             sum over a of  q(a)  sum over items v of  q(v | a) ln p(v | a)
        bought item      sum over v of  q(v | bought) ln p(v | bought), the queries weighted by
                         the probability of a purchase
        gap              integral of  q(x) ln p(x)  over x = ln(1 + seconds)

    Each is a mean over the queries. The events that happened are not used, so that the only
    sampling error is that of the histories. The share is (model - floor) / (ceiling - floor).

    Args:
        model: of types, items and times.
        floor: likewise; such as `MedianGap`, which reads no history.
        truth: the exact forecasts.
        queries: of users of the shop, such as `data.test`.
        bought: label of the type whose items are a part of their own.
        chunk_size: queries asked at once.

    Returns:
        One row per part: `floor`, `model` and `ceiling` in nats, and `share`.

    Raises:
        ValueError: the shop knows no type `bought`, or a model has no times or other types.

    Example:
        >>> truth = BayesEvents(shop, data.vocabulary, data.train.users, types)
        >>> share_of_ceiling(model, MedianGap(types).fit(data.train, V), truth, data.test)
    """
    must = f"`bought` must be a type of the shop, one of {truth.types}"
    require(bought in truth.types, must, bought=bought)
    models = {"floor": floor, "model": model, "ceiling": truth}
    for name, each in models.items():
        must = f"`{name}` must have the types of the shop in the same order"
        require(tuple(each.types) == truth.types, must, types=each.types, shop=truth.types)
    place, sums = truth.types.index(bought), {name: 0.0 for name in models}
    for rows in _chunks(len(queries), chunk_size):
        exact = truth.next_event(ask(truth, queries, rows))
        for name, each in models.items():
            forecast = exact if each is truth else each.next_event(ask(each, queries, rows))
            sums[name] = sums[name] + _expected(forecast, exact, place)
    table = pd.DataFrame({name: _means(found) for name, found in sums.items()})
    gain = table["ceiling"] - table["floor"]
    return table.assign(share=(table["model"] - table["floor"]) / gain).rename_axis("part")


def _chunks(size: int, chunk_size: int) -> Iterator[np.ndarray]:
    for start in range(0, size, chunk_size):
        yield np.arange(start, min(start + chunk_size, size))


def _expected(forecast: EventForecast, exact: EventForecast, bought: int) -> np.ndarray:
    """Sums over queries of type, item, bought item and gap, and of the weights of each, (2, 4)."""
    must = "The model must predict times: `NextEvent(..., num_components=8)`"
    require(forecast.gap is not None, must, gap=forecast.gap)
    shares, items = exact.type_probabilities, exact.item_probabilities[:, :, 1:]
    of_types = (shares * _log(forecast.type_probabilities)).sum(axis=1)
    of_items = (items * _log(forecast.item_probabilities[:, :, 1:])).sum(axis=2)  # (B, A)
    values = [
        of_types,
        (shares * of_items).sum(axis=1),
        shares[:, bought] * of_items[:, bought],
        _expected_gap(forecast.gap, exact.gap),
    ]
    ones = np.ones(len(shares))
    weights = [ones, ones, shares[:, bought], ones]
    return np.array([[each.sum() for each in part] for part in (values, weights)])


def _means(sums: np.ndarray) -> pd.Series:
    return pd.Series(sums[0] / sums[1], [*PARTS])


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.asarray(probabilities, np.float64), SMALLEST))


def _expected_gap(gap: LogNormalMixture, exact: LogNormalMixture) -> np.ndarray:
    """Expected log density of ln(1 + seconds) where the gap follows `exact`, (B,)."""
    nodes, weights = np.polynomial.hermite.hermgauss(NODES)
    total = np.zeros(len(exact))
    for component in range(exact.weights.shape[1]):
        share = exact.weights[:, component]
        for node, weight in zip(nodes, weights / np.sqrt(np.pi), strict=True):
            logs = exact.means[:, component] + np.sqrt(2) * node * exact.scales[:, component]
            total += share * weight * (gap.log_density(np.expm1(logs)) + logs)
    return total


def shares_of(tables: Sequence[dict]) -> dict[str, dict[str, float]]:
    """Mean over seeds of tables of `share_of_ceiling` as dicts by part, in the order of `PARTS`."""
    return {part: pd.DataFrame([t[part] for t in tables]).mean().to_dict() for part in PARTS}
