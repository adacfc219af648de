"""Training two towers: what learns, what does not, and twins that must end up the same."""

import keras
import numpy as np
import pytest
from harness import to_numpy
from test_towers import V, asked, make_towers, rated

from recmodels.api import fit
from recmodels.features.ratings import RatingBatches
from recmodels.features.sequences import SequenceData
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.build_two_tower import build_two_tower
from recmodels.tasks.ranking import RankingTask
from recmodels.tasks.retrieval import RetrievalTask
from recmodels.tasks.towers import TowerTask

TRAINING = {"epochs": 3, "learning_rate": 0.05, "patience": None, "verbose": False}


def make_data():
    return SequenceData(Vocabulary(np.arange(V)), rated(), None, None, "six items")


def trained(head="dot", weights=(1.0, 1.0), **options):
    model = make_towers(head=head, dropout=0.3, popularity=True)
    retrieval, rating = weights
    curve = fit(
        model,
        make_data(),
        retrieval_weight=retrieval,
        rating_weight=rating,
        folds=2,
        batch_size=6,
        **{**TRAINING, **options},
    )
    return model, curve


def tower_weights(model):
    read = model.query.rating_set_encoder
    return [to_numpy(v) for v in (model.candidate.table, read.members, read.valued, read.bias)]


@pytest.mark.backends
def test_loss_is_the_weighted_sum_of_the_two_tasks():
    model, histories = make_towers(), rated()
    task = TowerTask(model, retrieval_weight=0.5, rating_weight=3.0)
    task.adapt(histories)
    inputs, ratings, weights = RatingBatches(histories, V, 6, seed=0, folds=2)[0]
    outputs = task(inputs)
    retrieval = RetrievalTask(V)
    retrieval.adapt(histories)
    first = retrieval(outputs["queries"], outputs["candidates"], inputs["item_ids"], weights)
    second = RankingTask()(ratings, outputs["ratings"], weights)
    found = task.compute_loss(inputs, ratings, outputs, weights)
    expected = 0.5 * float(to_numpy(first)) + 3 * float(to_numpy(second))
    assert float(to_numpy(found)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.backends
def test_a_summed_loss_grows_with_the_batch():
    histories = rated()
    losses = {}
    for summed in (False, True):
        task = TowerTask(make_towers(), summed=summed)
        task.adapt(histories)
        inputs, ratings, weights = RatingBatches(histories, V, 6, seed=0, folds=2)[0]
        found = task.compute_loss(inputs, ratings, task(inputs), weights)
        losses[summed] = float(to_numpy(found))
    assert losses[True] == pytest.approx(6 * losses[False], rel=1e-5)


@pytest.mark.slow
@pytest.mark.backends
def test_without_weight_a_task_leaves_the_other_alone():
    """Retrieval beside ratings that weigh nothing is retrieval without a rating head."""
    joint, _ = trained(head="dot", weights=(1.0, 0.0))
    alone, _ = trained(head=None, weights=(1.0, 0.0))
    for ours, theirs in zip(tower_weights(joint), tower_weights(alone), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    both, _ = trained(head="dot", weights=(1.0, 0.5))
    pairs = zip(tower_weights(both), tower_weights(alone), strict=True)
    assert max(np.abs(a - b).max() for a, b in pairs) > 1e-3


@pytest.mark.slow
@pytest.mark.backends
def test_ratings_beside_retrieval_that_weighs_nothing_are_ratings_alone():
    """A twin whose loss is written down here, without any retrieval in it."""

    class Rates(keras.Model):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def build(self, input_shape=None):
            """The towers are built by counting."""

        def get_config(self):
            return {}

        def call(self, inputs, training=None):
            return self.model(inputs, training=training)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            apart = keras.ops.square(y - y_pred["ratings"]) * sample_weight
            return keras.ops.mean(apart)

    from recmodels.training.fit import Training, fit
    from recmodels.training.seeds import set_seed

    joint, _ = trained(weights=(0.0, 1.0))
    model = make_towers(head="dot", dropout=0.3, popularity=True)
    set_seed(0)
    model.adapt(rated())
    model.item_weights.trainable = False
    settings = Training(**{k: v for k, v in TRAINING.items() if k != "verbose"})
    fit(Rates(model), RatingBatches(rated(), V, 6, 0, folds=2), settings, verbose=False)
    for ours, theirs in zip(tower_weights(joint), tower_weights(model), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.slow
@pytest.mark.backends
def test_both_tasks_learn():
    model, curve = trained(epochs=30)
    assert curve.rows[-1]["loss"] < 0.7 * curve.rows[0]["loss"]


@pytest.mark.slow
@pytest.mark.backends
def test_what_is_seen_comes_to_score_low():
    """Sets drawn at random say one thing alone of what is hidden: it is none of the shown."""
    rng = np.random.default_rng(0)
    lists = [(rng.permutation(12)[:6] + 1).tolist() for _ in range(150)]
    histories = rated(lists)
    data = SequenceData(Vocabulary(np.arange(12)), histories, None, None, "sets")
    keras.utils.set_random_seed(0)
    model = build_two_tower(data, width=16, user_ids=False, read_ratings=True)
    fit(model, data, folds=6, batch_size=256, **{**TRAINING, "epochs": 40})
    scores = model.score(asked(histories, range(150)))[:, 1:]
    seen = np.zeros_like(scores, bool)
    for user, row in enumerate(lists):
        seen[user, np.array(row) - 1] = True
    assert scores[seen].mean() < scores[~seen].mean() - 1
    first_three = np.argsort(-scores)[:, :3]
    assert np.take_along_axis(seen, first_three, axis=1).mean() < 0.2


@pytest.mark.backends
def test_same_seed_same_weights():
    first, again = (trained(seed=3)[0] for _ in range(2))
    for a, b in zip(tower_weights(first), tower_weights(again), strict=True):
        np.testing.assert_array_equal(a, b)


def test_adagrad_trains_too():
    _, curve = trained(optimiser="adagrad", learning_rate=0.5, epochs=5)
    assert curve.rows[-1]["loss"] < curve.rows[0]["loss"]


def test_config_round_trip():
    task = TowerTask(make_towers(), 0.5, 2.0, correct_sampling=False, summed=True)
    assert TowerTask.from_config(task.get_config()).get_config() == task.get_config()


@pytest.mark.parametrize(
    ("weights", "head", "message"),
    [
        ((0.0, 0.0), "dot", "nor both 0"),
        ((-1.0, 1.0), "dot", "negative"),
        ((1.0, 1.0), None, "rates"),
    ],
)
def test_weights_must_have_something_to_weigh(weights, head, message):
    with pytest.raises(ValueError, match=message):
        TowerTask(make_towers(head=head), *weights)


def test_reading_what_is_asked_for_is_refused():
    with pytest.raises(ValueError, match="`folds`"):
        fit(make_towers(), make_data(), verbose=False)
