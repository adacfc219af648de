"""A two-tower model: one vector of the user, one of the item, and their dot product."""

from typing import Self

import keras
import numpy as np
from keras import ops

from recmodels.features.checks import check_items, check_queries, ratings_of, user_rows
from recmodels.features.histories import Histories
from recmodels.features.ratings import rating_rows
from recmodels.layers.rating_head import RatingHead
from recmodels.layers.tower import Tower
from recmodels.models.growth import grow_keras
from recmodels.models.initial_weights import InitialWeights

_SCORING_ROWS = 256  # Users read at once.


@keras.saving.register_keras_serializable("recmodels")
class TwoTower(InitialWeights):
    """A two-tower model, whose score is a dot product, so that items can be in an index.

        score(u, i)  = q_u . c_i / temperature + popularity_i
        rating(u, i) = mean + bias_u + bias_i + head(q_u, c_i)

    The ratings to predict in training are hidden from both towers, so that the model cannot copy
    them. Call `adapt` before training.

    Args:
        query: of the users; with `num_members` V + 1 it reads their ratings.
        candidate: of the items; with `num_members` U it reads theirs, which the model then keeps.
        head: kind of `RatingHead`; None for a model that only ranks.
        popularity: whether each item has a weight of its own, which begins at the log of its
            share of the training events.
        normalise: whether scores are cosines.
        temperature: the product of the vectors is divided by it.

    Call arguments:
        inputs: a batch of `RatingBatches`.

    Returns:
        A dict: `queries` and `candidates` (N, D + 1), whose dot product is the score, and with a
        head `ratings` (N,).

    Covington et al., "Deep neural networks for YouTube recommendations", 2016, section 3; towers
    that read ratings are the autoencoders of Sedhain et al., "AutoRec", 2015, with some hidden.

    Example:
        >>> query = Tower(len(data.train), width=64, num_members=data.num_items + 1)
        >>> model = TwoTower(query, Tower(data.num_items, width=64), popularity=True)
        >>> model.adapt(data.train)
        >>> fit(model, data, folds=10)
    """

    max_length = None
    task = "towers"  # How `fit` trains it; see `tasks/build.py`.
    columns = optional_columns = ("value",)

    def __init__(
        self,
        query: Tower,
        candidate: Tower,
        head: str | None = None,
        popularity: bool = False,
        normalise: bool = False,
        temperature: float = 1.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if temperature <= 0:
            raise ValueError(
                f"`temperature` must be greater than 0. Received: temperature={temperature}"
            )
        query.check_members("query", candidate.count + 1, "items, padding included,")
        candidate.check_members("candidate", query.count, "users")
        self.query = query
        self.candidate = candidate
        self.head = head
        self.popularity = popularity
        self.normalise = normalise
        self.temperature = temperature
        self.num_items, self.num_users = candidate.count, query.count
        self.user_rows = None  # Of the training users, once `adapt` has counted them.
        self.rating_head = None
        if head is not None:
            options = {"name": "rating_head", "dtype": self.dtype_policy}
            self.rating_head = RatingHead(head, query.dropout, **options)

    @property
    def has_user_rows(self) -> bool:
        """Return whether the model has weights for each training user."""
        return self.query.ids or self.query.num_features > 0

    def build(self, input_shape=None) -> None:
        for tower in (self.query, self.candidate):
            if not tower.built:
                tower.build()
        if self.rating_head is not None:
            self.rating_head.build((None, self.query.width))
        rows = self.num_items + 1
        self.item_weights = self.add_weight(
            name="popularity_bias", shape=(rows,), initializer="zeros", trainable=self.popularity
        )
        fixed = {"initializer": "zeros", "trainable": False}
        # Mean, lowest and highest rating; and what each item has on average.
        self.scale = self.add_weight(name="scale", shape=(3,), **fixed)
        self.item_means = self.add_weight(name="item_means", shape=(rows,), **fixed)
        if self.candidate.num_members:
            shape = (2, self.query.count, rows)
            self.memory = self.add_weight(name="memory", shape=shape, **fixed)

    def adapt(self, train: Histories) -> None:
        """Set what is counted in the training histories: the mean, shares, ratings."""
        if not self.built:
            self.build()
        initial = self.has_initial_weights
        self.user_rows = user_rows(train)
        users = np.repeat(np.arange(len(train)), train.lengths)
        inside = train.items <= self.num_items
        users, items = users[inside], train.items[inside]
        values = ratings_of(train)[inside].astype(np.float32)
        mean, counts = values.mean(), train.item_counts(self.num_items)
        self.scale.assign([mean, values.min(), values.max()])
        sums = np.bincount(items, values - mean, minlength=self.num_items + 1)
        self.item_means.assign(mean + sums / np.maximum(counts, 1))
        if self.popularity and initial:  # Later they are learnt.
            self.item_weights.assign(np.log((counts + 1) / counts.sum()))
        if self.candidate.num_members:
            memory = np.zeros(self.memory.shape, np.float32)
            memory[:, users, items] = np.stack([np.ones(len(values)), values - mean])
            self.memory.assign(memory)
        if initial:  # What is counted does not depend on the seed.
            self.remember_weights()

    def call(self, inputs, training=None):
        readers = inputs.get("readers", inputs["user_ids"])
        queries, user_biases = self._read_users(
            readers, inputs.get("rated_mask"), inputs.get("values"), training
        )
        hidden = ops.stack([inputs["user_ids"], inputs["item_ids"]], axis=1)  # (N, 2)
        candidates, item_biases = self._read_items(inputs["item_ids"], hidden, training)
        rows = inputs["rows"]
        outputs = {
            "queries": ops.take(self._ask(queries), rows, axis=0),
            "candidates": self._answer(candidates, inputs["item_ids"]),
        }
        if self.rating_head is not None:
            biases = ops.take(user_biases, rows, axis=0) + item_biases
            users = ops.take(queries, rows, axis=0)
            outputs["ratings"] = self._rate(users, candidates, biases, training)
        return outputs

    def _read_users(self, user_ids, rated_mask, values, training=None):
        """Vectors (Q, D) and biases (Q, 1) of users by their rows in training and their ratings."""
        if not self.query.num_members:
            return self.query(user_ids + 1, training=training)
        residuals = ops.multiply(ops.subtract(values, self.scale[0]), rated_mask)
        return self.query(user_ids + 1, rated_mask, residuals, training=training)

    def _read_items(self, item_ids, hidden=None, training=None):
        """Vectors (N, D) and biases (N, 1) of items, read without the hidden (user, item) cells."""
        if not self.candidate.num_members:
            return self.candidate(item_ids, training=training)
        rated_mask, residuals = (
            ops.transpose(part) for part in self._visible(hidden)
        )  # (V + 1, U)
        everything = ops.arange(self.num_items + 1)
        vectors, biases = self.candidate(everything, rated_mask, residuals, training=training)
        return ops.take(vectors, item_ids, axis=0), ops.take(biases, item_ids, axis=0)

    def _visible(self, hidden):
        """Return the stored mask and residuals without some cells (N, 2), (U, V + 1) each."""
        rated_mask, residuals = self.memory[0], self.memory[1]
        if hidden is None:
            return rated_mask, residuals
        nothing = ops.zeros((ops.shape(hidden)[0],), rated_mask.dtype)
        return (ops.scatter_update(part, hidden, nothing) for part in (rated_mask, residuals))

    def _ask(self, queries):
        """Return query vectors with an added column for the popularity, (Q, D + 1)."""
        if self.normalise:
            queries = ops.normalize(queries, axis=-1)
        ones = ops.ones((ops.shape(queries)[0], 1), queries.dtype)
        return ops.concatenate([queries / self.temperature, ones], axis=-1)

    def _answer(self, candidates, item_ids):
        """Return item vectors with the popularity bias as last column, (N, D + 1)."""
        if self.normalise:
            candidates = ops.normalize(candidates, axis=-1)
        weights = ops.cast(ops.take(self.item_weights, item_ids), candidates.dtype)
        return ops.concatenate([candidates, weights[:, None]], axis=-1)

    def _rate(self, users, items, biases, training=None):
        """Ratings, (N,), of pairs of vectors (N, D) and the sum of their biases (N, 1)."""
        rest = self.rating_head(users, items, training=training)
        biases, rest, mean = (ops.cast(x, "float32") for x in (biases, rest, self.scale[0]))
        return mean + (biases + rest)[:, 0]

    def query_vectors(self, queries: dict[str, np.ndarray]) -> np.ndarray:
        """Return the vector of each user for an index, float32, (B, D + 1).

        Args:
            queries: `user_ids` int32 (B,), the row in the training histories or -1; where the
                tower reads ratings, `item_ids` int32 (B, T), padded with 0, and `value` (B, T).
                Without `value` each item counts as rated as it is on average.
        """
        parts = [self._ask(vectors) for vectors, _ in self._users_in_parts(queries)]
        return np.concatenate([ops.convert_to_numpy(ops.cast(x, "float32")) for x in parts])

    def item_vectors(self) -> np.ndarray:
        """Return the vector of each item for an index, float32, (V, D + 1); row i - 1 is item i."""
        item_ids = ops.arange(1, self.num_items + 1)
        vectors, _ = self._read_items(item_ids)
        return ops.convert_to_numpy(ops.cast(self._answer(vectors, item_ids), "float32"))

    def score(self, queries: dict[str, np.ndarray], items: np.ndarray | None = None) -> np.ndarray:
        """Scores of the catalogue, float32, (B, V + 1), or of some items, (B, len(items))."""
        scores = self.query_vectors(queries) @ self.item_vectors().T
        if items is not None:
            return scores[:, check_items(items, self.num_items) - 1]
        return np.pad(scores, ((0, 0), (1, 0)))

    def rate(self, queries: dict[str, np.ndarray], items: np.ndarray) -> np.ndarray:
        """Predict ratings.

        Args:
            queries: see `query_vectors`.
            items: item ids, one per query (B,), or several (B, K).

        Returns:
            Float32, the shape of `items`, within the range of the training ratings.

        Raises:
            ValueError: the model has no head or was never trained, or an id is out of range.
        """
        trained = self.built and np.any(ops.convert_to_numpy(self.scale))
        if self.rating_head is None or not trained:
            raise ValueError(
                "`rate` needs a rating head, TwoTower(..., head='dot'), and a training by "
                f"`fit`. Received: head={self.head!r}, trained={bool(trained)}"
            )
        items = check_items(items, self.num_items)
        several = items.size // max(1, len(items))
        parts = list(self._users_in_parts(queries))
        users, user_biases = (
            ops.repeat(ops.concatenate(part), several, axis=0) for part in zip(*parts, strict=True)
        )
        vectors, biases = self._read_items(ops.convert_to_tensor(items.ravel()))
        ratings = ops.convert_to_numpy(self._rate(users, vectors, user_biases + biases))
        _, low, high = ops.convert_to_numpy(self.scale)
        return np.clip(ratings, low, high).reshape(items.shape)

    def _users_in_parts(self, queries: dict[str, np.ndarray]):
        """Yield vectors and biases of a few users at a time, to save memory."""
        if not self.built:
            self.build()
        needed = ("user_ids", "item_ids")[: 2 if self.query.num_members else 1]
        num_users = self.query.count if self.has_user_rows else None
        queries = check_queries(queries, self.num_items, num_users, needed)
        user_ids, given = queries["user_ids"].astype(np.int32), queries.get("value")
        if self.query.num_members and given is None:
            item_ids = np.where(queries["item_ids"] <= self.num_items, queries["item_ids"], 0)
            given = ops.convert_to_numpy(self.item_means)[item_ids]
        for begin in range(0, len(user_ids), _SCORING_ROWS):
            part, rated_mask, values = slice(begin, begin + _SCORING_ROWS), None, None
            if self.query.num_members:
                item_ids = queries["item_ids"][part]
                rated_mask, values = rating_rows(item_ids, given[part], self.num_items)
            yield self._read_users(user_ids[part], rated_mask, values)

    def grown(self, num_new: int) -> Self:
        """Return a copy with `num_new` further items of lowest popularity and average ratings."""
        config = self.get_config()
        config["candidate"]["config"]["count"] += num_new
        config["query"]["config"]["num_members"] += num_new if self.query.num_members else 0
        larger = grow_keras(self, config)
        weights = ops.convert_to_numpy(self.item_weights)
        means, scale = (ops.convert_to_numpy(v) for v in (self.item_means, self.scale))
        larger.item_weights.assign(np.append(weights, [weights[1:].min()] * num_new))
        larger.item_means.assign(np.append(means, [scale[0]] * num_new))
        return larger

    def get_config(self) -> dict:
        towers = {"query": self.query, "candidate": self.candidate}
        options = ("head", "popularity", "normalise", "temperature", "user_rows")
        return {
            **super().get_config(),
            **{name: keras.saving.serialize_keras_object(x) for name, x in towers.items()},
            **{name: getattr(self, name) for name in options},
        }

    @classmethod
    def from_config(cls, config: dict) -> "TwoTower":
        towers = ("query", "candidate")
        made = {name: keras.saving.deserialize_keras_object(config[name]) for name in towers}
        rows = config.pop("user_rows", None)
        model = cls(**{**config, **made})
        model.user_rows = rows
        return model
