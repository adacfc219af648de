"""A model of the next event: its type, its item and the time until it comes."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.features.checks import check_items
from recmodels.layers.given_type import GivenType
from recmodels.layers.time_head import TimeHead, log_density, mixture
from recmodels.models.capabilities import ChoosesSettings, HasVectors, can
from recmodels.models.event_forecast import CELLS, EventForecast, LogNormalMixture
from recmodels.models.growth import grow_keras
from recmodels.models.initial_weights import InitialWeights
from recmodels.models.positive import PositiveNumber
from recmodels.models.sequence_encoder import SCORING_ROWS, SequenceEncoder
from recmodels.threads import thread_map

NO_TYPE = 0  # Row of the table of types for an event whose type is unknown or missing.


@keras.saving.register_keras_serializable("recmodels")
class NextEvent(InitialWeights):
    """Heads for type, item and time over the states of any sequence encoder.

    With h the state after the last event, a a type, v_j the vector of item j:

        p(type)          softmax(W h + b), the logits divided by the calibration `temperature`
        p(item | type)   softmax over the items 1..V of h_a . v_j, where
                         h_a follows from h and the type, see `GivenType`
        gap              a log-normal mixture, see `TimeHead`, the scales of its components
                         multiplied by the calibration `time_width`

    Padding, the unknown item and the mask have no probability, and neither have unknown and
    missing types. All probabilities follow from the log itself: no class weights enter them.

    `fit` trains the three tasks together; see `tasks.build.next_event_job` for their weights, and
    for what chooses among epochs. The encoder may choose its settings from the data: `SASRec()`.

    Args:
        encoder: such as `SASRec`, which may read the type and the time of each event as columns.
        types: labels of the behaviour types in the order of their codes:
            `data.schema["action"].values`.
        type_column: name of the schema's column that holds them, a `Category`.
        num_components: K of the mixture over times; 0 for a model without times.
        temperature: by which logits of types are divided; 1 until it is calibrated.
        time_width: by which the scales of the mixture are multiplied; 1 until it is calibrated.

    Call arguments:
        inputs: of the encoder.

    Returns:
        States of the encoder, (B, T, D).

    Raises:
        ValueError: `types` are not two or more different labels, `temperature` or `time_width` is
            not positive, or the encoder scores items otherwise, such as `MultiInterest`.

    Example:
        >>> schema = Schema({"action": Category(), "gap": Gap(), "hour": Clock()})
        >>> data = prepare(leave_one_out(log), columns=("timestamp",), schema=schema)
        >>> encoder = SASRec(data.num_items, 50, columns=data.schema.input_sizes())
        >>> model = NextEvent(encoder, data.schema["action"].values)
        >>> fit(model, data, epochs=20)
        >>> model.next_event(queries).items_given("buy")      # (B, V + 1)
    """

    task = "next_event"  # How `fit` trains it; see `tasks/build.py`.
    temperature = PositiveNumber()
    time_width = PositiveNumber()

    def __init__(
        self,
        encoder: SequenceEncoder,
        types: Sequence,
        type_column: str = "action",
        num_components: int = 8,
        temperature: float = 1.0,
        time_width: float = 1.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        labels = [] if types is None or isinstance(types, str) else list(types)
        must = (
            "`types` must be two or more different labels, such as `data.schema['action'].values`"
        )
        require(len(set(labels)) == len(labels) > 1, must, types=types)
        must = (
            "`encoder` must score items by the dot product of one state with their vectors, as "
            "`SASRec` does: the states of several interests have no heads for types and times"
        )
        require(can(encoder, HasVectors), must, encoder=type(encoder).__name__)
        self.encoder = encoder
        self._types = labels
        self.type_column = type_column
        self.num_components = num_components
        self.temperature = temperature
        self.time_width = time_width
        self.given_type = GivenType(len(labels), name="given_type", dtype=self.dtype_policy)
        self.type_head = keras.layers.Dense(len(labels), name="type_head", dtype="float32")
        self.time_head = None
        if num_components:
            self.time_head = TimeHead(num_components, name="time_head", dtype="float32")

    @property
    def types(self) -> tuple:
        """Labels of the types, in the order of forecasts and codes."""
        return tuple(self._types)

    @property
    def num_items(self) -> int | None:
        """V, that of the encoder."""
        return self.encoder.num_items

    @property
    def max_length(self) -> int:
        """How many of the latest events are read."""
        return self.encoder.max_length

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the encoder reads besides the items."""
        return tuple(self.encoder.columns)

    @property
    def column_sizes(self) -> Mapping[str, Mapping[str, int]]:
        """Their sizes; see `Schema.input_sizes`."""
        return self.encoder.column_sizes

    def choose_settings(self, data) -> dict[str, object]:
        """Let the encoder choose its settings, if it can."""
        return self.encoder.choose_settings(data) if can(self.encoder, ChoosesSettings) else {}

    def choose_safer_settings(self) -> dict[str, object]:
        """Likewise, after a training that learnt nothing."""
        return self.encoder.choose_safer_settings()

    def build(self, input_shape=None) -> None:
        if not self.encoder.built:
            self.encoder.build()
        width = self.encoder.item_embedding.width
        self.given_type.build((None, width))
        self.type_head.build((None, width))
        if self.time_head is not None:
            self.time_head.build((None, width))

    def call(self, inputs, training=None):
        return self.encoder(inputs, training=training)

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Log-probability of each item as the next one, whatever the type.

        Args:
            queries: dict with `item_ids`, int32 (B, T), padded on the left with 0, and the columns.
            items: item ids to score; by default the whole catalogue.

        Returns:
            Float32, (B, V + 1) with minus infinity in column 0, or (B, len(items)).

        Raises:
            ValueError: see `SequenceEncoder.score`.
        """
        states = self.encoder.query_vectors(self._checked(queries))
        table = self.encoder.item_vectors()
        scores = self._in_chunks(states, lambda part: self.match(part, table), 1)
        scores = np.pad(scores, ((0, 0), (1, 0)), constant_values=-np.inf)
        return scores if items is None else scores[:, check_items(items, self.num_items)]

    def match(self, states, vectors):
        """Log-probabilities of the items, (B, V), from states (B, D) and item vectors (V, D)."""
        total = -np.inf
        for index, log_type in enumerate(ops.unstack(self.log_types(states), axis=1)):
            part = log_type[:, None] + self.log_items(states, index + 1, vectors)
            total = ops.logaddexp(total, part)
        return total

    def next_event(self, queries: dict[str, np.ndarray], with_items: bool = True) -> EventForecast:
        """The distribution of the next event: see `PredictsEvents`, and `score` for queries."""
        states = self.encoder.query_vectors(self._checked(queries))
        table = self.encoder.item_vectors()

        def read(states):
            types = range(1, len(self._types) + 1)
            return ops.stack([self.log_items(states, index, table) for index in types], axis=1)

        items = None
        if with_items:
            items = np.exp(self._in_chunks(states, read, len(self._types)))
            items = np.pad(items, ((0, 0), (0, 0), (1, 0)))
        types = _normalised(ops.convert_to_numpy(self.log_types(states)).astype(np.float64))
        return EventForecast(self.types, types, items, self._gap(states))

    def event_log_likelihood(
        self, queries: dict[str, np.ndarray], types, items, gaps
    ) -> dict[str, np.ndarray]:
        """Log-probability of what came next, by part: `type`, `item` given its type, `gap`.

        Args:
            queries: see `score`.
            types: 1..A in the order of `types`, int (B,).
            items: item ids, int (B,).
            gaps: seconds, float (B,).

        Returns:
            Float (B,) each. NaN where the type or the item is none of the model's (an item is then
            taken as one of unknown type), and where the gap is NaN; `gap` is left out without
            times.
        """
        states = self.encoder.query_vectors(self._checked(queries))
        types, items = np.asarray(types), np.asarray(items)
        known = (types >= 1) & (types <= len(self._types))
        types, real = np.where(known, types, NO_TYPE), (items >= 1) & (items <= self.num_items)
        table, rows = self.encoder.item_vectors(), np.arange(len(states))
        log_types = ops.convert_to_numpy(self.log_types(states))[rows, np.maximum(types, 1) - 1]

        def read(states, types, items):
            logits = self.log_items(states, types, table)
            return ops.take_along_axis(logits, items[:, None], axis=1)

        places = np.where(real, items, 1) - 1
        found = self._in_chunks(states, read, 1, types.astype(np.int32), places.astype(np.int32))
        parts = {
            "type": np.where(known, log_types, np.nan),
            "item": np.where(real, found[:, 0], np.nan),
        }
        if self.time_head is not None:
            gaps = np.asarray(gaps, np.float64)
            clean = np.where(gaps >= 0, gaps, 0.0).astype(np.float32)
            density = log_density(self.time_head(states), clean, self.time_width)
            parts["gap"] = np.where(gaps >= 0, ops.convert_to_numpy(density), np.nan)
        return parts

    def _checked(self, queries: Mapping) -> dict[str, np.ndarray]:
        if not self.built:
            self.build()
        return self.encoder.checked(queries)

    def log_types(self, states):
        """Log-probabilities of the types, (B, A)."""
        return ops.log_softmax(self.type_head(states) / self.temperature)

    def log_items(self, states, types, table):
        """Log-probabilities of the items 1..V given a type, one number or (B,): (B, V)."""
        types = ops.broadcast_to(types, ops.shape(states)[:1])
        asked = ops.cast(self.given_type(states, types), "float32")
        return ops.log_softmax(ops.matmul(asked, ops.transpose(table)))

    def _gap(self, states: np.ndarray) -> LogNormalMixture | None:
        if self.time_head is None:
            return None
        found = mixture(self.time_head(states), self.time_width)
        log_weights, means, log_scales = (
            ops.convert_to_numpy(part).astype(np.float64) for part in found
        )
        return LogNormalMixture(_normalised(log_weights), means, np.exp(log_scales))

    def _in_chunks(self, states: np.ndarray, read: Callable, width: int, *others) -> np.ndarray:
        """What `read` makes of the states, and of other arrays (B,), some rows at a time."""
        rows = max(1, min(SCORING_ROWS, CELLS // (width * (self.num_items + 1))))
        cuts = np.arange(rows, len(states), rows)
        parts = list(zip(*(np.split(each, cuts) for each in (states, *others)), strict=True))

        def compute(part: tuple) -> np.ndarray:
            return ops.convert_to_numpy(read(*part))

        on_cores = thread_map if keras.backend.backend() == "tensorflow" else map
        return np.concatenate(list(on_cores(compute, parts)))

    def grown(self, num_new: int) -> "NextEvent":
        """A copy whose encoder has untrained rows for `num_new` further items; see `grow`."""
        config = self.get_config()
        config["encoder"]["config"]["num_items"] += num_new
        return grow_keras(self, config)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "types": list(self._types),
            "type_column": self.type_column,
            "num_components": self.num_components,
            "temperature": self.temperature,
            "time_width": self.time_width,
        }

    @classmethod
    def from_config(cls, config: dict) -> "NextEvent":
        encoder = keras.saving.deserialize_keras_object(config["encoder"])
        return cls(**{**config, "encoder": encoder})


def _normalised(log_shares: np.ndarray) -> np.ndarray:
    """Shares that sum to 1 in float64, from logarithms that float32 has rounded, (B, K)."""
    shares = np.exp(log_shares)
    return shares / shares.sum(axis=1, keepdims=True)
