"""All explainers by name, and the most faithful one of each family of models."""

from collections.abc import Callable

from recmodels.explain.gradients import gradient_times_input, integrated_gradients
from recmodels.explain.influence import (
    Influence,
    attention_influence,
    leave_one_out_influence,
    random_influence,
    recency_influence,
    shapley,
)
from recmodels.explain.removal import Removal
from recmodels.models.capabilities import Scores
from recmodels.models.fallback import WithFallback

LIST_LENGTH = 10  # Of the lists whose margins explain an item.
LEAVE_ONE_OUT, MARGIN, SHAPLEY = "leave one out", "leave one out, margin", "Shapley"
EXPLAINERS: dict[str, Callable[[Removal], Influence]] = {
    "random": random_influence,
    "recency": recency_influence,
    LEAVE_ONE_OUT: leave_one_out_influence,
    MARGIN: lambda removal: leave_one_out_influence(removal, margin_length(removal)),
    SHAPLEY: shapley,
}
OF_ENCODERS: dict[str, Callable[[Removal], Influence]] = {
    "attention": attention_influence,
    "gradient times input": gradient_times_input,
    "integrated gradients": integrated_gradients,
}
# By the class of the model: the explainer with the highest gain in results/reasons.json.
MOST_FAITHFUL = {"EASE": LEAVE_ONE_OUT, "ItemKNN": MARGIN, "Markov": SHAPLEY, "SASRec": SHAPLEY}


def most_faithful(model: Scores) -> str:
    """The name of the explainer that was measured to be the most faithful to a model.

    Args:
        model: any model that scores; a `WithFallback` has the explainer of its first model.

    Returns:
        A key of `EXPLAINERS`: "leave one out" for families that were not measured. For the
        measurements see docs/explanations.md.

    Example:
        >>> most_faithful(EASE())
        'leave one out'
    """
    while isinstance(model, WithFallback):
        model = model.scorer
    return MOST_FAITHFUL.get(type(model).__name__, LEAVE_ONE_OUT)


def margin_length(removal: Removal) -> int:
    """Length of the list for "leave one out, margin": 10, or less for a small catalogue."""
    return max(1, min(LIST_LENGTH, removal.num_items - 1))
