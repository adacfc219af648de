"""Retrieval with in-batch negatives."""

import functools

import keras
import numpy as np
from keras import ops

from recmodels.features.histories import Histories
from recmodels.tasks.losses import in_batch_softmax
from recmodels.tasks.tfrs import import_tfrs, legacy_losses, with_autograph


@keras.saving.register_keras_serializable("recmodels")
class RetrievalTask(keras.layers.Layer):
    """Softmax of each query over the candidates of its batch, with `tfrs.tasks.Retrieval`.

    Frequent items are frequent negatives; the correction of Yi et al., "Sampling-Bias-Corrected
    Neural Modeling for Large Corpus Item Recommendations", 2019, section 3, lowers each logit by
    the log of the item's share of the training events. Other backends than TensorFlow compute the
    same from the library's own sampled softmax.

    Args:
        num_items: V; items are 1..V.
        correct_sampling: whether logits are corrected; then `adapt` must have seen the training
            events before the first call.
        temperature: logits are divided by it.
        remove_accidental_hits: whether other candidates with the id of the positive are no longer
            negatives.
        num_hard_negatives: how many negatives with the highest logits count; None for all.

    Call arguments:
        queries: (B, D).
        candidates: (C, D) with C >= B: candidate i belongs to query i, further ones are
            negatives alone. In half precision they are cast to float32.
        candidate_ids: item ids int32, (C,).
        sample_weight: (B,); 1 each by default.
        score_mask: bool, (B, C), False where a candidate is no negative of a query.

    Returns:
        The weighted mean of the cross-entropies, a scalar.

    Example:
        >>> task = RetrievalTask(data.num_items)
        >>> task.adapt(data.train)
        >>> self.add_loss(task(queries, candidates, item_ids))   # in the call of a Keras 3 model
    """

    def __init__(
        self,
        num_items: int,
        correct_sampling: bool = True,
        temperature: float = 1.0,
        remove_accidental_hits: bool = True,
        num_hard_negatives: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        if temperature <= 0:
            raise ValueError(
                f"`temperature` must be greater than 0. Received: temperature={temperature}"
            )
        self.num_items = num_items
        self.correct_sampling = correct_sampling
        self.temperature = temperature
        self.remove_accidental_hits = remove_accidental_hits
        self.num_hard_negatives = num_hard_negatives
        self.adapted = False
        self.log_shares = self.add_weight(
            name="log_shares", shape=(num_items + 1,), initializer="zeros", trainable=False
        )
        self.built = True

    def adapt(self, train: Histories) -> None:
        """Count the items of training histories."""
        counts = np.maximum(train.item_counts(self.num_items), 1)
        self.log_shares.assign(np.log(counts / max(1, len(train.items))).astype(np.float32))
        self.adapted = True

    def call(self, queries, candidates, candidate_ids, sample_weight=None, score_mask=None):
        if self.correct_sampling and not self.adapted:
            raise ValueError(
                "`correct_sampling` needs the shares of the items: call `adapt(data.train)` first, "
                "or give `correct_sampling=False`."
            )
        candidate_ids = ops.cast(candidate_ids, "int32")
        if sample_weight is None:
            sample_weight = ops.ones((ops.shape(queries)[0],), "float32")
        log_shares = None
        if self.correct_sampling:
            log_shares = ops.take(self.log_shares, candidate_ids)
        compute = self._tfrs_loss if keras.backend.backend() == "tensorflow" else self._own_loss
        return compute(queries, candidates, candidate_ids, sample_weight, log_shares, score_mask)

    def _tfrs_loss(self, queries, candidates, candidate_ids, weights, log_shares, score_mask):
        total = self._tfrs_call(
            queries,
            candidates,
            sample_weight=weights,
            candidate_sampling_probability=None if log_shares is None else ops.exp(log_shares),
            candidate_ids=candidate_ids,
            compute_metrics=False,
            score_mask=score_mask,
        )
        return total / ops.maximum(ops.sum(weights), 1e-9)

    @functools.cached_property
    def _tfrs_call(self):
        losses = legacy_losses()
        summed = losses.CategoricalCrossentropy(from_logits=True, reduction=losses.Reduction.SUM)
        task = import_tfrs().tasks.Retrieval(
            loss=summed,
            temperature=self.temperature,
            num_hard_negatives=self.num_hard_negatives,
            remove_accidental_hits=self.remove_accidental_hits,
        )
        return with_autograph(task)

    def _own_loss(self, queries, candidates, candidate_ids, weights, log_shares, score_mask):
        return in_batch_softmax(
            queries,
            candidates,
            weights,
            log_shares=log_shares,
            candidate_ids=candidate_ids if self.remove_accidental_hits else None,
            score_mask=score_mask,
            temperature=self.temperature,
            num_hard_negatives=self.num_hard_negatives,
        )

    def load_own_variables(self, store) -> None:
        super().load_own_variables(store)
        self.adapted = bool(np.any(ops.convert_to_numpy(self.log_shares)))

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "num_items": self.num_items,
            "correct_sampling": self.correct_sampling,
            "temperature": self.temperature,
            "remove_accidental_hits": self.remove_accidental_hits,
            "num_hard_negatives": self.num_hard_negatives,
        }
