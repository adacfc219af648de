"""The door to TensorFlow Recommenders: its tasks, its metric and its index for Keras 3 models.

The only module that imports TFRS. TFRS 0.7.7 is written for Keras 2; its tasks hold no weights and
work on what a Keras 3 model computes, its layers with weights would never be trained there. So
models and layers are Keras 3, and tasks, metrics and indexes come from here.
"""

import functools
import importlib.metadata
import importlib.util
import sys

import keras
import numpy as np
from keras import ops

from recmodels.features.histories import Histories
from recmodels.tasks.losses import in_batch_softmax

RATING_LOSSES = ("mse", "bce")


@functools.cache
def import_tfrs():
    """TensorFlow Recommenders, or an `ImportError` that says what stands in its way."""
    if keras.backend.backend() != "tensorflow":
        raise ImportError(
            "TensorFlow Recommenders needs Keras on TensorFlow: start with "
            f"KERAS_BACKEND=tensorflow. Received: backend={keras.backend.backend()!r}"
        )
    for name in ("tensorflow-recommenders", "tf-keras"):
        module = name.replace("-", "_")
        if importlib.util.find_spec(module) is None:
            raise ImportError(
                f"TensorFlow Recommenders is not complete: `pip install {name}`. "
                f"Received: no module {module!r}"
            )
    if _installed("scann"):
        raise ImportError(
            "The `scann` package does not load beside this TensorFlow and breaks the import of "
            "TensorFlow Recommenders: `pip uninstall scann`."
        )
    import tensorflow as tf

    if not tf.keras.Model.__module__.startswith("tf_keras"):
        culprit = " Importing keras_hub does it." if "keras_hub" in sys.modules else ""
        raise ImportError(
            "`tf.keras` was loaded as Keras 3 before TensorFlow Recommenders could ask for "
            f"Keras 2.{culprit} Restart Python and import recmodels first, or set "
            "TF_USE_LEGACY_KERAS=1 in the environment."
        )
    import tensorflow_recommenders

    return tensorflow_recommenders


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


