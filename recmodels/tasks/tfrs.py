"""Adapter of TensorFlow Recommenders: its tasks, metric and index for Keras 3 models.

This is the only module that imports TFRS. TFRS 0.7.7 is written for Keras 2. Its tasks have no
weights and can be applied to the outputs of a Keras 3 model, but its layers with weights would
never be trained in such a model. So models and layers are Keras 3, and tasks, metrics and indexes
come from here.
"""

import functools
import importlib.metadata
import importlib.util
import sys

import keras
import numpy as np
from keras import ops


@functools.cache
def import_tfrs():
    """Import TensorFlow Recommenders; raise an `ImportError` with the reason if that fails."""
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
            "The `scann` package does not load with this TensorFlow and breaks the import of "
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


def legacy_losses():
    """Return `tf.keras.losses` of Keras 2, which the tasks of TFRS need."""
    import_tfrs()
    import tensorflow as tf

    return tf.keras.losses


def with_autograph(task):
    """Return the `call` of a TFRS task, converted to graph code by AutoGraph.

    Keras 2 converts the `call` of every layer, Keras 3 does not. `tf.function(task)` converts it
    too, but if the conversion fails, it gives a warning and runs the original code. Here a failed
    conversion is an error.
    """
    import tensorflow as tf

    return functools.partial(tf.autograph.to_graph(type(task).call), task)


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
        """Add a batch: queries (B, D) and the vectors of their targets, (B, D)."""
        self._metric.update_state(*(ops.cast(x, "float32") for x in (queries, true_candidates)))

    def result(self) -> dict[str, float]:
        """`top_k` for each k over everything counted."""
        return {f"top_{k}": float(v) for k, v in zip(self.ks, self._metric.result(), strict=True)}

    def reset(self) -> None:
        """Reset the counts."""
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
        """Return the best k candidates of each query, without excluded ones.

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
            result = self.layer(queries, k=k)
        else:
            result = self.layer.query_with_exclusions(queries, np.asarray(exclude), k=k)
        scores, identifiers = (part.numpy() for part in result)
        return scores, identifiers


def refuse_legacy_layers(model: keras.Model) -> None:
    """Raise if a Keras 3 model contains a Keras 2 layer with weights, which is never trained.

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
