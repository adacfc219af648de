"""The door to TensorFlow Recommenders, against formulas of our own."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from harness import make_histories, to_numpy, value_and_gradients

from recmodels.tasks import tfrs as door
from recmodels.tasks.losses import full_softmax
from recmodels.tasks.ranking import RankingTask
from recmodels.tasks.retrieval import RetrievalTask

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TFRS runs on TensorFlow alone"
)
V, B, C, D = 9, 6, 8, 4
# Item 3 stands twice, as it will in a batch of real events.
IDS = np.array([3, 1, 7, 3, 2, 9, 5, 7], np.int32)
TRAIN = make_histories([[1, 2, 3, 3, 3, 7], [7, 7, 9, 5, 3, 1], [2, 4, 6, 8, 3]])


def vectors(rows, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).normal(size=(rows, D))).astype(np.float32)


def by_hand(queries, candidates, options, weights, mask=None):
    """The loss in a loop over queries, float64."""
    counts = np.bincount(TRAIN.items, minlength=V + 1)
    losses = []
    for i in range(len(queries)):
        logits = {j: float(queries[i] @ candidates[j]) for j in range(len(candidates))}
        logits = {j: value / options.get("temperature", 1.0) for j, value in logits.items()}
        if options.get("correct_sampling", True):
            logits = {j: v - np.log(counts[IDS[j]] / counts.sum()) for j, v in logits.items()}
        negatives = [j for j in logits if j != i and (mask is None or mask[i, j])]
        if options.get("remove_accidental_hits", True):
            negatives = [j for j in negatives if IDS[j] != IDS[i]]
        hardest = sorted((logits[j] for j in negatives), reverse=True)
        hardest = hardest[: options.get("num_hard_negatives") or len(hardest)]
        losses.append(np.logaddexp.reduce([logits[i], *hardest]) - logits[i])
    return np.average(losses, weights=weights)


OPTIONS = [
    {},
    {"correct_sampling": False, "remove_accidental_hits": False},
    {"temperature": 0.3},
    {"remove_accidental_hits": False},
    {"num_hard_negatives": 2},
    {"num_hard_negatives": 50},
]


def make_task(**options):
    task = RetrievalTask(V, **options)
    task.adapt(TRAIN)
    return task


@pytest.mark.backends
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("masked", [False, True])
def test_loss_by_hand(options, masked):
    queries, candidates = vectors(B), vectors(C, 1)
    weights = np.array([1, 2, 0, 1, 1, 3], np.float32)
    mask = np.random.default_rng(3).random((B, C)) < 0.7 if masked else None
    if masked:
        mask |= np.eye(B, C, dtype=bool)
    found = make_task(**options)(queries, candidates, IDS, weights, mask)
    expected = by_hand(queries, candidates, options, weights, mask)
    assert float(to_numpy(found)) == pytest.approx(expected, rel=1e-5)


@on_tensorflow
@pytest.mark.parametrize("options", OPTIONS)
def test_own_softmax_and_tfrs_agree_in_loss_and_gradients(options):
    task = make_task(**options)
    weights = keras.ops.convert_to_tensor(np.linspace(0.5, 2, B).astype(np.float32))
    shares = keras.ops.take(task.log_shares, IDS) if task.correct_sampling else None
    results = [
        value_and_gradients(
            lambda q, c, compute=compute: compute(q, c, IDS, weights, shares, None),
            vectors(B, scale=0.5),
            vectors(C, 1),
        )
        for compute in (task._tfrs_loss, task._own_loss)
    ]
    (loss, gradients), (own_loss, own_gradients) = results
    assert loss == pytest.approx(own_loss, abs=1e-6)
    for ours, theirs in zip(own_gradients, gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.backends
def test_every_item_once_is_the_full_softmax():
    queries, table = vectors(B), vectors(V, 1)
    order = np.array([4, 2, 8, 1, 5, 9, 3, 6, 7], np.int32)
    task = RetrievalTask(V, correct_sampling=False)
    found = task(queries, table[order - 1], order)
    whole = full_softmax(
        keras.ops.convert_to_tensor(queries),
        keras.ops.convert_to_tensor(order[:B]),
        keras.ops.ones((B,)),
        keras.ops.convert_to_tensor(table),
    )
    assert float(to_numpy(found)) == pytest.approx(float(to_numpy(whole)), rel=1e-5)


@pytest.mark.backends
def test_half_precision_is_cast():
    task = make_task()
    queries, candidates = vectors(B).astype(np.float16), vectors(C, 1).astype(np.float16)
    found = task(keras.ops.convert_to_tensor(queries), keras.ops.convert_to_tensor(candidates), IDS)
    expected = by_hand(queries.astype(float), candidates.astype(float), {}, np.ones(B))
    assert float(to_numpy(found)) == pytest.approx(expected, rel=1e-3)


@pytest.mark.backends
def test_shares_must_be_counted_first():
    with pytest.raises(ValueError, match="call `adapt"):
        RetrievalTask(V)(vectors(B), vectors(C), IDS)


@on_tensorflow
def test_a_task_that_cannot_be_converted_is_an_error():
    made = {}
    exec("class Task:\n    def call(self, x):\n        return x if len(x) else 0", made)
    with pytest.raises(Exception, match="source code"):
        door.with_autograph(made["Task"]())


@pytest.mark.backends
@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_ranking_loss_by_hand(loss):
    labels = np.array([1.0, 0, 1, 1], np.float32)
    predictions = np.array([0.9, 0.2, 0.6, 0.3], np.float32)
    each = {
        "mse": (labels - predictions) ** 2,
        "bce": -np.log(np.where(labels == 1, predictions, 1 - predictions)),
    }[loss]
    task = RankingTask(loss)
    assert float(to_numpy(task(labels, predictions))) == pytest.approx(each.mean(), rel=1e-4)
    weights = np.array([1.0, 0, 2, 0], np.float32)
    weighted = (each * weights).sum() / 4
    found = float(to_numpy(task(labels, predictions[:, None], weights)))
    assert found == pytest.approx(weighted, rel=1e-4)


class TwoTowers(keras.Model):
    """User and item vectors trained by the task."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.users = keras.layers.Embedding(len(TRAIN), D)
        self.items = keras.layers.Embedding(V + 1, D)
        self.task = RetrievalTask(V)
        self.task.adapt(TRAIN)

    def build(self, input_shape=None):
        self.users.build()
        self.items.build()

    def call(self, inputs):
        queries, candidates = self.users(inputs["user"]), self.items(inputs["item"])
        self.add_loss(self.task(queries, candidates, inputs["item"]))
        return queries


