"""What families do with input that they cannot use: an error, or a stated fall-back."""

import numpy as np
import pytest
from harness import make_histories

import recmodels as rm
from recmodels.features.batches import NextItemBatches
from recmodels.features.masked_batches import MaskedItemBatches
from recmodels.layers.linear_recurrence import LinearRecurrence
from recmodels.models.families import FAMILIES

V, L, D = 10, 5, 8
READS_ANY_LENGTH = ("simple-rnn", "lstm", "gru4rec", "nextitnet")


@pytest.fixture(scope="module")
def data():
    log = rm.simulate(20, seed=0).interactions
    return rm.prepare(rm.leave_one_out(log), protocol=rm.Protocol(filter_seen=False))


@pytest.mark.parametrize("name", [n for n in FAMILIES if n not in READS_ANY_LENGTH])
def test_more_events_than_max_length_are_refused_by_the_encoder(name):
    model = FAMILIES[name].build(V, max_length=L, width=D, num_blocks=1)
    length = L + 1 if model.causal else L + 2  # The mask needs a position of its own.
    ids = np.ones((1, length), np.int32)
    with pytest.raises(ValueError, match="`x` is longer than `max_length`"):
        model({"item_ids": ids, "timestamp": np.cumsum(ids, axis=1)})


def test_a_linear_recurrence_refuses_more_events_than_its_passes_reach():
    layer = LinearRecurrence(4)
    layer(np.ones((1, 4, D), "float32"), np.ones((1, 4), bool))
    with pytest.raises(ValueError, match="`x` is longer than `max_length`"):
        layer(np.ones((1, 5, D), "float32"), np.ones((1, 5), bool))


@pytest.mark.parametrize(("kind", "options"), [
    (NextItemBatches, {"windows": "all"}),
    (NextItemBatches, {"windows": "prefixes"}),
    (MaskedItemBatches, {"mask_id": V + 2}),
])  # fmt: skip
def test_histories_of_one_item_are_left_out_of_training(kind, options):
    common = {"max_length": L, "batch_size": 4, "seed": 0, **options}
    with pytest.raises(ValueError, match="no user with two events"):
        kind(make_histories([[1], [2]]), **common)
    batches = kind(make_histories([[1], [2, 3, 4], [5]]), **common)
    read = [batches[index][0]["item_ids"] for index in range(len(batches))]
    assert not any(np.isin(ids, [1, 5]).any() for ids in read)


@pytest.mark.parametrize("name", FAMILIES)
def test_wrong_arguments_of_a_family_are_named(name):
    build = FAMILIES[name].build
    with pytest.raises(ValueError, match="has no argument `depth`; it has .*'num_blocks'"):
        build(V, depth=2)
    wrong = {"width": "8", "max_length": 0, "temperature": "cold", "num_blocks": 1.5}
    for argument, value in wrong.items():
        with pytest.raises(ValueError, match=f"`{argument}` must be .*Received: {argument}="):
            build(V, **{argument: value})
    with pytest.raises(ValueError, match="`num_items` must be .*Received: num_items="):
        build("many")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_dropout_of_one_or_more_is_refused(name):
    with pytest.raises(ValueError, match="`dropout` must be a number that is at least 0"):
        FAMILIES[name].build(V, max_length=L, width=D, dropout=2)


def test_a_time_bias_without_times_is_refused():
    with pytest.raises(ValueError, match="`time_bias` must be True or False"):
        FAMILIES["hstu"].build(V, time_bias="no")
    model = FAMILIES["hstu-times"].build(V, max_length=L, width=D, num_blocks=1)
    with pytest.raises(ValueError, match="`inputs` must have `timestamp`"):
        model({"item_ids": np.ones((1, L), np.int32)})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lrurec", {"last_share": 0.5}, "no option 'last_share'"),
        ("hstu", {"mask_share": 0.5}, "no option 'mask_share'"),
        ("bert4rec", {"loss": "in_batch"}, "`loss` must be one of"),
        ("bert4rec", {"windows": "prefixes"}, "`windows` of masked items must"),
        (
            "bert4rec",
            {"windows": "parallel"},
            "`windows` of masked items must be 'all' or 'latest'",
        ),
        ("bert4rec", {"label_smoothing": 0.1}, "no option 'label_smoothing'"),
        ("sasrec", {"loss": "nope"}, "`loss` must be one of .*'gbce'.*'in_batch'.*loss='nope'"),
        ("sasrec", {"max_positions": 0}, "`max_positions` must be a whole number"),
        ("sasrec", {"measure": 3}, "`measure` must be a function without arguments.*measure=3"),
        ("sasrec", {"checkpoint": 3}, "`checkpoint` must be the path of a file.*checkpoint=3"),
        ("sasrec", {"checkpoint": "."}, "`checkpoint` must be the path of a file"),
    ],
)
def test_a_task_that_a_family_cannot_do_is_refused(data, name, options, message):
    model = FAMILIES[name].build(data.num_items, max_length=L, width=D, num_blocks=1)
    with pytest.raises(ValueError, match=message):
        rm.fit(model, data, verbose=False, **options)
