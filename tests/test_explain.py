"""Influence of single events and counterfactuals, against results by hand and by enumeration."""

import itertools

import numpy as np
import pytest
from harness import make_histories

from recmodels.explain.counterfactual import counterfactual
from recmodels.explain.influence import (
    attention_influence,
    leave_one_out_influence,
    random_influence,
    recency_influence,
    shapley,
)
from recmodels.explain.removal import Removal
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import Queries
from recmodels.models.ease import EASE
from recmodels.models.fallback import WithFallback
from recmodels.models.implicit_als import ImplicitALS
from recmodels.models.item_vectors import GloVe
from recmodels.models.markov import Markov
from recmodels.models.sasrec import SASRec

WEIGHTS = np.array([0, 1.0, 2.0, 4.0, 8.0, 0, 0, 0])  # Of the items 1..4 in a history, for item 5.


class Adding:
    """Item 5 has the sum of the weights of the history, others a constant, which ends at 3.5."""

    def __init__(self, max_length=None):
        self.max_length = max_length

    def score(self, queries, items=None):
        item_ids = queries["item_ids"]
        scores = np.tile(np.array([0, 0, 0, 0, 0, 0, 3.5, 1.0], np.float32), (len(item_ids), 1))
        scores[:, 5] = WEIGHTS[item_ids].sum(axis=1)
        return scores if items is None else scores[:, items]


def make_queries(lists, num_items=7, filter_seen=False):
    count = len(lists)
    nobody = np.full(count, -1, np.int32)
    targets, trained = np.ones(count, np.int32), np.ones(count, bool)
    protocol = Protocol(filter_seen=filter_seen)
    return Queries(make_histories(lists), nobody, targets, trained, num_items, protocol=protocol)


def sasrec(num_items=7, max_length=6):
    model = SASRec(num_items, max_length=max_length, width=8, num_blocks=1)
    model.build()
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def test_influence_of_a_sum_is_each_weight():
    removal = Removal(Adding(), make_queries([[1, 2, 3], [4], []]), items=[5, 5, 5])
    expected = [[1, 2, 4], [0, 0, 8], [0, 0, 0]]
    values = leave_one_out_influence(removal).values
    np.testing.assert_allclose(values[:, -3:], expected)
    sampled = shapley(removal, permutations=4)
    np.testing.assert_allclose(sampled.values[:, -3:], expected, atol=1e-6)
    np.testing.assert_allclose(sampled.errors, 0, atol=1e-5)
    assert leave_one_out_influence(removal).order()[0, :3].tolist() == [49, 48, 47]


def test_an_older_event_takes_the_place_of_a_removed_one():
    removal = Removal(Adding(max_length=2), make_queries([[4, 1, 2]]), items=[5])
    assert removal.events.tolist() == [[1, 2]]
    # Without 1 the model reads 4, 2; without 2 it reads 4, 1.
    assert leave_one_out_influence(removal).values.tolist() == [[3 - 10, 3 - 9]]


@pytest.mark.parametrize("make", [lambda: Markov(1.0).fit(make_histories([[1, 2, 3]]), 7), sasrec])
def test_removal_equals_a_shorter_history(make):
    model, lists = make(), [[1, 2, 3, 4, 5, 6, 7, 1], [3, 1]]
    removal = Removal(model, make_queries(lists), items=[2, 6])
    values = leave_one_out_influence(removal).values
    for row, item in ((0, 2), (1, 6)):
        for back in range(1, int(removal.real[row].sum()) + 1):
            shorter = [*lists[row]]
            del shorter[-back]
            both = make_queries([lists[row], shorter])
            first, second = (
                model.score(both.histories.window([i], model.max_length), np.array([item]))[0, 0]
                for i in (0, 1)
            )
            assert values[row, -back] == pytest.approx(first - second, abs=1e-4)


def empty_models():
    train = make_histories([[1, 2, 3], [2, 3], [4, 2, 1], [5, 6, 7]] * 50)
    ease = EASE(1.0).fit(train, 7)
    yield ease
    yield ImplicitALS(width=4, epochs=2).fit(train, 7)
    yield GloVe(width=4, epochs=1).fit(train, 7)
    yield WithFallback(Markov().fit(train, 7), ease)


