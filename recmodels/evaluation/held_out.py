"""Measures on held-out ratings, several per user: hits in long lists, and errors of ratings."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.evaluation.metrics import hit_rate
from recmodels.evaluation.ranking import ask, rank
from recmodels.features.sequences import Queries
from recmodels.models.capabilities import Rates, Scores, can

LIST_LENGTH = 100
HELD_OUT_METRICS = (f"top_{LIST_LENGTH}", f"top_{LIST_LENGTH}_filtered", "rmse")
_CHUNK_ROWS = 2048
_RESAMPLES = 2000


def measure_held_out(
    model,
    queries: Queries,
    ratings: np.ndarray | None,
    *,
    retrieves: bool = True,
    rates: bool = True,
) -> pd.DataFrame:
    """Measure a model on each held-out rating.

    Args:
        model: a model that scores if it retrieves; with `rate(queries, items)` if it rates.
        queries: one row per rating.
        ratings: what was given, finite numbers, (N,); None where they are not predicted.
        retrieves: whether to rank the catalogue, with and without what the user has seen.
        rates: whether to predict the ratings.

    Returns:
        One row per rating: `user`, its row in the training histories; `top_100` and
        `top_100_filtered`, 1 where the item is among the first hundred of all items and of those
        the user has not seen; `rmse`, here the squared error. Only what was asked for.

    Raises:
        ValueError: there is not one finite rating for each query, or the model does not rate.
    """
    columns = {"user": queries.user_ids}
    if retrieves:
        for name, filter_seen in zip(HELD_OUT_METRICS, (False, True), strict=False):
            ranks = rank(model, queries, filter_seen=filter_seen, chunk_size=_CHUNK_ROWS).ranks
            columns[name] = hit_rate(ranks, LIST_LENGTH)
    if rates:
        ratings = np.asarray(ratings, float)
        require(
            can(model, Rates) and ratings.shape == (len(queries),),
            "`rates` needs a model with `rate(queries, items)`, and `ratings` one number per query",
            model=type(model),
            shape=ratings.shape,
            queries=len(queries),
        )
        bad = np.flatnonzero(~np.isfinite(ratings))
        must = "`ratings` must be finite numbers: leave the other queries out"
        require(not len(bad), must, ratings=ratings[bad[:1]], row=bad[:1])
        columns["rmse"] = (predict_ratings(model, queries) - ratings) ** 2
    return pd.DataFrame(columns)


def predict_ratings(model: Scores, queries: Queries) -> np.ndarray:
    """Predict the rating of the target of each query, float32, (N,)."""
    parts = np.arange(0, len(queries), _CHUNK_ROWS)
    chunks = (np.arange(begin, min(begin + _CHUNK_ROWS, len(queries))) for begin in parts)
    return np.concatenate([model.rate(ask(model, queries, c), queries.targets[c]) for c in chunks])


def summarise_held_out(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Each measure over ratings and over users.

    Args:
        table: from `measure_held_out`.

    Returns:
        By name `mean`, over all ratings, and `users`, the mean over users of each one's own
        mean. Of squared errors the root is taken last: of the mean over ratings, and of each
        user's own.
    """
    summary: dict[str, dict[str, float]] = {}
    for name in table.columns.drop("user"):
        by_user = table.groupby("user")[name].mean()
        mean = table[name].mean()
        if name == "rmse":
            mean, by_user = np.sqrt(mean), np.sqrt(by_user)
        summary[name] = {"mean": float(mean), "users": float(by_user.mean())}
    return summary


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Measures of every held-out rating, and their means.

    Args:
        table: from `measure_held_out`, one row per rating.
    """

    table: pd.DataFrame

    @property
    def metrics(self) -> dict[str, float]:
        """Means over ratings, such as `"rmse"`."""
        return {name: row["mean"] for name, row in summarise_held_out(self.table).items()}

    @property
    def warm_metrics(self) -> dict[str, float]:
        """The same: a user without a training event is no query here."""
        return self.metrics

    @property
    def score(self) -> float:
        """Return the score for choices: hits of filtered lists, less the error in stars."""
        metrics = self.metrics
        return metrics.get(HELD_OUT_METRICS[1], 0.0) - metrics.get("rmse", 0.0)

    def to_dict(self) -> dict:
        """Return the fields of a stored result, without the rows of the ratings."""
        users = {name: row["users"] for name, row in summarise_held_out(self.table).items()}
        return {
            "metrics": self.metrics,
            "warm_metrics": self.warm_metrics,
            "users": users,
            "ratings": len(self.table),
        }


def user_sums(table: pd.DataFrame, seed: int, num_users: int) -> pd.DataFrame:
    """Sums over each user's held-out ratings, so that means over users can be tested later.

    Args:
        table: from `measure_held_out`, users in 0..num_users - 1.
        seed: of the split, for the names of the columns.
        num_users: U; users without a held-out rating have sums of 0.

    Returns:
        One row per user, float64; columns such as `top_100_seed_0`, and `ratings_seed_0` with the
        number of ratings.
    """
    sums = table.assign(ratings=1.0).groupby("user").sum()
    sums = sums.reindex(range(num_users), fill_value=0.0).rename_axis(index="row")
    return sums.rename(columns=lambda name: f"{name}_seed_{seed}")


def interval_of_sums(sums: pd.DataFrame, name: str, seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap over users of a measure over ratings, averaged over seeds.

    Users are drawn with all their ratings, because the ratings of one user are not independent.

    Args:
        sums: from `user_sums`, the columns of all seeds.
        name: of the measure, such as `"rmse"`, of which the root is taken last.
        seed: of the draws.

    Returns:
        The lower and the upper end.

    Example: a user with the squared error 1 and one with 4 twice. Drawn alone they have RMSE 1 and
    2, together (9 / 3) ** 0.5.
    """
    seeds = [c.rsplit("_", 1)[1] for c in sums.columns if c.startswith(f"{name}_seed_")]
    rated = sums[sums[[f"ratings_seed_{s}" for s in seeds]].sum(axis=1) > 0]
    users = len(rated)
    drawn = np.random.default_rng(seed).multinomial(users, np.full(users, 1 / users), _RESAMPLES)
    means = [
        drawn @ rated[f"{name}_seed_{s}"] / (drawn @ rated[f"ratings_seed_{s}"]) for s in seeds
    ]
    means = np.sqrt(means) if name == "rmse" else np.array(means)
    low, high = np.percentile(means.mean(axis=0), [2.5, 97.5])
    return float(low), float(high)
