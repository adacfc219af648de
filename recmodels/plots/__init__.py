"""Figures: numbers in, matplotlib Axes out."""

from recmodels.plots.attention import attention_map, growth, position_map
from recmodels.plots.learning import learning_curves
from recmodels.plots.log import leak_report, length_distribution, popularity_distribution
from recmodels.plots.panels import panels
from recmodels.plots.results import metric_by_slice, model_comparison
from recmodels.plots.style import save

__all__ = [
    "attention_map",
    "growth",
    "leak_report",
    "learning_curves",
    "length_distribution",
    "metric_by_slice",
    "model_comparison",
    "panels",
    "popularity_distribution",
    "position_map",
    "save",
]
