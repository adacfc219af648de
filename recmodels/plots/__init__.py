"""Figures: numbers in, matplotlib Axes out."""

from recmodels.plots.learning import learning_curves
from recmodels.plots.log import leak_report, length_distribution, popularity_distribution
from recmodels.plots.measuring import differences, hits_by_depth, p_values
from recmodels.plots.results import metric_by_slice, model_comparison
from recmodels.plots.style import save

__all__ = [
    "differences",
    "hits_by_depth",
    "leak_report",
    "learning_curves",
    "length_distribution",
    "metric_by_slice",
    "model_comparison",
    "p_values",
    "popularity_distribution",
    "save",
]