def test_the_score_of_an_empty_history_has_the_scale_of_the_model():
    queries = make_queries([[1, 2], [9], []])  # Item 9 is the mask: no event is known.
    for model in empty_models():
        removal = Removal(model, queries, items=[3, 3, 3])
        assert removal.scores([1, 2], removal.real[1:]).tolist() == [0, 0]
        full = removal.scores([0], removal.real[[0]])[0]
        assert full == model.score({"item_ids": np.array([[1, 2]])})[0, 3] != 0
        assert shapley(removal, 4).values.sum(axis=1) == pytest.approx([full, 0, 0], abs=1e-5)
        # Lists show the popular items.
        answer = model.score({"item_ids": np.array([[0]])})[0, 1:]
        listed = removal.list_scores([2], removal.real[[2]])[0, 1:]
        assert listed.tolist() == answer.tolist() and answer.max() > 10
    shares = Markov().fit(make_histories([[1, 2, 3]]), 7)  # Probabilities: as the model answers.
    removal = Removal(shares, queries, rows=[2], items=[3])
    assert removal.scores([0], removal.real)[0] == pytest.approx(1 / 3)


def test_shapley_values_sum_to_the_difference_and_approach_the_exact_ones():
    removal = Removal(sasrec(), make_queries([[1, 2, 3, 4]]), items=[6])
    places = np.flatnonzero(removal.real[0])
    value = {}
    for size in range(5):
        for chosen in itertools.combinations(places, size):
            kept = np.zeros((1, 6), bool)
            kept[0, list(chosen)] = True
            value[chosen] = removal.scores([0], kept)[0]
    exact = np.zeros(6)
    for order in itertools.permutations(places):
        for number, place in enumerate(order):
            before = tuple(sorted(order[:number]))
            exact[place] += (value[tuple(sorted((*before, place)))] - value[before]) / 24
    found = shapley(removal, permutations=100)
    assert found.values.sum() == pytest.approx(value[tuple(places)] - value[()], abs=1e-4)
    assert (np.abs(found.values[0] - exact) <= 4 * found.errors[0] + 1e-4).all()
    assert found.errors[0, places].min() > 0


def test_floors_order_by_recency_and_at_random():
    removal = Removal(Adding(), make_queries([[1, 2, 3]]), items=[5])
    assert recency_influence(removal).order()[0, :3].tolist() == [49, 48, 47]
    assert random_influence(removal, 1).values.any() and not random_influence(removal).values[0, 0]


def test_counterfactual_is_the_smallest_set():
    lists = [[1, 2, 3], [1, 1, 2], [4, 4, 4], [1], [], [4]]
    found = counterfactual(Removal(Adding(), make_queries(lists), items=[5] * 6), k=1, most=2)
    assert found.on_list.tolist() == [True, True, True, False, False, True]
    assert found.found.tolist() == [True, True, False, False, False, True]
    assert found.sizes.tolist() == [1, 1, 0, 0, 0, 1]
    assert np.flatnonzero(found.removed[0]).tolist() == [49]
    assert found.instead.tolist() == [6, 6, 0, 0, 0, 6]
    assert found.exact.tolist() == [True, True, False, False, False, True]


def test_the_search_finds_sets_without_needless_events():
    middle = np.random.default_rng(3).integers(1, 5, 30)
    lists = [[1, 1, item, *[1] * 11] for item in middle]  # 14 events each.
    removal = Removal(Adding(), make_queries(lists), items=[5] * 30)
    found = counterfactual(removal, k=1, most=14, width=1)
    assert found.found.all() and not found.exact.all()
    rows, places = np.nonzero(found.removed)
    kept = removal.real[rows] & ~found.removed[rows]
    kept[np.arange(len(rows)), places] = True
    assert (removal.margins(rows, kept, 1)[0] >= 0).all()


