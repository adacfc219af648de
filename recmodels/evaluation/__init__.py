"""Evaluate any model in the same way: ranks of every user, then metrics, intervals and tests."""

from recmodels.evaluation.comparison import comparison, over_folds, slice_means, slices
from recmodels.evaluation.order_audit import OrderAudit, order_audit
from recmodels.evaluation.ranking import Ranking, ask, rank
from recmodels.evaluation.report import (
    Evaluation,
    evaluate,
    load_ranks,
    save_ranks,
)
from recmodels.evaluation.seen import seen_item_percentiles, seen_item_share
from recmodels.evaluation.statistics import (
    Interval,
    bootstrap_interval,
    compare,
    holm,
    paired_permutation_test,
    seed_std,
)
from recmodels.models.capabilities import Scores
