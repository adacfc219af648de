"""Does it learn what can be learnt, and nothing where there is nothing?"""

import numpy as np
import pytest
from harness import make_histories, random_lists

from recmodels.features.batches import NextItemBatches
from recmodels.features.negatives import NegativeSampler
from recmodels.models.sasrec import SASRec
from recmodels.tasks.losses import LOSSES
from recmodels.tasks.next_item import NextItem
from recmodels.training.fit import Training, fit

V, L, D = 20, 10, 32


def chains(num_users, noise, seed):
    """Histories in which item i is followed by its one successor, or, by noise, by any item."""
    successor = np.random.default_rng(0).permutation(V)
    rng = np.random.default_rng((1, seed))
    events = [rng.integers(0, V, num_users)]
    for _ in range(L):
        jump = rng.random(num_users) < noise
        events.append(np.where(jump, rng.integers(0, V, num_users), successor[events[-1]]))
    return np.stack(events, axis=1) + 1  # (U, L + 1)


def train(lists, epochs, loss="full_softmax", dropout=0.1, learning_rate=0.01, dtype=None):
    model = SASRec(V, max_length=L, width=D, num_blocks=1, dropout=dropout, dtype=dtype)
    sampler = None if loss == "full_softmax" else NegativeSampler(np.ones(V), 8)
    batches = NextItemBatches(make_histories(lists), L, 16, 0, negatives=sampler)
    training = Training(epochs=epochs, learning_rate=learning_rate)
    fit(NextItem(model, loss), batches, training, verbose=False)
    return model


def hit_rate(model, events):
    """HR@1 of the last event."""
    scores = model.score({"item_ids": events[:, :-1].astype(np.int32)})
    return (scores[:, 1:].argmax(axis=1) + 1 == events[:, -1]).mean()


@pytest.mark.parametrize(
    "loss",
    [pytest.param(n, marks=() if n == "full_softmax" else pytest.mark.slow) for n in LOSSES],
)
def test_every_loss_reaches_the_ceiling_of_a_predictable_chain(loss):
    # The best guess is the successor, right with probability 1 - noise + noise / V = 0.81.
    epochs = 16 if loss == "gbce" else 10  # After ten, gBCE is there for two seeds of four.
    model = train(chains(400, 0.2, seed=1).tolist(), epochs, loss)
    # The standard error over 2,000 users is 0.009.
    assert hit_rate(model, chains(2000, 0.2, seed=2)) == pytest.approx(0.81, abs=0.03)


@pytest.mark.slow
def test_mixed_precision_reaches_it_too():
    model = train(chains(400, 0.2, seed=1).tolist(), epochs=10, dtype="mixed_bfloat16")
    assert {weight.dtype for weight in model.trainable_variables} == {"float32"}
    assert hit_rate(model, chains(2000, 0.2, seed=2)) == pytest.approx(0.81, abs=0.03)


@pytest.mark.slow
def test_finds_nothing_in_noise():
    model = train(chains(400, 1.0, seed=1).tolist(), epochs=8)
    # Chance is 1 / 20; the standard error over 2,000 users is 0.005.
    assert hit_rate(model, chains(2000, 1.0, seed=2)) == pytest.approx(1 / V, abs=0.02)


@pytest.mark.slow
@pytest.mark.backends
def test_learns_twenty_users_by_heart():
    lists = random_lists(20, L + 1, V)
    model = train(lists, epochs=80, dropout=0.0, learning_rate=0.005)
    # Of four seeds one leaves a user out.
    assert hit_rate(model, np.array(lists)) >= 0.95