class Joint(Adding):
    """Item 5 loses its place only without both events 2 or all three events 3; 1 misleads."""

    def score(self, queries, items=None):
        item_ids = queries["item_ids"]
        counts = np.stack([(item_ids == item).sum(axis=1) for item in range(4)])
        scores = np.tile(np.array([0, 0, 0, 0, 0, 0, 3.5, 1.0], np.float32), (len(item_ids), 1))
        gone = (counts[2] == 0) & (counts[0] < item_ids.shape[1]) | (counts[3] == 0)
        scores[:, 5] = np.where(gone, 0, 9 + counts[1])
        return scores if items is None else scores[:, items]


def test_a_wider_search_finds_events_that_matter_only_together():
    others = [1] * 12
    two, last = [2, *others[:6], 2, *others, 3, 3, 3, 3, 3, 3], [*others, 3, 3, 3, 2, 2, 2, 2]
    removal = Removal(Joint(), make_queries([two, last]), items=[5, 5])
    greedy = counterfactual(removal, k=1, most=4, width=1)
    assert greedy.found.tolist() == [False, True]  # The latest events are always tried.
    assert greedy.sizes[1] == 4 and greedy.removed[1, -4:].all()
    wide = counterfactual(removal, k=1, most=4, width=200)
    assert wide.found.all() and wide.exact.tolist() == [True, False]
    assert wide.sizes.tolist() == [2, 3]
    assert removal.events[0][wide.removed[0]].tolist() == [2, 2]
    for change in ({"width": 0}, {"most": 0}):
        (name,) = change
        with pytest.raises(ValueError, match=f"`{name}`.*Received: {name}=0"):
            counterfactual(removal, **change)


def test_unneeded_events_are_put_back():
    from recmodels.explain.counterfactual import _put_back

    removal = Removal(Adding(), make_queries([[1, 2, 4]]), items=[5])
    removed = removal.real.copy()
    _put_back(removal, 1, np.array([0]), removed)
    assert np.flatnonzero(removed[0]).tolist() == [49]


def test_seen_items_stay_hidden_though_their_event_is_removed():
    removal = Removal(Adding(), make_queries([[6, 4]], filter_seen=True), items=[5])
    found = counterfactual(removal, k=1)
    assert found.instead.tolist() == [7] and found.sizes.tolist() == [1]
    hidden = Removal(Adding(), make_queries([[6, 4]], filter_seen=True), items=[6])
    assert not counterfactual(hidden, k=1).on_list.any()


def test_the_best_item_is_explained_by_default():
    assert Removal(Adding(), make_queries([[4], [1], []])).items.tolist() == [5, 6, 6]


@pytest.mark.parametrize(
    ("change", "named"),
    [({"rows": []}, "rows"), ({"items": [8]}, "items"), ({"items": [1, 2]}, "items"),
     ({"max_events": 0}, "max_events")],
)  # fmt: skip
def test_bad_arguments_are_named(change, named):
    with pytest.raises(ValueError, match=f"`{named}`.*Received"):
        Removal(Adding(), make_queries([[1]]), **change)


def test_a_list_as_long_as_the_catalogue_is_refused():
    with pytest.raises(ValueError, match="`k` must be below.*Received: k=7"):
        counterfactual(Removal(Adding(), make_queries([[1]])), k=7)


def test_attention_is_that_of_the_forward_pass():
    model = sasrec()
    removal = Removal(model, make_queries([[1, 2, 3, 4, 5, 6, 7, 1], [3, 1], []]))
    found = attention_influence(removal)
    np.testing.assert_allclose(found.values.sum(axis=1), [1, 1, 0], rtol=1e-5)
    assert not found.values[1, :4].any()
    block, seen = model.blocks[0], {}
    original = block.attention.call
    block.attention.call = lambda *args, **kwargs: seen.setdefault(
        "output", original(*args, **kwargs)
    )
    model({"item_ids": removal.inputs(np.array([1]), removal.real[1:2])["item_ids"]})
    np.testing.assert_allclose(found.values[1, -2:], seen["output"][1][0, 0, -1, -2:], rtol=1e-5)


def test_a_model_without_attention_is_named():
    with pytest.raises(
        ValueError, match="`attention_influence` needs a model.*Received: model=Adding"
    ):
        attention_influence(Removal(Adding(), make_queries([[1]])))