def events():
    users = np.repeat(np.arange(len(TRAIN)), TRAIN.lengths).astype(np.int32)
    return {"user": users, "item": TRAIN.items}


@on_tensorflow
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_trains_in_a_compiled_fit_and_survives_saving(policy, tmp_path):
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    try:
        model = TwoTowers()
        model.compile(optimizer=keras.optimizers.Adam(0.1), jit_compile=False)
        history = model.fit(events(), epochs=10, batch_size=17, verbose=0).history["loss"]
        assert history[-1] < 0.8 * history[0]
        users = to_numpy(model.users.embeddings)
        model.save(tmp_path / "towers.keras")
        again = keras.saving.load_model(
            tmp_path / "towers.keras", custom_objects={"TwoTowers": TwoTowers}
        )
        np.testing.assert_array_equal(to_numpy(again.users.embeddings), users)
        np.testing.assert_array_equal(
            to_numpy(again.task.log_shares), to_numpy(model.task.log_shares)
        )
    finally:
        keras.config.set_dtype_policy("float32")


def test_config_round_trip():
    task = RetrievalTask(V, temperature=0.5, num_hard_negatives=3, remove_accidental_hits=False)
    assert RetrievalTask.from_config(task.get_config()).get_config() == task.get_config()
    assert RankingTask.from_config(RankingTask("bce").get_config()).objective == "bce"


@on_tensorflow
def test_top_k_agrees_with_our_ranks_where_nothing_ties():
    queries, table = vectors(50), vectors(30, 1)
    targets = np.random.default_rng(2).integers(0, 30, 50)
    metric = door.FactorizedTopK(table, ks=(1, 5, 10))
    metric.update(queries[:20], table[targets[:20]])
    metric.update(queries[20:], table[targets[20:]])
    scores = queries @ table.T
    ranks = (scores > scores[np.arange(50), targets, None]).sum(axis=1) + 1
    assert metric.result() == pytest.approx({f"top_{k}": (ranks <= k).mean() for k in (1, 5, 10)})
    metric.reset()
    metric.update(queries[:1], table[np.argmax(scores[:1], axis=1)])
    assert metric.result()["top_1"] == 1.0


