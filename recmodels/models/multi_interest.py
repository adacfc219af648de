"""Several interests per history, of which one makes the prediction at a time."""

import keras
import numpy as np
from keras import ops

from recmodels.data.errors import require
from recmodels.features.checks import check_queries, check_whole, is_positive
from recmodels.layers.dropout import Dropout
from recmodels.layers.embedding import ItemEmbedding
from recmodels.layers.masks import padding_mask
from recmodels.models.sequence_encoder import SCORING_ROWS, SequenceEncoder


@keras.saving.register_keras_serializable("recmodels")
class MultiInterest(SequenceEncoder):
    """Predict the next item by the interest that explains the latest events best.

    Each of K interests turns the vector of an event's item into its own prediction of the next
    one, of unit length. How well its predictions matched the items that followed, summed over the
    past with exponential forgetting, is its evidence. The log weight of an interest is the log
    softmax of the evidence, times a learned sharpness, over the interests. The score of an item
    is the best that any interest gives it: prediction times item vector plus log weight.

    Li et al., "Multi-Interest Network with Dynamic Routing" (MIND), 2019, and Cen et al.,
    "Controllable Multi-Interest Framework" (ComiRec), 2020, likewise keep K vectors per user and
    score by their maximum. They pool whole histories, so that their interests say what a user
    likes at all; weights that follow the evidence say which interest is active at each event.
    Training maximises the likelihood of a mixture of softmaxes (Yang et al., "Breaking the Softmax
    Bottleneck", 2018), whose gradient assigns each target to the interests that explain it, as the
    label-aware attention of MIND does.

    Within one interest the next item depends on the last one alone: `SASRec` learns more where the
    order of many events matters.

    Args:
        num_items: V.
        num_interests: K, at least 1.
        max_length: L, the most events read of a history.
        width: D of the item vectors.
        dropout: of the item vectors that are read.
        temperature: what cosines of predictions and items are divided by; must be positive.
        dtype: as of any Keras layer.

    Call arguments:
        inputs: dict with `item_ids`, int32 (B, T), padded on the left with 0.

    Returns:
        (B, T, K * (D + 1)): for each interest its prediction divided by the temperature and its
        log weight. `match` makes scores of it.

    Raises:
        ValueError: a size is no whole number from 1 on, `temperature` is not positive, or an
            argument is unknown, such as `item_columns`: items have no columns here.

    Example:
        >>> model = MultiInterest(num_items=100, num_interests=3, width=8)
        >>> model({"item_ids": np.array([[0, 3, 1, 2]])}).shape
        TensorShape([1, 4, 27])
    """

    task = "multi_interest"
    # Scores are no dot products of one vector: no index of vectors can find the best items.
    query_vectors = None

    def __init__(
        self,
        num_items: int,
        num_interests: int = 4,
        max_length: int = 50,
        width: int = 64,
        dropout: float = 0.1,
        temperature: float = 0.1,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        sizes = {"num_items": num_items, "num_interests": num_interests}
        for name, value in {**sizes, "max_length": max_length, "width": width}.items():
            setattr(self, name, check_whole(name, value))
        must = "`temperature` must be greater than 0"
        require(is_positive(temperature), must, temperature=temperature)
        self.dropout = dropout
        self.temperature = temperature
        policy = self.dtype_policy
        self.item_embedding = ItemEmbedding(
            num_items, width, unit=True, name="item_embedding", dtype=policy
        )
        self.drop = Dropout(dropout, name="drop", dtype=policy)
        self.hidden = keras.layers.Dense(4 * width, "gelu", name="hidden", dtype=policy)
        self.predict_next = keras.layers.Dense(
            num_interests * width, name="predict_next", dtype=policy
        )

    @property
    def state_width(self) -> int:
        return self.num_interests * (self.width + 1)

    def build(self, input_shape=None) -> None:
        self.item_embedding.build()
        self.hidden.build((None, None, self.width))
        self.predict_next.build((None, None, 4 * self.width))
        self.log_sharpness = self.add_weight(name="log_sharpness", shape=(1,), initializer="zeros")
        # The share of the evidence that one more event leaves, sigmoid(1.5) = 0.82 at the start.
        start = keras.initializers.Constant(1.5)
        self.memory_logit = self.add_weight(name="memory_logit", shape=(1,), initializer=start)

    def call(self, inputs, training=None):
        item_ids = inputs["item_ids"]
        vectors = ops.normalize(self.item_embedding(item_ids), axis=-1)  # (B, T, D)
        x = self.drop(vectors * self.width**0.5, training=training)
        batch, time = ops.shape(item_ids)
        x = self.predict_next(self.hidden(x))
        x = ops.reshape(x, (batch, time, self.num_interests, self.width))
        # In float32, because a history of many events sums much evidence.
        x = ops.normalize(ops.cast(x, "float32"), axis=-1) / self.temperature  # (B, T, K, D)
        weights = self._log_weights(x, ops.cast(vectors, "float32"), padding_mask(item_ids))
        states = ops.concatenate([x, weights[..., None]], axis=-1)
        states = ops.reshape(states, (batch, time, self.state_width))
        return ops.cast(states, self.compute_dtype)

    def _log_weights(self, predictions, vectors, real):
        """Log weight of each interest after each event, (B, T, K)."""
        both = ops.cast(ops.logical_and(real[:, 1:], real[:, :-1]), "float32")
        matched = ops.einsum("btkd,btd->btk", predictions[:, :-1], vectors[:, 1:])
        matched = ops.log_softmax(matched, axis=-1) * both[..., None]
        matched = ops.pad(matched, [[0, 0], [1, 0], [0, 0]])  # (B, T, K), 0 at the first event.
        step = ops.arange(ops.shape(matched)[1])
        lag = ops.cast(step[:, None] - step[None, :], "float32")  # (T, T)
        memory = ops.log_sigmoid(ops.cast(self.memory_logit, "float32"))
        kept = ops.where(lag >= 0, ops.exp(memory * ops.maximum(lag, 0.0)), 0.0)
        evidence = ops.einsum("ts,bsk->btk", kept, matched)
        sharpness = ops.exp(ops.cast(self.log_sharpness, "float32"))
        return ops.log_softmax(sharpness * evidence, axis=-1)

    def split_states(self, states):
        """Predictions (..., K, D) and log weights (..., K, 1) of states (..., K * (D + 1))."""
        shape = (*ops.shape(states)[:-1], self.num_interests, self.width + 1)
        states = ops.reshape(states, shape)
        return states[..., :-1], states[..., -1:]

    def interest_scores(self, states, vectors):
        """Scores of items by each interest.

        Args:
            states: (..., K * (D + 1)).
            vectors: of items, (N, D).

        Returns:
            (..., K, N).
        """
        predictions, log_weights = self.split_states(states)
        return ops.matmul(predictions, ops.transpose(vectors)) + log_weights

    def match(self, states, vectors):
        return ops.max(self.interest_scores(states, vectors), axis=-2)

    def active_interest(self, queries: dict[str, np.ndarray]) -> np.ndarray:
        """Which interest gives the best item its score, after each event of each history.

        Args:
            queries: see `score`.

        Returns:
            int32 (B, T), 0..K - 1; -1 at padding and at events before the latest L.

        Example:
            >>> model.active_interest({"item_ids": np.array([[0, 3, 1, 2]])})
            array([[-1,  0,  0,  2]], dtype=int32)
        """
        if not self.built:
            self.build()
        item_ids = check_queries(queries, self.num_items)["item_ids"]
        found = np.full(item_ids.shape, -1, np.int32)
        latest = item_ids[:, -self.max_length :]
        table = ops.cast(self.item_embedding.catalogue(), "float32")
        for begin in range(0, len(latest), SCORING_ROWS):
            part = latest[begin : begin + SCORING_ROWS]
            states = ops.cast(self({"item_ids": part}, training=False), "float32")
            best = ops.max(self.interest_scores(states, table), axis=-1)  # (B, T, K)
            active = ops.convert_to_numpy(ops.argmax(best, axis=-1))
            rows = slice(begin, begin + len(part))
            found[rows, -latest.shape[1] :] = np.where(part > 0, active, -1)
        return found

    def get_config(self) -> dict:
        names = ("num_items", "num_interests", "max_length", "width", "dropout", "temperature")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
