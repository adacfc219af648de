"""Every family learns what can be learnt, and the masks of BERT4Rec decide what it learns."""

from types import SimpleNamespace

import numpy as np
import pytest
from harness import make_histories
from test_learning import D, L, V, chains

from recmodels.layers.fast import fast_layers
from recmodels.models.families import FAMILIES
from recmodels.tasks.build import JOBS
from recmodels.training.fit import Training, fit
from recmodels.training.seeds import set_seed

pytestmark = pytest.mark.slow

# SASRec is in test_learning.py; the others share their block with one that is tested.
ELSEWHERE = ("sasrec", "gpt", "hstu", "simple-rnn", "lstm", "bert4rec")


def hit_rate_after_training(name, num_users=250, epochs=5, **options):
    """HR@1 of the last event of new users, after a training on chains with noise 0.2."""
    histories = make_histories(chains(num_users, 0.2, seed=1).tolist())
    histories.columns["timestamp"] = np.tile(np.arange(L + 1), num_users)
    data = SimpleNamespace(train=histories, num_items=V)
    set_seed(0)
    model = FAMILIES[name].build(V, max_length=L, width=D, num_blocks=1, dropout=0.1)
    job = JOBS[model.task](model, data, 0, **options)
    with fast_layers(False):  # Those compile faster, which is most of the time here.
        fit(job.task, job.batches, Training(epochs=epochs, learning_rate=0.01), verbose=False)
    events = chains(2000, 0.2, seed=2)
    item_ids = events[:, :-1].astype(np.int32)
    times = np.tile(np.arange(L), (len(events), 1))
    scores = model.score({"item_ids": item_ids, "timestamp": times})
    return (scores[:, 1:].argmax(axis=1) + 1 == events[:, -1]).mean()


@pytest.mark.parametrize("name", sorted(FAMILIES.keys() - set(ELSEWHERE)))
def test_causal_families_reach_the_ceiling_of_a_predictable_chain(name):
    # The best guess is right with probability 1 - noise + noise / V = 0.81, standard error 0.009.
    assert hit_rate_after_training(name) == pytest.approx(0.81, abs=0.03)


def test_masks_at_random_alone_train_bert4rec_for_another_task():
    # Most masks have events on both sides, and the later one tells as much as the earlier one.
    options = {"num_users": 1000, "epochs": 8, "batch_size": 64}
    at_random = hit_rate_after_training("bert4rec", last_share=0.0, **options)
    at_the_end = hit_rate_after_training("bert4rec", last_share=1.0, **options)
    assert at_the_end == pytest.approx(0.81, abs=0.03)
    assert at_random < 0.7
