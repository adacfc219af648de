"""Targets that share their probability with similar items."""

import keras
import numpy as np
import pytest
from harness import make_histories, make_log, to_numpy
from scipy import sparse

import recmodels as rm
from recmodels.features.batches import NextItemBatches
from recmodels.layers.target_shares import TargetShares
from recmodels.models.similar_items import SimilarItems, similar_texts, similar_users
from recmodels.tasks.next_item import NextItem
from recmodels.tasks.similar_targets import SimilarTargets

V, D = 6, 4
# Item 1 is most similar to 2, then to 3, then to 4; item 5 to none.
VALUES = np.zeros((V + 1, V + 1), np.float32)
VALUES[1, [2, 3, 4]] = 0.6, 0.3, 0.1
VALUES[2, 1], VALUES[3, 1], VALUES[4, 6] = 0.6, 0.3, 1.0
SIMILAR = SimilarItems(sparse.csr_array(VALUES))


def distribution(target, share, count):
    """What a target asks for, by hand."""
    row = VALUES[target].copy()
    row[np.argsort(-row)[count:]] = 0
    asked = share * row / row.sum() if row.any() else row
    asked[target] += 1 - asked.sum()
    return asked[1:]


def task_of(model=None, share=0.3, count=2):
    keras.utils.set_random_seed(0)
    model = model or rm.SASRec(V, max_length=4, width=D, num_blocks=1, dropout=0.0)
    shares = SimilarTargets(SIMILAR, share, count).layer(V)
    return NextItem(model, similar_targets=shares)


@pytest.mark.backends
@pytest.mark.parametrize(("share", "count"), [(0.3, 2), (0.5, 1), (0.9, 20)])
def test_the_loss_is_the_cross_entropy_with_shared_targets(share, count):
    task = task_of(share=share, count=count)
    histories = make_histories([[5, 1, 2, 4], [3, 1, 5]])
    inputs, targets, weights = NextItemBatches(histories, 4, 2, seed=0)[0]
    states = task(inputs)
    found = float(to_numpy(task.compute_loss(inputs, targets, states, weights)))
    states = to_numpy(states).reshape(-1, D)[inputs["positions"]]
    table, lost = to_numpy(task.encoder.item_embedding.catalogue()), []
    for state, target in zip(states[weights > 0], targets[weights > 0], strict=True):
        logits = table @ state
        log_probability = logits - np.logaddexp.reduce(logits)
        lost.append(-distribution(target, share, count) @ log_probability)
    np.testing.assert_allclose(found, np.mean(lost), rtol=1e-5)


def test_what_a_single_user_adds_is_left_out():
    # Items 1 and 2 have two common users, 1 and 3 only one, who is left out.
    histories = make_histories([[1, 2, 3], [1, 2], [4, 5]])
    layer = SimilarTargets(similar_users(histories, V, shrinkage=1.0)).layer(V)
    shares = to_numpy(layer.shares)
    assert to_numpy(layer.similar)[1, 0] == 2
    np.testing.assert_allclose(shares[1], [0.2] + [0.0] * (shares.shape[1] - 1))
    assert not shares[[3, 4, 5]].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"similar": VALUES}, "`similar` must come from"),
        ({"share": 0}, "`share` must be"),
        ({"share": 1.0}, "`share` must be"),
        ({"share": "much"}, "`share` must be"),
        ({"count": 0}, "`count` must be"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SimilarTargets(**{"similar": SIMILAR, **arguments})


def test_a_layer_refuses_other_arrays():
    layer = TargetShares(V, 2)
    with pytest.raises(ValueError, match="must be"):
        layer.adapt(np.zeros((V, 2)), np.zeros((V, 2)))
    with pytest.raises(ValueError, match="at most 1"):
        layer.adapt(np.zeros((V + 1, 2)), np.full((V + 1, 2), 0.6))


@pytest.fixture(scope="module")
def data():
    """Each item is followed by the third after it; two items each have a word in common."""
    lists = [[(user + 3 * place) % 28 for place in range(8)] for user in range(84)]
    return rm.prepare(rm.leave_one_out(make_log(lists)), protocol=rm.Protocol(filter_seen=False))


def texts_of(data):
    return [f"word{int(raw) // 2}" for raw in data.vocabulary.raw_ids]


def test_fit_refuses_what_it_cannot_train(data):
    shares = SimilarTargets(similar_texts(texts_of(data)))
    model = rm.SASRec(data.num_items, max_length=8, width=8, num_blocks=1)
    for options, message in (
        ({"loss": "sampled_softmax"}, "full softmax"),
        ({"loss": "in_batch"}, "full softmax"),
        ({"label_smoothing": 0.1}, "label_smoothing"),
        ({"similar_targets": 0.2}, "`similar_targets` must be"),
        ({"similar_targets": SimilarTargets(SIMILAR)}, "a row per item"),
    ):
        with pytest.raises(ValueError, match=message):
            rm.fit(model, data, epochs=1, verbose=False, **{"similar_targets": shares, **options})


def test_similar_items_become_likely_and_a_checkpoint_knows_the_shares(data, tmp_path):
    texts = similar_texts(texts_of(data))

    def trained(**options):
        model = rm.SASRec(data.num_items, max_length=8, width=16, num_blocks=1, dropout=0.0)
        rm.fit(model, data, epochs=25, learning_rate=1e-2, verbose=False, **options)
        # How many items are above the one that is similar to a target of the training.
        above = []
        for begin, end in zip(data.train.offsets[:-1], data.train.offsets[1:], strict=True):
            history = data.train.items[begin:end]
            scores = model.score({"item_ids": history[None, :-1]})[0, 1:]
            above.append((scores > scores[texts.nearest(1)[0][history[-1], 0] - 1]).sum())
        return np.mean(above)

    path = tmp_path / "checkpoint.npz"
    alone = trained()
    together = trained(similar_targets=SimilarTargets(texts, share=0.5), checkpoint=path)
    assert together < 0.6 * alone
    with pytest.raises(ValueError, match="similar targets"):
        trained(similar_targets=SimilarTargets(texts, share=0.4), checkpoint=path)


def test_a_task_survives_its_config():
    task = task_of()
    again = NextItem.from_config(task.get_config())
    assert again.similar_targets.count == task.similar_targets.count
