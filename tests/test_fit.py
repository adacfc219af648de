import os
import re
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from harness import make_histories, random_lists, to_numpy

from recmodels.features.batches import NextItemBatches
from recmodels.features.negatives import NegativeSampler
from recmodels.layers.embedding import ItemEmbedding
from recmodels.models.sasrec import SASRec
from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.tasks.next_item import NextItem
from recmodels.training.callbacks import Progress, ReleaseMemory, ReproducibleEpochs
from recmodels.training.checkpoints import OtherRun, load_checkpoint, save_checkpoint
from recmodels.training.curve import LearningCurve
from recmodels.training.fit import Training, fit, make_optimizer
from recmodels.training.seeds import seed_dropout, set_seed

pytestmark = pytest.mark.backends

V, L, D = 8, 4, 8
LISTS = random_lists(16, L + 1, V)


class Killed(BaseException):
    """What no handler of errors catches, like a signal."""


class Measure:
    """Fixed scores, one a call; may kill the run instead. Remembers the weights it saw."""

    def __init__(self, task, scores, kill_at=None):
        self.task, self.scores, self.kill_at = task, scores, kill_at
        self.seen = []

    def __call__(self):
        if len(self.seen) == self.kill_at:
            raise Killed
        self.seen.append(weights_of(self.task))
        return self.scores[len(self.seen) - 1]


class Lookup(SequenceEncoder):
    """The smallest encoder: a state is the vector of its own item."""

    def __init__(self, dropout=0.3, **kwargs):
        super().__init__(**kwargs)
        self.dropout = dropout
        self.max_length = L
        self.item_embedding = ItemEmbedding(V, D, initial_std=0.5)
        self.drop = keras.layers.Dropout(dropout)

    def build(self, input_shape=None):
        self.item_embedding.build()

    def call(self, inputs, training=None):
        return self.drop(self.item_embedding(inputs["item_ids"]), training=training)

    def get_config(self):
        return {"dropout": self.dropout}


def make_task(dropout=0.3, loss="bce"):
    return NextItem(Lookup(dropout), loss)


def make_transformer(loss="full_softmax"):
    return NextItem(SASRec(V, L, D, num_blocks=1, dropout=0.3), loss)


def weights_of(task):
    return [to_numpy(w) for w in task.trainable_weights]


def make_batches(batch_size=8):
    sampler = NegativeSampler(np.ones(V), 4)
    return NextItemBatches(make_histories(LISTS), L, batch_size, 5, negatives=sampler)


def run(training=None, *, task=None, scores=None, kill_at=None, batch_size=8, **options):
    """Train the toy; returns task, curve and measure."""
    task, batches = task or make_task(), make_batches(batch_size)
    measure = None if scores is None else Measure(task, scores, kill_at)
    training = training or Training(epochs=3, learning_rate=0.01)
    curve = fit(task, batches, training, measure=measure, verbose=False, **options)
    return task, curve, measure


def assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


def without_seconds(curve):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in curve.rows]


@pytest.mark.usefixtures("eagerly")
def test_same_seed_same_weights_and_curve():
    training = Training(epochs=2, learning_rate=0.01, seed=3)
    first, first_curve, _ = run(training, task=make_transformer("bce"))
    keras.utils.set_random_seed(98)  # What a user did in between must not matter.
    second, second_curve, _ = run(training, task=make_transformer("bce"))
    assert_same(weights_of(first), weights_of(second))
    for one, other in zip(first_curve.rows, second_curve.rows, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-6)


@pytest.mark.slow
def test_steps_that_go_together_are_the_same_steps(monkeypatch):
    found = []
    for together in (1, 3):  # An epoch has 8 steps: the last three are only two.
        monkeypatch.setattr("recmodels.training.fit.STEPS_TOGETHER", together)
        task, curve, _ = run(task=make_task(loss="sampled_softmax"), batch_size=2)
        found.append((weights_of(task), [row["loss"] for row in curve.rows]))
        assert int(task.optimizer.iterations) == 3 * 8
    assert_same(found[0][0], found[1][0])
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-5)


def test_other_seed_other_weights():
    first, second = (run(Training(epochs=1, seed=seed))[0] for seed in (3, 4))
    assert np.abs(weights_of(first)[0] - weights_of(second)[0]).max() > 1e-2


