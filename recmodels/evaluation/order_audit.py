"""Measure whether a model uses the order of histories, by shuffling them."""

from dataclasses import asdict, dataclass, replace

import numpy as np

from recmodels.evaluation.metrics import rank_metric
from recmodels.evaluation.ranking import rank
from recmodels.evaluation.statistics import bootstrap_interval
from recmodels.features.histories import Histories
from recmodels.features.sequences import Queries


@dataclass(frozen=True)
class OrderAudit:
    """A metric on histories in their order and on the same histories shuffled.

    Args:
        metric: its name.
        ordered, shuffled: means over the users.
        difference: mean of ordered less shuffled.
        low, high: the 95 % bootstrap interval of the difference over users.
    """

    metric: str
    ordered: float
    shuffled: float
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Return `"order helps"`, `"no effect"` if the interval contains 0, or `"order hurts"`."""
        if self.low > 0:
            return "order helps"
        return "order hurts" if self.high < 0 else "no effect"

    def to_dict(self) -> dict:
        """What a stored result records."""
        rounded = {k: round(v, 6) for k, v in asdict(self).items() if k != "metric"}
        return {"metric": self.metric, **rounded, "verdict": self.verdict}


def order_audit(model, queries: Queries, *, metric: str = "ndcg@10", seed: int = 0) -> OrderAudit:
    """Measure the loss of a model when the order of each user's history is shuffled.

    The events of each user stay the same and so do the targets and the filter; only their order
    is drawn at random. A model with a `max_length` below the length of a history then also reads
    other events of it. Without an effect, the log and the model say nothing about sequences.

    Args:
        model: trained; any model that scores.
        queries: such as `data.test`, of two users or more.
        metric: one that comes from ranks.
        seed: of the order.

    Raises:
        ValueError: there are fewer than two queries, or what `rank` raises.

    Example:
        >>> order_audit(model, data.test).verdict
        'order helps'
    """
    shuffled = replace(queries, histories=shuffle_histories(queries.histories, seed))
    before, after = (rank_metric(metric, rank(model, q).ranks) for q in (queries, shuffled))
    difference = bootstrap_interval(before - after)
    return OrderAudit(metric, float(before.mean()), float(after.mean()), *difference)


def shuffle_histories(histories: Histories, seed: int = 0) -> Histories:
    """The same events of each user in random order; all columns move with their event."""
    users = np.repeat(np.arange(len(histories)), histories.lengths)
    draws = np.random.default_rng(seed).random(len(users))
    order = np.lexsort((draws, users))
    columns = {name: values[order] for name, values in histories.columns.items()}
    return replace(histories, items=histories.items[order], columns=columns)
