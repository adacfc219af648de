"""Gradients of scores, against a linear encoder, differences of scores and other explainers."""

import keras
import numpy as np
import pytest
from keras import ops
from test_explain import Adding, make_queries, sasrec

import recmodels as rm
from recmodels.explain.gradients import (
    completeness_error,
    gradient_times_input,
    integrated_gradients,
)
from recmodels.explain.influence import leave_one_out_influence, random_influence
from recmodels.explain.removal import Removal
from recmodels.layers.embedding import ItemEmbedding
from recmodels.layers.token_embedding import TokenEmbedding
from recmodels.models.bert4rec import BERT4Rec
from recmodels.models.sequence_encoder import SequenceEncoder

LISTS = [[1, 2, 3, 4, 5, 7, 1], [3, 1], [2, 2, 4]]


class Summing(SequenceEncoder):
    """The state is the sum of the item vectors so far."""

    max_length = 6

    def __init__(self):
        super().__init__()
        self.item_embedding = self.make_embedding()
        self.build()

    def make_embedding(self):
        return ItemEmbedding(7, 4, initial_std=1.0)

    def build(self, input_shape=None):
        self.item_embedding.build()

    def call(self, inputs, training=None):
        return ops.cumsum(self.item_embedding(inputs["item_ids"]), axis=1)


def lengthen(model):
    """Multiply initial vectors, which are so short that layer norms dominate, by 20."""
    keras.utils.set_random_seed(0)
    model.build()
    model.item_embedding.table.assign(model.item_embedding.table * 20)
    return model


def test_both_are_the_products_of_vectors_in_a_linear_encoder():
    model = Summing()
    removal = Removal(model, make_queries(LISTS), items=[6, 6, 5])
    vectors = np.vstack([np.zeros((1, 4)), model.item_vectors()])
    expected = np.einsum("bed,bd->be", vectors[removal.events], vectors[removal.items])
    for explain in (gradient_times_input, lambda cases: integrated_gradients(cases, 2)):
        np.testing.assert_allclose(explain(removal).values, expected, rtol=1e-4, atol=1e-6)
    removed = leave_one_out_influence(removal).values[1:]  # Rows without an older event.
    np.testing.assert_allclose(removed, expected[1:], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("max_events", [50, 2])
def test_integrated_gradients_sum_to_the_difference_of_scores(max_events):
    model = lengthen(rm.SASRec(7, max_length=4, width=8, num_blocks=1))
    lists = [[1, 2, 3, 4], [5, 3, 1]]  # With two events to remove, those before keep their vectors.
    removal = Removal(model, make_queries(lists), items=[6, 7], max_events=max_events)
    found = integrated_gradients(removal)
    full = removal.scores([0, 1], removal.real)
    table = model.item_embedding.table.numpy()
    for row, history in enumerate(lists):
        changed = table.copy()
        changed[history[-max_events:]] = 0
        model.item_embedding.table.assign(changed)
        without = removal.scores([row], removal.real[[row]])[0]
        assert found.values[row].sum() == pytest.approx(
            full[row] - without, rel=0.03
        )  # ReLU has kinks.
    model.item_embedding.table.assign(table)
    assert completeness_error(removal, found).max() < 0.03
    assert completeness_error(removal, gradient_times_input(removal)).max() > 0.05


def test_places_without_an_event_and_empty_histories_have_zero():
    removal = Removal(sasrec(), make_queries([*LISTS, [], [6]]), items=[6, 6, 5, 1, 2])
    found = integrated_gradients(removal, 4)
    assert found.values.shape == removal.real.shape and found.values.dtype == np.float32
    assert (found.values[removal.real] != 0).all() and not found.values[~removal.real].any()
    assert completeness_error(removal, found)[3] == 0


def test_a_mask_after_the_events_keeps_its_vector():
    removal = Removal(lengthen(BERT4Rec(7, max_length=6, width=8)), make_queries([[1, 2, 3]]))
    found = integrated_gradients(removal)
    assert (found.values[0, -3:] != 0).all()
    assert completeness_error(removal, found).max() < 0.05


def test_scores_that_are_no_products_are_explained_by_their_own_rule():
    removal = Removal(rm.MultiInterest(7, 2, 6, 8), make_queries([[1, 2, 3]]), items=[6])
    assert np.isfinite(gradient_times_input(removal).values).all()
    assert gradient_times_input(removal).values.any()


def test_gradients_leave_the_encoder_as_it_was():
    model, inputs = sasrec(), {"item_ids": np.array([[1, 2, 3, 4]], np.int32)}
    before = model.score(inputs), np.array(model(inputs))
    gradient_times_input(Removal(model, make_queries([[1, 2]]), items=[6]))
    np.testing.assert_array_equal(model.score(inputs), before[0])
    np.testing.assert_array_equal(model(inputs), before[1])


def test_their_faithfulness_is_measured_like_that_of_others():
    lists = np.random.default_rng(0).integers(1, 8, (30, 5)).tolist()
    removal = Removal(Summing(), make_queries(lists))
    measured = {
        name: rm.faithfulness(removal, explain(removal), k=1, most=2)
        for name, explain in (("random", random_influence), ("gradients", gradient_times_input))
    }
    assert rm.explainer_table(measured).loc["gradients", "low"] > 0


class Words(Summing):
    """Reads tokens of words in place of items."""

    def make_embedding(self):
        return TokenEmbedding(9, [1, 2, 3, 4, 5, 6, 7], 4)


@pytest.mark.parametrize("explain", [integrated_gradients, gradient_times_input])
@pytest.mark.parametrize("make", [Adding, Words])
def test_a_model_without_gradients_is_named_with_what_to_use(explain, make):
    removal = Removal(make(), make_queries([[1]]), items=[5])
    with pytest.raises(ValueError, match=f"Gradients need.*`shapley` explain.*{make.__name__}"):
        explain(removal)


def test_influence_of_other_rows_and_no_steps_are_refused():
    removal = Removal(sasrec(), make_queries([[1]]))
    with pytest.raises(ValueError, match="`influence` must be of the rows.*Received"):
        completeness_error(removal, random_influence(Removal(sasrec(), make_queries([[1], [2]]))))
    with pytest.raises(ValueError, match="`steps`.*Received"):
        integrated_gradients(removal, 0)