OPTIONS = {
    "plain": {},
    "all options": {
        "schedule": "cosine", "warmup": 2, "weight_decay": 0.01, "clip_norm": 1.0, "average": 0.5,
    },
}  # fmt: skip
MODELS = {"plain": make_transformer, "all options": lambda: make_task(loss="sampled_softmax")}


@pytest.mark.parametrize("name", ["plain", pytest.param("all options", marks=pytest.mark.slow)])
def test_killed_and_resumed_run_equals_the_uninterrupted_one(name, tmp_path, request):
    if name == "plain":
        request.getfixturevalue("eagerly")  # A graph of the Transformer takes seconds.
    training = Training(epochs=4, learning_rate=0.01, **OPTIONS[name])
    scores = [0.1, 0.4, 0.3, 0.2]
    make, path = MODELS[name], tmp_path / "killed.npz"
    whole, whole_curve, _ = run(
        training, task=make(), scores=scores, checkpoint=tmp_path / "whole.npz"
    )
    with pytest.raises(Killed):
        run(training, task=make(), scores=scores, kill_at=3, checkpoint=path)
    assert len(load_checkpoint(path)[0]["rows"]) == 3
    resumed, resumed_curve, measure = run(training, task=make(), scores=scores[3:], checkpoint=path)
    assert len(measure.seen) == 1
    assert_same(weights_of(whole), weights_of(resumed))
    for ours, theirs in zip(resumed_curve.rows, whole_curve.rows, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
        assert (ours["epoch"], ours["score"]) == (theirs["epoch"], theirs["score"])
    (_, one), (_, other) = load_checkpoint(tmp_path / "whole.npz"), load_checkpoint(path)
    for group in ("weights", "optimizer", "best"):
        assert_same(one[group], other[group])


def test_every_epoch_has_other_batches(monkeypatch):
    seen = []
    original = NextItemBatches.__getitem__
    monkeypatch.setattr(
        NextItemBatches,
        "__getitem__",
        lambda self, i: seen.append((self.epoch, i)) or original(self, i),
    )
    run(Training(epochs=3, learning_rate=0.01))
    assert {(epoch, i) for epoch in range(3) for i in range(2)} <= set(seen)


def test_batches_are_made_in_parallel_with_the_training(monkeypatch):
    """Otherwise TensorFlow tunes the input, and epochs end when its tuning thread wakes."""
    makers = []
    original = NextItemBatches.__getitem__
    monkeypatch.setattr(
        NextItemBatches,
        "__getitem__",
        lambda self, i: makers.append(threading.current_thread().name) or original(self, i),
    )
    run(Training(epochs=1))
    assert sum("worker" in name for name in makers) == 2  # Threads of Keras's pool, one batch each.


def test_best_weights_come_back_and_training_stops_early():
    training = Training(epochs=9, learning_rate=0.01, patience=2)
    task, curve, measure = run(training, scores=[0.1, 0.5, 0.5, 0.4, 0.9])
    assert [row["epoch"] for row in curve.rows] == [1, 2, 3, 4]  # Equal is not better.
    assert curve.best["epoch"] == 2
    assert_same(weights_of(task), measure.seen[1])
    assert np.abs(measure.seen[3][0] - measure.seen[1][0]).max() > 1e-3


def test_stopped_run_is_not_continued_but_restored(tmp_path):
    training, path = Training(epochs=9, learning_rate=0.01, patience=1), tmp_path / "run.npz"
    task, curve, _ = run(training, scores=[0.5, 0.1, 0.9], checkpoint=path)
    again, same_curve, measure = run(training, scores=[], checkpoint=path)
    assert measure.seen == [] and same_curve.rows == curve.rows and len(curve.rows) == 2
    assert_same(weights_of(task), weights_of(again))


def test_a_limit_of_time_is_refused_for_several_processes(monkeypatch):
    monkeypatch.setattr(sys.modules["recmodels.training.fit"], "process_count", lambda: 2)
    with pytest.raises(ValueError, match="`max_seconds` must be None.*max_seconds=9"):
        run(Training(epochs=1, max_seconds=9))


def test_patience_waits_for_the_next_validation():
    training = Training(epochs=7, learning_rate=0.01, patience=1, validate_every=3)
    _, curve, measure = run(training, scores=[0.1, 0.2, 0.1])
    assert [row["score"] for row in curve.rows] == [None, None, 0.1, None, None, 0.2, 0.1]
    assert len(measure.seen) == 3


def test_a_time_that_is_used_up_ends_training_with_a_validation(tmp_path):
    training = Training(epochs=7, learning_rate=0.01, max_seconds=1e-6, validate_every=3)
    path = tmp_path / "run.npz"
    _, curve, _ = run(training, scores=[0.2], checkpoint=path)
    assert [row["score"] for row in curve.rows] == [0.2]
    _, again, _ = run(training, scores=[], checkpoint=path)  # The time of before counts.
    assert again.rows == curve.rows
    assert curve.out_of_time and again.out_of_time
    _, whole, _ = run(replace(training, max_seconds=600), scores=[0.1, 0.2, 0.1])
    assert len(whole.rows) == 7 and not whole.out_of_time


def test_a_larger_limit_of_time_continues_to_the_same_weights(tmp_path):
    training = Training(epochs=4, learning_rate=0.01, schedule="cosine", warmup=2)
    path = tmp_path / "run.npz"
    _, first, _ = run(replace(training, max_seconds=1e-6), checkpoint=path)
    assert len(first.rows) == 1
    task, curve, _ = run(replace(training, max_seconds=600), checkpoint=path)
    assert len(curve.rows) == 4 and not curve.out_of_time
    whole, _, _ = run(training)
    assert_same(weights_of(task), weights_of(whole))
    unlimited, again, _ = run(training, checkpoint=path)
    assert again.rows == curve.rows
    assert_same(weights_of(unlimited), weights_of(task))


def test_a_smaller_limit_of_time_that_is_used_up_trains_no_further(tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(Killed):
        run(scores=[0.1, 0.2], kill_at=2, checkpoint=path)
    limited = Training(epochs=3, learning_rate=0.01, max_seconds=1e-6)
    _, curve, _ = run(limited, scores=[], checkpoint=path)
    assert len(curve.rows) == 2 and curve.out_of_time


def test_a_larger_limit_of_time_does_not_revive_a_training_without_patience(tmp_path):
    training = Training(epochs=7, learning_rate=0.01, patience=1, max_seconds=600)
    path = tmp_path / "run.npz"
    run(training, scores=[0.2, 0.1], checkpoint=path)
    _, curve, _ = run(replace(training, max_seconds=900), scores=[], checkpoint=path)
    assert len(curve.rows) == 2 and not curve.out_of_time


@pytest.mark.parametrize("measured", [True, False])
def test_averaged_weights_are_measured_and_kept(measured, tmp_path):
    # One batch is one step here. Momentum 0.5, beginning with the first step: a1 = w1, and after
    # the second a2 = (w1 + w2) / 2.
    training = Training(epochs=2, learning_rate=0.01, average=0.5)
    path = tmp_path / "run.npz"
    options = {"scores": [0.1, 0.2]} if measured else {}
    task, _, measure = run(training, batch_size=16, checkpoint=path, **options)
    raw = load_checkpoint(path)[1]["weights"]
    kept = weights_of(task)
    assert np.abs(kept[0] - raw[0]).max() > 1e-4  # Not the last step's weights.
    if measured:
        first, second = measure.seen
        expected = [(a + b) / 2 for a, b in zip(first, raw, strict=True)]
        assert_same(second, expected)
        assert_same(kept, expected)
    restored, _, _ = run(training, batch_size=16, checkpoint=path, **options)
    assert_same(weights_of(restored), kept)


def test_without_a_measure_the_last_weights_are_kept(tmp_path):
    path = tmp_path / "run.npz"
    task, curve, _ = run(checkpoint=path)
    assert curve.best is None and len(curve.rows) == 3
    assert_same(weights_of(task), load_checkpoint(path)[1]["weights"])


def test_divergence_stops_with_a_reason(tmp_path):
    path = tmp_path / "run.npz"
    task = make_task()
    task.build()
    task.encoder.item_embedding.table.assign(np.full((V + 3, D), np.nan))
    with pytest.raises(FloatingPointError, match="loss of epoch 1 is nan. Try a smaller"):
        run(task=task, checkpoint=path)
    assert not path.exists()


class Capped(NextItem):
    """A loss that is cut to -5..5, so that it stays finite whatever the weights are."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.clip(keras.ops.mean(y_pred), -5.0, 5.0)


def test_divergence_behind_a_capped_loss_is_seen_in_the_weights():
    # Each of eight steps moves weights by up to 2e38, and float32 ends at 3.4e38.
    training = Training(epochs=1, learning_rate=2e38)
    with pytest.raises(FloatingPointError, match="after epoch 1 a weight is not finite, though"):
        run(training, task=Capped(Lookup(dropout=0.0)), scores=[0.1], batch_size=2)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_stops_training_with_the_best_weights(score):
    task = make_task()
    measure = Measure(task, [0.3, score])
    with pytest.raises(FloatingPointError, match="score of epoch 2 is (nan|inf).*`measure` must"):
        fit(task, make_batches(), Training(epochs=3), measure=measure, verbose=False)
    assert_same(weights_of(task), measure.seen[0])
    assert [row["score"] for row in task.curve.rows] == [0.3]


def test_stopped_without_a_score_the_average_up_to_there_is_kept(monkeypatch, capsys):
    # One step per epoch, momentum 0.5: a2 = (w1 + w2) / 2, as above.
    task, seen = make_task(), []

    def stop(callback, epoch, logs=None):
        seen.append(weights_of(task))
        if epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(ReproducibleEpochs, "on_epoch_begin", stop)
    training = Training(epochs=3, learning_rate=0.01, average=0.5)
    with pytest.raises(KeyboardInterrupt):
        run(training, task=task, batch_size=16)
    assert_same(weights_of(task), [(a + b) / 2 for a, b in zip(seen[1], seen[2], strict=True)])
    assert (
        "has the weights of the last step; `model.curve` has 2 finished" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"training": Training(epochs=1, learning_rate=0.02)}, "learning_rate': 0.01"),
        ({"task": lambda: make_task(dropout=0.1)}, "dropout': 0.3"),
        ({"task": lambda: make_task(loss="gbce")}, "task.loss': 'bce'"),
        ({"batch_size": 4}, "steps': 2"),
        ({"identity": {"measured on": "b"}}, "measured on': 'a'"),
        ({"identity": {}}, "measured on': 'a'"),
    ],
)
def test_checkpoint_of_other_settings_is_refused(change, message, tmp_path):
    training, path = Training(epochs=1, learning_rate=0.01), tmp_path / "run.npz"
    identity = {"measured on": "a"}
    run(training, checkpoint=path, identity=identity)
    change = {k: v() if callable(v) else v for k, v in change.items()}
    before = path.read_bytes()
    with pytest.raises(OtherRun, match=f"another run, with other .*{message}"):
        run(**{"training": training, "checkpoint": path, "identity": identity, **change})
    assert path.read_bytes() == before


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(bytes(data))


DAMAGES = {
    "cut short": cut_short,
    "flipped": flip_a_byte,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("hello"),
    "an array": lambda path: np.save(path.open("wb"), np.ones(3)),
    "other arrays": lambda path: np.savez(path, a=np.ones(3)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_damaged_checkpoint_is_named(name, tmp_path):
    path = tmp_path / "run.npz"
    save_checkpoint(path, {"rows": []}, {"weights": [np.ones((50, 50)), np.zeros(3)]})
    DAMAGES[name](path)
    with pytest.raises(ValueError, match="not a readable checkpoint .* Delete it .*run.npz"):
        load_checkpoint(path)


def test_checkpoint_round_trip(tmp_path):
    path = tmp_path / "new folder" / "run.npz"
    arrays = {"weights": [np.full(2, i) for i in range(12)], "best": []}  # 12: 10 sorts after 9.
    save_checkpoint(path, {"rows": [{"epoch": 1, "score": None}]}, arrays)
    state, found = load_checkpoint(path)
    assert state == {"rows": [{"epoch": 1, "score": None}]} and list(found) == ["weights"]
    assert [a[0] for a in found["weights"]] == list(range(12))


@pytest.mark.parametrize("place", ["writing", "renaming"])
def test_failed_save_leaves_only_the_older_checkpoint(place, tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    save_checkpoint(path, {"rows": []}, {"weights": [np.ones(3)]})

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    writing = (np.lib.format, "write_array")
    monkeypatch.setattr(*(writing if place == "writing" else (os, "replace")), fail)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, {"rows": [1]}, {"weights": [np.zeros(3)]})
    assert os.listdir(tmp_path) == ["run.npz"]
    assert load_checkpoint(path)[0] == {"rows": []}


def test_freed_memory_is_returned_where_the_system_can(monkeypatch):
    asked = []
    library = SimpleNamespace(malloc_trim=asked.append)
    monkeypatch.setattr("ctypes.CDLL", lambda name: library)
    for platform in ("darwin", "linux"):
        monkeypatch.setattr("sys.platform", platform)
        ReleaseMemory().on_epoch_end(0)
    assert asked == [0]
    del library.malloc_trim
    ReleaseMemory().on_epoch_end(0)


def test_progress_writes_a_line_an_epoch(capsys):
    task = make_task(loss="full_softmax")
    batches = NextItemBatches(make_histories(LISTS), L, 16, 0)
    training = Training(epochs=2, learning_rate=0.01)
    fit(task, batches, training, measure=lambda: 0.25, measure_name="ndcg@10")
    lines = capsys.readouterr().err.strip().split("\n")
    assert len(lines) == 2 and "epoch 2/2" in lines[1]
    assert "ndcg@10 0.2500 (best 0.2500)" in lines[1] and "left" in lines[1]


def test_progress_is_redrawn_on_a_terminal_also_when_several_steps_end_together(monkeypatch):
    written = []
    looked_at = SimpleNamespace(write=written.append, flush=lambda: None, isatty=lambda: True)
    monkeypatch.setattr("recmodels.training.callbacks.sys.stderr", looked_at)
    progress = Progress(LearningCurve())
    progress.set_params({"steps": 222, "epochs": 1})
    progress.on_epoch_begin(0)
    for end in (*range(7, 222, 8), 223):
        progress.on_train_batch_end(end)
    shares = [int(re.search(r"(\d+)%", line)[1]) for line in written]
    assert shares == sorted(shares) and len(shares) > 20 and shares[-1] == 100


def test_progress_adds_a_line_every_ten_seconds_in_a_file(monkeypatch):
    written, clock = [], iter(range(1000))
    logged = SimpleNamespace(write=written.append, flush=lambda: None, isatty=lambda: False)
    monkeypatch.setattr("recmodels.training.callbacks.sys.stderr", logged)
    monkeypatch.setattr("recmodels.training.callbacks.time.perf_counter", lambda: next(clock))
    progress = Progress(LearningCurve())
    progress.set_params({"steps": 40, "epochs": 1})
    progress.on_epoch_begin(0)  # Every look at the clock takes a second, as every batch does.
    for batch in range(40):
        progress.on_train_batch_end(batch)
    assert [line.split(":")[1].split("%")[0].strip() for line in written] == [
        "25",
        "50",
        "75",
        "100",
    ]
    assert all(line.endswith("left in it\n") and "\r" not in line for line in written)


def test_curve():
    curve = LearningCurve(measure="hr")
    assert curve.best is None and "0 epochs" in repr(curve)
    for epoch, score in enumerate([None, 0.2, 0.3, 0.3], start=1):
        curve.rows.append({"epoch": epoch, "loss": 1.0, "score": score, "seconds": 0.5})
    assert curve.best["epoch"] == 3 and curve.seconds == 2.0
    assert curve.to_frame()["score"].tolist()[1:] == [0.2, 0.3, 0.3]
    assert "best hr 0.3000 in epoch 3" in repr(curve)


def rate_at(optimizer, step):
    schedule = optimizer._learning_rate
    return float(to_numpy(schedule(step))) if callable(schedule) else float(to_numpy(schedule))


def test_learning_rate_schedules():
    constant = make_optimizer(Training(learning_rate=0.1), 100)
    assert rate_at(constant, 50) == pytest.approx(0.1)
    # Warm-up over 10 steps rises in a line; afterwards the rate stays.
    warm = make_optimizer(Training(learning_rate=0.1, warmup=10), 100)
    assert [rate_at(warm, s) for s in (0, 5, 10, 90)] == pytest.approx([0.01, 0.055, 0.1, 0.1])
    # Half-way down a cosine to a fiftieth: 0.1 (0.98 (1 + cos(pi / 2)) / 2 + 0.02) = 0.051.
    cosine = make_optimizer(Training(learning_rate=0.1, schedule="cosine"), 100)
    assert [rate_at(cosine, s) for s in (0, 50, 100)] == pytest.approx([0.1, 0.051, 0.002])
    both = make_optimizer(Training(learning_rate=0.1, schedule="cosine", warmup=20), 100)
    assert [rate_at(both, s) for s in (10, 20, 60, 100)] == pytest.approx([0.05, 0.1, 0.051, 0.002])


def test_adam_is_that_of_the_published_code():
    optimizer = make_optimizer(Training(weight_decay=0.1, clip_norm=5.0), 1)
    assert (optimizer.beta_1, optimizer.beta_2) == (0.9, 0.98)
    assert (optimizer.weight_decay, optimizer.global_clipnorm) == (0.1, 5.0)
    # No decay is no pass over the weights, not one with a factor of 0.
    assert make_optimizer(Training(), 1).weight_decay is None


def test_weight_decay_spares_biases_and_norms():
    optimizer = make_optimizer(Training(weight_decay=0.1), 1)
    task = make_transformer()
    task.build()
    optimizer.build(task.trainable_variables)
    spared = {v.name for v in task.trainable_variables if not optimizer._use_weight_decay(v)}
    assert spared == {"bias", "gamma", "beta"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedule": "linear"}, "`schedule` must be one of .* Received: schedule='linear'"),
        ({"epochs": 0}, "`epochs` must be a whole number of at least 1. Received: epochs=0"),
        ({"epochs": 2.5}, "`epochs` must be a whole number"),
        ({"learning_rate": -1.0}, "`learning_rate` must be a number between 0 and inf"),
        ({"learning_rate": np.nan}, "`learning_rate` must be a number .*Received: .*=nan"),
        ({"learning_rate": None}, "`learning_rate` must be a number"),
        ({"validate_every": 0}, "`validate_every` must be a whole number of at least 1"),
        ({"max_seconds": 0}, "`max_seconds` must be a number between 0 and inf, both left out"),
        ({"patience": 0}, "`patience` must be a whole number of at least 1"),
        ({"warmup": -1}, "`warmup` must be a whole number of at least 0"),
        ({"seed": 0.5}, "`seed` must be a whole number"),
        ({"clip_norm": 0}, "`clip_norm` must be a number between 0 and inf, both left out"),
        ({"clip_norm": "1"}, "`clip_norm` must be a number"),
        ({"average": 1.0}, "`average` must be a number between 0 and 1, both left out"),
        ({"weight_decay": -0.1}, "`weight_decay` must be 0 or more"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Training(**options)


def test_bad_seed_is_refused():
    with pytest.raises(ValueError, match="`seed` must be 0 or more. Received: seed=-1"):
        set_seed(-1)


def test_dropout_depends_on_seed_and_epoch_alone():
    encoder = SASRec(V, L, D, dropout=0.5)
    inputs = {"item_ids": np.ones((4, L), np.int32)}
    encoder(inputs)

    def dropped(seed, epoch):
        seed_dropout(encoder, seed, epoch)
        return to_numpy(encoder(inputs, training=True))

    first = dropped(1, 1)
    np.testing.assert_array_equal(first, dropped(1, 1))
    assert np.abs(first - dropped(1, 2)).max() > 1e-2
    assert np.abs(first - dropped(2, 1)).max() > 1e-2


def test_no_two_layers_drop_alike():
    encoder = SASRec(V, L, D)
    encoder.build()
    seed_dropout(encoder, 0, 0)
    layers = [x for x in encoder._flatten_layers() if isinstance(x, keras.layers.Dropout)]
    states = {tuple(to_numpy(layer.seed_generator.state).tolist()) for layer in layers}
    assert len(states) == len(layers) == 1 + 2 * 4