@on_tensorflow
def test_a_collapsed_model_is_perfect_for_tfrs_and_not_for_us():
    from recmodels.evaluation.ranking import _pessimistic_ranks

    table = np.ones((30, D), np.float32)
    metric = door.FactorizedTopK(table, ks=(1,))
    metric.update(vectors(50), table[:1].repeat(50, axis=0))
    assert metric.result() == {"top_1": 1.0}
    scores = np.pad(vectors(50) @ table.T, ((0, 0), (1, 0)), constant_values=-np.inf)
    targets = np.ones(50, int)
    assert (_pessimistic_ranks(scores, targets, scores[:, 1]) == 30).all()


@on_tensorflow
def test_index_takes_another_k_per_call_and_excludes_the_given_items():
    table, names = vectors(6, 1), np.array([f"film {i}" for i in range(6)])
    index = door.BruteForce(table, names)
    queries = vectors(3)
    order = np.argsort(-(queries @ table.T), axis=1)
    for k in (2, 6, 1):
        scores, found = index(queries, k=k)
        assert found.astype(str).tolist() == names[order[:, :k]].tolist()
        assert scores.shape == (3, k)
    _, found = index(queries, k=2, exclude=names[order[:, :2]])
    assert found.astype(str).tolist() == names[order[:, 2:4]].tolist()
    for k in (0, 7):
        with pytest.raises(ValueError, match=f"from 1 to the 6 candidates.*k={k}"):
            index(queries, k=k)


@on_tensorflow
@pytest.mark.parametrize("bad", [np.zeros((0, 3)), np.zeros(3)])
def test_an_index_of_nothing_is_refused(bad):
    with pytest.raises(ValueError, match="`candidates` must be vectors"):
        door.BruteForce(bad)


@on_tensorflow
def test_a_legacy_layer_with_weights_is_refused():
    import tf_keras

    class Hidden(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = tf_keras.layers.Dense(2)
            self.inner.build((None, 3))

    model = keras.Sequential([keras.layers.Dense(3), Hidden()])
    with pytest.raises(ValueError, match="never trained.*Hidden.inner of type Dense"):
        door.refuse_legacy_layers(model)
    door.refuse_legacy_layers(TwoTowers())


@on_tensorflow
def test_fit_refuses_a_legacy_layer_before_it_trains():
    from recmodels.training.fit import Training, fit

    class Hides(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inside = [door.import_tfrs().layers.dcn.Cross()]
            self.inside[0](np.ones((1, D), np.float32))

    model = TwoTowers()
    model.hides = Hides()
    with pytest.raises(ValueError, match=r"never trained.*of type Cross"):
        fit(model, [None], Training(epochs=1), verbose=False)


@pytest.mark.slow  # It imports Keras in another process.
@on_tensorflow
@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("import tensorflow as tf; tf.keras.layers", "Restart Python and import recmodels first"),
        ("import sys; sys.modules['tensorflow_recommenders'] = None", "pip install"),
    ],
)
def test_what_stands_in_the_way_is_named(before, message):
    code = (
        f"{before}\nimport recmodels\nfrom recmodels.tasks.tfrs import import_tfrs\nimport_tfrs()"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1 and message in done.stderr.splitlines()[-1], done.stderr


@on_tensorflow
def test_scann_is_named(monkeypatch):
    monkeypatch.setattr(door, "_installed", lambda package: package == "scann")
    door.import_tfrs.cache_clear()
    with pytest.raises(ImportError, match="pip uninstall scann"):
        door.import_tfrs()
    door.import_tfrs.cache_clear()


@pytest.mark.backends
def test_other_backends_have_no_tfrs(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ImportError, match="KERAS_BACKEND=tensorflow. Received: backend='jax'"):
        door.import_tfrs.__wrapped__()


@pytest.mark.backends
def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="`temperature` must be greater than 0"):
        RetrievalTask(V, temperature=0)
    with pytest.raises(ValueError, match="`loss` must be one of"):
        RankingTask("hinge")


@pytest.mark.backends
def test_a_loaded_task_is_adapted_like_the_saved_one(tmp_path):
    path = tmp_path / "task.weights.h5"

    class Holder(keras.Model):
        def __init__(self):
            super().__init__()
            self.retrieval = RetrievalTask(V)
            self.built = True

    saved, loaded = Holder(), Holder()
    saved.retrieval.adapt(TRAIN)
    saved.save_weights(path)
    assert not loaded.retrieval.adapted
    loaded.load_weights(path)
    arguments = vectors(B), vectors(C, seed=1), IDS
    expected = float(to_numpy(saved.retrieval(*arguments)))
    assert float(to_numpy(loaded.retrieval(*arguments))) == pytest.approx(expected)
