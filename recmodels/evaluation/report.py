"""An evaluation: the rank of every user, and the metrics computed from it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.files import written_whole
from recmodels.evaluation import metrics as metric_functions
from recmodels.evaluation.metrics import RANK_METRICS, rank_metric
from recmodels.evaluation.model_checks import check_model
from recmodels.evaluation.ranking import Ranking, rank, settle_protocol
from recmodels.features.checks import check_whole
from recmodels.features.histories import Histories
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import Queries
from recmodels.models.capabilities import Scores

TARGET_KINDS = ("repeated", "new", "cold")


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """Ranks of all users for one model, and their means.

    Args:
        per_user: one row per query in the order of the queries, (U,): `rank` of the target (V + 1
            for a cold one), `history_length` (all of it, not the part a model read),
            `target_popularity` (its events in training), `cold_user` (no training event),
            `cold_target` (the target has none), `repeated_target` (it has some and is in the
            history) and `filtered_target` (the filter of seen items removed it from the list,
            which is a miss).
        lists: the recommended item ids, best first, 0 where the catalogue ran out, (U, max(ks)).
        metrics: over all users, such as `"ndcg@10"`; a cold target is a miss.
        warm_metrics: those of them that come from ranks, over the users with a training event.
            Empty if there is none.
        protocol: how the lists were made and measured.
        num_items: V, the number of items that were ranked.
    """

    per_user: pd.DataFrame
    lists: np.ndarray
    metrics: dict[str, float]
    warm_metrics: dict[str, float]
    protocol: Protocol
    num_items: int

    def __len__(self) -> int:
        return len(self.per_user)

    def __repr__(self) -> str:
        k = self.lists.shape[1]
        shown = ", ".join(f"{n} {self.metrics[n]:.4f}" for n in (f"hr@{k}", f"ndcg@{k}"))
        return (
            f"<Evaluation of {len(self):,} users over {self.num_items:,} items, seen "
            f"{'filtered' if self.filter_seen else 'kept'}, {self.cold_users:,} cold users, "
            f"{self.cold_targets:,} cold targets, {self.filtered_targets:,} filtered targets: "
            f"{shown}>"
        )

    @property
    def filter_seen(self) -> bool:
        """Whether the items of the history were taken off the lists."""
        return self.protocol.filter_seen

    @property
    def filtered_targets(self) -> int:
        """Users whose target the filter removed from their list."""
        return int(self.per_user["filtered_target"].sum())

    @property
    def cold_users(self) -> int:
        """Users without a training event."""
        return int(self.per_user["cold_user"].sum())

    @property
    def cold_targets(self) -> int:
        """Users whose target has no training event."""
        return int(self.per_user["cold_target"].sum())

    def by_target(self) -> dict[str, dict[str, float]]:
        """Metrics by what training and the history tell of the target.

        Returns:
            `repeated` (in the history), `new` (not there, but in training) and `cold` (neither of
            a training event nor found by any model): each with its number of `users` and, if
            there are any, `"hr@10"` and `"ndcg@10"`.
        """
        cold, repeated = (self.per_user[f"{n}_target"].to_numpy() for n in ("cold", "repeated"))
        groups = dict(zip(TARGET_KINDS, (repeated, ~repeated & ~cold, cold), strict=True))
        return {
            name: {"users": int(rows.sum())}
            | {m: float(self.values(m)[rows].mean()) for m in ("hr@10", "ndcg@10") if rows.any()}
            for name, rows in groups.items()
        }

    def values(self, metric: str) -> np.ndarray:
        """Value of each user, float64, (U,), of a metric from ranks, such as `"ndcg@10"`."""
        return rank_metric(metric, self.per_user["rank"].to_numpy())

    def to_dict(self) -> dict:
        """Return the fields of a stored result for JSON, without the per-user part."""
        return {
            "metrics": dict(self.metrics),
            "warm_metrics": dict(self.warm_metrics),
            "filter_seen": self.filter_seen,
            "protocol": self.protocol.to_dict(),
            "users": len(self),
            "items": self.num_items,
            "cold_users": self.cold_users,
            "cold_targets": self.cold_targets,
            "filtered_targets": self.filtered_targets,
            "by_target": self.by_target(),
        }


def evaluate(
    scorer: Scores,
    queries: Queries,
    *,
    filter_seen: bool | None = None,
    train: Histories | None = None,
    protocol: Protocol | None = None,
    ks: Sequence[int] = (5, 10, 20),
    item_categories: Sequence[str | None] | None = None,
) -> Evaluation:
    """Rank the whole catalogue for every query and measure the ranks and the lists.

    Args:
        scorer: the model.
        queries: whom to rank for, such as `data.validation`.
        filter_seen: whether the items of a user's history leave the list first, instead of what
            the protocol says.
        train: training histories, which tell how popular each item is, instead of those of the
            data.
        protocol: instead of the one of the data.
        ks: list lengths to measure at.
        item_categories: one text per item in the order of the item ids 1..V, categories joined by
            `|`; adds `"diversity@k"`. From an item table:
            `interactions.items["category"].reindex(data.vocabulary.raw_ids)`.

    Raises:
        ValueError: `ks` is empty or has values that are not whole numbers of at least 1, the model
            was made for other items or users, or `item_categories` is not one text per item; and
            the errors of `rank`.

    Example:
        >>> evaluate(model, data.test).metrics["ndcg@10"]
    """
    are_lengths = not isinstance(ks, str) and np.iterable(ks) and len(ks)
    require(are_lengths, "`ks` must be list lengths, such as (5, 10)", ks=ks)
    ks = sorted({check_whole("ks", k) for k in ks})
    protocol = settle_protocol(queries, protocol, filter_seen)
    train = queries.train if train is None else train
    check_model(scorer, queries.num_items, train)
    ranking = rank(scorer, queries, protocol=protocol, k=ks[-1])
    popularity = train.item_counts(ranking.num_items)
    per_user = _per_user_table(ranking, queries, popularity)
    membership = None
    if item_categories is not None:
        must = "`item_categories` must hold one text per item, in the order of the item ids"
        counts = {"texts": len(item_categories), "items": ranking.num_items}
        require(len(item_categories) == ranking.num_items, must, **counts)
        membership = metric_functions.category_matrix(item_categories)
    measured = _means(ranking.ranks, ks)
    for k in ks:
        measured |= _list_metrics(ranking.lists[:, :k], popularity, membership, k)
    warm = ~per_user["cold_user"].to_numpy()
    return Evaluation(
        per_user=per_user,
        lists=ranking.lists,
        metrics=measured,
        warm_metrics=_means(ranking.ranks[warm], ks) if warm.any() else {},
        protocol=protocol,
        num_items=ranking.num_items,
    )


def _per_user_table(ranking: Ranking, queries: Queries, popularity: np.ndarray) -> pd.DataFrame:
    known = np.where(queries.trained, queries.targets, 0)
    table = {
        "rank": ranking.ranks,
        "history_length": queries.histories.lengths,
        "target_popularity": np.where(queries.trained, popularity[known], 0),
        "cold_user": queries.user_ids < 0,
        "cold_target": ~queries.trained,
        "repeated_target": queries.trained & queries.histories.contain(known),
        "filtered_target": ranking.filtered,
    }
    return pd.DataFrame(table).rename_axis(index="row")


def _means(ranks: np.ndarray, ks: Sequence[int]) -> dict[str, float]:
    names = [f"{family}@{k}" for k in ks for family in RANK_METRICS]
    return {name: float(rank_metric(name, ranks).mean()) for name in names}


def _list_metrics(lists: np.ndarray, popularity: np.ndarray, membership, k: int) -> dict:
    """Metrics of lists of length k; none but coverage where the filter left nothing to show."""
    num_items = len(popularity) - 1
    values = {"coverage": metric_functions.coverage(lists, num_items)}
    if lists.any():
        values |= {
            "novelty": metric_functions.novelty(lists, popularity),
            "popularity_share_1pct": metric_functions.popularity_share(lists, popularity, 0.01),
            "popularity_share_10pct": metric_functions.popularity_share(lists, popularity, 0.1),
            "gini": metric_functions.gini(lists, num_items),
        }
    if membership is not None:
        diversity = metric_functions.category_diversity(lists, membership)
        if np.isfinite(diversity).any():
            values["diversity"] = float(np.nanmean(diversity))
    return {f"{name}@{k}": value for name, value in values.items()}


def save_ranks(ranks: Mapping[int, np.ndarray], path: str | os.PathLike) -> None:
    """Store the ranks of every user, one column per seed, as Parquet: row numbers and ranks only.

    The file appears under its name only once it is complete.

    Args:
        ranks: by seed, the rank of each user, (U,), all in the same order of users.
        path: such as `results/per_user/NAME.parquet`.

    Raises:
        ValueError: there is no seed, or the seeds do not have the same users.
    """
    lengths = {seed: len(values) for seed, values in ranks.items()}
    same = len(set(lengths.values())) == 1
    require(same, "`ranks` must hold the same users for each seed", users=lengths)
    columns = {f"seed_{seed}": np.asarray(values, np.int32) for seed, values in ranks.items()}
    rows = np.arange(next(iter(lengths.values())), dtype=np.int32)
    with written_whole(path) as unfinished:
        pd.DataFrame({"row": rows} | columns).to_parquet(unfinished, index=False)


def load_ranks(path: str | os.PathLike) -> pd.DataFrame:
    """Read ranks from `save_ranks`: one row per user, one column per seed under its number, int32.

    Example:
        >>> ndcg(load_ranks(path), 10).mean(axis=1)  # Seed-averaged value of each user.
    """
    table = pd.read_parquet(path)
    names = list(table.columns)
    ours = "row" in names and all(name == "row" or name.startswith("seed_") for name in names)
    must = "`path` must be a file that `save_ranks` wrote, with columns row, seed_0, ..."
    require(ours, must, path=path, columns=names)
    table = table.sort_values("row").set_index("row")
    return table.rename(columns=lambda name: int(name.removeprefix("seed_")))
