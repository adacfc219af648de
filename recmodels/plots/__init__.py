"""Figures: numbers in, matplotlib Axes out."""

from recmodels.plots.attention import attention_map, growth, position_map
from recmodels.plots.behaviour import behaviour_funnel, week_map
from recmodels.plots.calibration import reliability_diagram
from recmodels.plots.compare import concentration_curves, gap_curves, length_curves
from recmodels.plots.costs import cost_and_score
from recmodels.plots.embeddings import vector_map
from recmodels.plots.explain import (
    attention_against_influence,
    counterfactual_pair,
    deletion_curves,
    influence_strip,
)
from recmodels.plots.faults import best_of_many, caught_map, fault_effects
from recmodels.plots.inputs import padding_map, response_curves, value_distribution
from recmodels.plots.insights import drift_shares, interest_strip, season_parts
from recmodels.plots.learning import learning_curves
from recmodels.plots.lists import ranked_list
from recmodels.plots.log import leak_report, length_distribution, popularity_distribution
from recmodels.plots.measuring import differences, hits_by_depth, p_values
from recmodels.plots.options import option_curves
from recmodels.plots.panels import panels
from recmodels.plots.recommending import trade_off
from recmodels.plots.results import compare_with_published, metric_by_slice, model_comparison
from recmodels.plots.style import save
