"""The task of predicting type, item and time of the next event at every position of a history."""

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.features.sequences import SequenceData
from recmodels.layers.time_head import log_density
from recmodels.models.next_event import NO_TYPE, NextEvent
from recmodels.tasks.fast_losses import float32, total
from recmodels.tasks.next_item import NextItem, states_at

# Losses whose scores are log-probabilities up to a constant.
PROBABILITY_LOSSES = ("full_softmax", "sampled_softmax")
NO_GAP = -1.0  # Seconds where the time of the next event is not known.
VALIDATION_ROWS = 512


@keras.saving.register_keras_serializable("recmodels")
class NextEventTask(NextItem):
    """A `NextEvent` and the weighted sum of its three losses; train it on `NextItemBatches`.

    Each loss is the mean negative log-likelihood, in nats, over the positions that it counts: of
    the type where it is known, of the item given the true type, of the gap where it is known. A
    loss of weight 0 changes no weights of the model, so that the other losses are learnt as without
    it.

    Args:
        model: a `NextEvent`.
        loss: of the item, `"full_softmax"` or `"sampled_softmax"`.
        item_weight, type_weight, time_weight: of the losses, 0 or more.

    Raises:
        ValueError: `loss` gives no probabilities, a weight is negative or all are 0.
    """

    def __init__(
        self,
        model: NextEvent,
        loss: str = "full_softmax",
        item_weight: float = 1.0,
        type_weight: float = 1.0,
        time_weight: float = 1.0,
        **kwargs,
    ) -> None:
        must = f"`loss` must be one of {PROBABILITY_LOSSES}, whose scores are log-probabilities"
        require(loss in PROBABILITY_LOSSES, must, loss=loss)
        super().__init__(model.encoder, loss, **kwargs)
        time_weight = time_weight if model.num_components else 0.0
        weights = {
            "item_weight": item_weight, "type_weight": type_weight, "time_weight": time_weight,
        }  # fmt: skip
        fits = min(weights.values()) >= 0 and any(weights.values())
        require(fits, "Weights of losses must be 0 or more, and not all 0", **weights)
        self.model = model
        self.task_weights = weights

    def build(self, input_shape=None) -> None:
        if not self.model.built:
            self.model.build()

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        states, types = states_at(y_pred, x["positions"]), y["types"]
        asked = self.model.given_type(states, types)
        # Without weight the softmax over the items, most of the cost, is not worked out; the sum
        # keeps the gradients of `given_type` defined.
        weight = self.task_weights["item_weight"]
        of_items = (
            weight * self.item_loss(asked, y["item_ids"], sample_weight, x)
            if weight
            else 0.0 * ops.sum(float32(asked))
        )
        return (
            of_items
            + self.task_weights["type_weight"] * self._type_loss(states, types, sample_weight)
            + self.task_weights["time_weight"] * self._time_loss(states, y["gaps"], sample_weight)
        )

    def _type_loss(self, states, types, weights):
        weights = weights * float32(types != NO_TYPE)
        logs = ops.log_softmax(self.model.type_head(states))  # (N, A)
        chosen = ops.take_along_axis(logs, ops.maximum(types, 1)[:, None] - 1, axis=1)[:, 0]
        return -ops.sum(weights * chosen) / total(weights)

    def _time_loss(self, states, gaps, weights):
        if self.model.time_head is None:
            return 0.0
        weights = weights * float32(gaps >= 0)
        densities = log_density(self.model.time_head(states), ops.maximum(gaps, 0.0))
        return -ops.sum(weights * densities) / total(weights)

    def get_config(self) -> dict:
        config = {**super().get_config(), **self.task_weights}
        del config["encoder"]
        return {**config, "model": keras.saving.serialize_keras_object(self.model)}

    @classmethod
    def from_config(cls, config: dict) -> "NextEventTask":
        model = keras.saving.deserialize_keras_object(config["model"])
        return cls(**{**config, "model": model})


def event_targets(model: NextEvent, data: SequenceData) -> dict[str, np.ndarray]:
    """What follows from the training log for each event, (N,): `types` and `gaps` in seconds.

    Types are 1..A in the order of the model, 0 where the type is unknown or missing. The gap is
    the time since the previous event of the user, -1 for the first one or without times.

    Raises:
        ValueError: the data lack the type or the time, have other types than the model, or a clock
            jumps back.
    """
    column, histories = model.type_column, data.train
    fits = column in data.schema and getattr(data.schema[column], "values", None) == model.types
    must = (
        f"`types` of the model must be those of the schema's column `{column}`: make it with "
        f"`NextEvent(encoder, data.schema[{column!r}].values)`"
    )
    require(fits, must, types=model.types, schema=list(data.schema))
    codes = histories.columns[column]
    types = np.where(codes <= len(model.types), codes, NO_TYPE).astype(np.int32)
    gaps = np.full(len(types), NO_GAP, np.float32)
    if model.num_components:
        needs = (
            "A model of times needs them: `prepare(..., columns=('timestamp',))` of a log that has "
            "them, or `NextEvent(..., num_components=0)`"
        )
        require("timestamp" in histories.columns, needs, columns=sorted(histories.columns))
        passed = np.diff(np.asarray(histories.columns["timestamp"], np.float64))
        later = np.ones(len(types), bool)
        later[histories.offsets[:-1][histories.lengths > 0]] = False
        gaps[1:] = np.where(later[1:], passed, NO_GAP)
        back = later & (np.append(0, passed) < 0)
        if back.any():
            place = int(np.argmax(back))
            user = histories.users[np.searchsorted(histories.offsets, place, side="right") - 1]
            must = "`timestamp` must not decrease within a history: sort the events of each user"
            require(False, must, user=user, seconds=float(passed[place - 1]))
    return {"types": types, "gaps": gaps}


def validation_log_likelihood(
    model: NextEvent, data: SequenceData, item_weight: float, type_weight: float, time_weight: float
) -> float:
    """Weighted sum of the mean log-likelihoods of the validation targets, in nats per target.

    It is what training maximises, on other events: the default by which `fit` keeps the best
    epoch of a `NextEvent`. Targets outside the catalogue, of unknown type or without a time are
    left out of the mean that they belong to.
    """
    queries, parts = data.validation, []
    gaps = queries.target_columns.get("gap_seconds", np.full(len(queries), np.nan))
    types, items = queries.target_columns[model.type_column], queries.targets
    for start in range(0, len(queries), VALIDATION_ROWS):
        rows = np.arange(start, min(start + VALIDATION_ROWS, len(queries)))
        asked = queries.histories.window(rows, model.max_length, model.columns)
        parts.append(model.event_log_likelihood(asked, types[rows], items[rows], gaps[rows]))
    score = 0.0
    weights = {"item": item_weight, "type": type_weight, "gap": time_weight}
    for name in parts[0]:
        found = np.concatenate([part[name] for part in parts])
        if weights[name] and not np.isnan(found).all():
            score += weights[name] * float(np.nanmean(found))
    return score