@keras.saving.register_keras_serializable("recmodels")
class RetrievalTask(keras.layers.Layer):
    """Softmax of each query over the candidates of its batch, as `tfrs.tasks.Retrieval`.

    Frequent items are frequent negatives; the correction of Yi et al., "Sampling-Bias-Corrected
    Neural Modeling for Large Corpus Item Recommendations", 2019, section 3, lowers each logit by
    the log of the item's share of the training events. Other backends than TensorFlow compute the
    same from the library's own sampled softmax.

    Args:
        num_items: V; items are 1..V.
        correct_sampling: whether logits are corrected; then `adapt` must have seen the training
            events before the first call.
        temperature: logits are divided by it.
        remove_accidental_hits: whether other candidates with the id of the positive stop being
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
        """Count the items of training histories, all that may be in a batch."""
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
        total = self._tfrs_task(
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
    def _tfrs_task(self):
        """The task of TFRS as a graph function: it relies on AutoGraph, which Keras 3 turns off."""
        tfrs = import_tfrs()
        import tensorflow as tf

        losses = tf.keras.losses
        summed = losses.CategoricalCrossentropy(from_logits=True, reduction=losses.Reduction.SUM)
        task = tfrs.tasks.Retrieval(
            loss=summed,
            temperature=self.temperature,
            num_hard_negatives=self.num_hard_negatives,
            remove_accidental_hits=self.remove_accidental_hits,
        )
        return tf.function(task)

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


@keras.saving.register_keras_serializable("recmodels")
class RankingTask(keras.layers.Layer):
    """Loss of predicted ratings or clicks, as `tfrs.tasks.Ranking`; float32 inside.

    Args:
        loss: `"mse"` for ratings, `"bce"` for probabilities of a click.

    Call arguments:
        labels, predictions: (B,) or (B, 1), of the same shape.
        sample_weight: (B,); 1 each by default.

    Returns:
        The mean over the batch, a scalar.
    """

    def __init__(self, loss: str = "mse", **kwargs) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        if loss not in RATING_LOSSES:
            raise ValueError(f"`loss` must be one of {RATING_LOSSES}. Received: loss={loss!r}")
        self.objective = loss
        self.built = True

    def call(self, labels, predictions, sample_weight=None):
        labels, predictions = (
            ops.reshape(ops.cast(x, "float32"), (-1, 1)) for x in (labels, predictions)
        )
        if keras.backend.backend() != "tensorflow":
            kinds = {"mse": keras.losses.MeanSquaredError, "bce": keras.losses.BinaryCrossentropy}
            return kinds[self.objective]()(labels, predictions, sample_weight)
        tfrs = import_tfrs()
        import tensorflow as tf

        losses = tf.keras.losses
        kinds = {"mse": losses.MeanSquaredError, "bce": losses.BinaryCrossentropy}
        return tfrs.tasks.Ranking(loss=kinds[self.objective]())(
            labels, predictions, sample_weight=sample_weight, compute_metrics=False
        )

    def get_config(self) -> dict:
        return {**super().get_config(), "loss": self.objective}


class FactorizedTopK:
    """Share of queries whose item is among the top k of all candidates, as TFRS counts it.

    Ties count in the model's favour: a model whose vectors are all alike scores 1.0. For tables,
    rank with `recmodels.evaluation`, where they count against it.

    Args:
        candidates: item vectors, (V, D).
        ks: lengths of the list.

    Example:
        >>> metric = FactorizedTopK(vectors, ks=(10, 100))
        >>> metric.update(queries, vectors[targets])
        >>> metric.result()
        {'top_10': 0.12, 'top_100': 0.41}
    """

    def __init__(self, candidates, ks: tuple[int, ...] = (1, 5, 10, 50, 100)) -> None:
        self.ks = tuple(ks)
        index = BruteForce(candidates)
        self._metric = import_tfrs().metrics.FactorizedTopK(index.layer, ks=self.ks)

    def update(self, queries, true_candidates) -> None:
        """Count a batch: queries (B, D) and the vectors of what came, (B, D)."""
        self._metric.update_state(*(ops.cast(x, "float32") for x in (queries, true_candidates)))

    def result(self) -> dict[str, float]:
        """`top_k` for each k over everything counted."""
        return {f"top_{k}": float(v) for k, v in zip(self.ks, self._metric.result(), strict=True)}

    def reset(self) -> None:
        """Forget what was counted."""
        self._metric.reset_states()


class BruteForce:
    """The exact index of TFRS, with a `k` for each call.

    Args:
        candidates: item vectors, (V, D), V >= 1.
        identifiers: what lists name the candidates by, (V,); by default their row.

    Example:
        >>> BruteForce(vectors, identifiers=titles)(queries, k=3)
        (scores (B, 3), titles (B, 3))
    """

    def __init__(self, candidates, identifiers=None) -> None:
        candidates = np.asarray(ops.convert_to_numpy(candidates), np.float32)
        if candidates.ndim != 2 or not len(candidates):
            raise ValueError(
                "`candidates` must be vectors, (V, D), at least one. "
                f"Received: shape={candidates.shape}"
            )
        if identifiers is not None and len(identifiers) != len(candidates):
            raise ValueError(
                "`identifiers` must name each candidate. Received: "
                f"{len(identifiers)} identifiers for {len(candidates)} candidates"
            )
        self.num_candidates = len(candidates)
        self.layer = import_tfrs().layers.factorized_top_k.BruteForce()
        self.layer.index(candidates, None if identifiers is None else np.asarray(identifiers))

    def __call__(self, queries, k: int = 10, exclude=None) -> tuple[np.ndarray, np.ndarray]:
        """The best k candidates of each query, without those it excludes.

        Args:
            queries: (B, D).
            k: from 1 to the number of candidates left.
            exclude: identifiers, (B, E); rows may repeat one to fill up.

        Returns:
            Scores float32 and identifiers, (B, k) each, best first.
        """
        left = self.num_candidates - (0 if exclude is None else np.shape(exclude)[1])
        if not 1 <= k <= left:
            raise ValueError(
                f"`k` must be from 1 to the {left} candidates that are left. Received: k={k}"
            )
        queries = ops.cast(queries, "float32")
        if exclude is None:
            found = self.layer(queries, k=k)
        else:
            found = self.layer.query_with_exclusions(queries, np.asarray(exclude), k=k)
        scores, identifiers = (part.numpy() for part in found)
        return scores, identifiers


def refuse_legacy_layers(model: keras.Model) -> None:
    """Raise where a Keras 2 layer with weights hides in a Keras 3 model.

    Keras 3 does not see the weights of such a layer, `tfrs.layers.dcn.Cross` for one: the model
    would compute with them and never train them.
    """
    for layer in model._flatten_layers():
        for name, value in vars(layer).items():
            for part in value if isinstance(value, list | tuple) else [value]:
                kinds = {kind.__module__.split(".")[0] for kind in type(part).__mro__}
                if "tf_keras" in kinds and getattr(part, "trainable_weights", None):
                    raise ValueError(
                        "A Keras 2 layer with weights inside a Keras 3 model is never trained. Use "
                        "a Keras 3 layer, such as keras_rs.layers.FeatureCross for Cross. "
                        f"Received: {type(layer).__name__}.{name} of type {type(part).__name__}"
                    )
