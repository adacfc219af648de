"""Towers: sets, vectors, what each may see, two heads on one set of weights."""

import keras
import numpy as np
import pytest
from harness import check_layer, to_numpy

from recmodels.features.histories import Histories
from recmodels.features.ratings import RatingBatches
from recmodels.layers.rating_head import HEADS, RatingHead
from recmodels.layers.rating_set_encoder import RatingSetEncoder
from recmodels.layers.tower import Tower
from recmodels.models.two_tower import TwoTower

U, V, D = 5, 6, 4
LISTS = [[1, 2, 3, 4], [5, 6, 1], [2, 4], [1, 3, 6, 5], [2, 3]]


def rated(lists=LISTS, seed=0):
    offsets = np.cumsum([0] + [len(items) for items in lists])
    items = np.array([item for row in lists for item in row], np.int32)
    values = np.random.default_rng(seed).integers(1, 6, len(items)).astype(float)
    return Histories(np.arange(len(lists)), items, offsets, {"value": values})


def make_towers(head="dot", raters=True, dropout=0.0, **options):
    keras.utils.set_random_seed(0)
    query = Tower(U, D, ids=False, num_members=V + 1, dropout=dropout, name="query")
    candidate = Tower(V, D, num_members=U if raters else 0, name="candidate")
    return TwoTower(query, candidate, head=head, **options)


def asked(histories, rows):
    return {
        "item_ids": histories.last(rows),
        "user_ids": np.asarray(rows, np.int32),
        "value": histories.last_of("value", rows),
    }


@pytest.mark.backends
def test_rating_set_encoder_passes_the_checks_of_layers():
    rated_mask = np.array([[0, 1, 1], [1, 0, 0]], np.float32)
    kwargs = {"num_members": 3, "width": 2, "dropout": 0.1}
    layer = RatingSetEncoder(**kwargs)
    assert RatingSetEncoder.from_config(layer.get_config()).get_config() == layer.get_config()
    vector, bias = layer(rated_mask, rated_mask * 2)
    assert tuple(vector.shape) == (2, 2) and tuple(bias.shape) == (2, 1)


@pytest.mark.backends
def test_rating_set_encoder_by_hand():
    layer = RatingSetEncoder(3, 1)
    layer.build()
    layer.members.assign([[1.0], [2.0], [4.0]])
    layer.valued.assign([[10.0], [100.0], [1000.0]])
    layer.bias.assign([0.5])
    layer.offsets.assign([9.0, 1.0, 0.0])
    vector, bias = layer(np.array([[0, 1, 1]], np.float32), np.array([[0, 4, 4]], np.float32))
    # level: ((4 - 1) + (4 - 0)) / (2 + 5) = 1; apart from it both values are 3.
    assert to_numpy(bias).tolist() == [[1.0]]
    # (2 + 4 + 3 * 100 + 3 * 1000) / sqrt(3) + 0.5
    np.testing.assert_allclose(to_numpy(vector), [[3306 / 3**0.5 + 0.5]], rtol=1e-6)


@pytest.mark.backends
@pytest.mark.parametrize("kind", HEADS)
def test_heads_pass_the_checks_of_layers(kind):
    pair = np.random.default_rng(0).normal(size=(2, 3, D)).astype(np.float32)
    check_layer(RatingHead, {"kind": kind, "dropout": 0.2}, list(pair), (3, 1))


@pytest.mark.backends
def test_dot_head_by_hand():
    head = RatingHead("dot")
    # 0.3 * (1 * 3 + 2 * 4) = 3.3
    found = head(np.array([[1.0, 2]], np.float32), np.array([[3.0, 4]], np.float32))
    np.testing.assert_allclose(to_numpy(found), [[3.3]], rtol=1e-6)


@pytest.mark.backends
def test_cross_head_by_hand():
    head = RatingHead("cross")
    head.build((None, 1))
    for layer in head.crosses:
        for weight in layer.weights:
            weight.assign(np.ones(weight.shape) * 0.5)
    assert len(head.trainable_variables) == 2 * 2 + 2 * 2 + 2  # Two crosses, two layers, the end.
    deep = [weight for layer in head.hidden for weight in layer.weights]
    for weight in deep:
        weight.assign(np.zeros(weight.shape))
    kernel = np.zeros(head.out.kernel.shape)
    kernel[0] = 1  # Shows the first crossed feature.
    head.out.kernel.assign(kernel)
    found = head(np.array([[1.0]], np.float32), np.array([[2.0]], np.float32))
    # x0 = (1, 2). First layer: x0 * (0.5 * 3 + 0.5) + x0 = (3, 6).
    # Second: x0 * (0.5 * 9 + 0.5) + (3, 6) = (8, 16); the first feature is 8.
    np.testing.assert_allclose(to_numpy(found), [[8.0]], rtol=1e-6)


def test_tower_adds_up_what_it_knows():
    tower = Tower(2, 1, num_features=2)
    tower.build()
    tower.adapt(np.array([[1, 0], [1, 1]], np.float32))
    tower.table.assign([[7.0], [0.1], [0.2], [7.0]])
    tower.feature_weights.assign([[0.3], [0.05]])
    vectors, biases = tower(np.array([1, 2, 0, 3]))
    # 0.1 + 0.3; 0.2 + 0.3 + 0.05; ids that are nobody's have nothing.
    np.testing.assert_allclose(to_numpy(vectors)[:, 0], np.tanh([0.4, 0.55, 0, 0]), rtol=1e-5)
    assert to_numpy(biases).tolist() == [[0.0]] * 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tower(3, 2, ids=False), "something to read"),
        (lambda: RatingHead("sum"), "`kind`"),
        (lambda: TwoTower(Tower(2, 2), Tower(3, 2), temperature=0.0), "`temperature`"),
        (lambda: TwoTower(Tower(2, 2, num_members=3), Tower(3, 2)), "must read 4 items"),
        (lambda: TwoTower(Tower(2, 2), Tower(3, 2, num_members=3)), "must read 2 users"),
    ],
)
def test_bad_options_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_features_of_another_size_are_refused():
    tower = Tower(2, 1, num_features=2)
    tower.build()
    with pytest.raises(ValueError, match=r"`features` must be \(2, 2\)"):
        tower.adapt(np.zeros((3, 2)))


@pytest.mark.backends
def test_what_is_asked_for_moves_no_prediction():
    """The hidden rating itself may be anything: towers do not see it, with or without raters."""
    histories, again = rated(), rated()
    batch = RatingBatches(histories, V, 4, seed=0, folds=2)[0][0]
    user, item = batch["user_ids"][0], batch["item_ids"][0]
    at = histories.offsets[user] + LISTS[user].index(item)
    again.columns["value"][at] = 6 - again.columns["value"][at] + 0.5
    model = make_towers()
    model.adapt(histories)
    other_batch = RatingBatches(again, V, 4, seed=0, folds=2)[0][0]
    before = model(batch)
    memory = to_numpy(model.memory)
    memory[1, user, item] += 3.0
    model.memory.assign(memory)
    after = model(other_batch)
    for name in ("queries", "candidates", "ratings"):
        np.testing.assert_allclose(to_numpy(before[name])[0], to_numpy(after[name])[0], atol=1e-6)
    shown = np.flatnonzero(batch["rated_mask"][batch["rows"][0]])[0]
    memory[1, user, shown] += 3.0  # What is shown does count.
    model.memory.assign(memory)
    everything = {**batch, "item_ids": np.full_like(batch["item_ids"], shown)}
    everything["user_ids"] = np.full_like(batch["user_ids"], (user + 1) % U)
    moved = to_numpy(model(everything)["candidates"])
    memory[1, user, shown] -= 3.0
    model.memory.assign(memory)
    assert np.abs(moved - to_numpy(model(everything)["candidates"])).max() > 1e-3


@pytest.mark.backends
def test_score_is_the_product_of_the_vectors():
    histories = rated()
    model = make_towers(popularity=True, normalise=True, temperature=0.5)
    model.adapt(histories)
    queries = asked(histories, [0, 2, 4])
    scores = model.score(queries)
    assert scores.shape == (3, V + 1) and scores.dtype == np.float32
    product = model.query_vectors(queries) @ model.item_vectors().T
    np.testing.assert_allclose(scores[:, 1:], product, rtol=1e-5)
    np.testing.assert_allclose(
        model.score(queries, np.array([4, 1])), product[:, [3, 0]], rtol=1e-5
    )
    # Cosines over 0.5 plus the log of (count + 1) / events: at most 2 apart from that log.
    counts = histories.item_counts(V)[1:]
    assert np.abs(scores[:, 1:] - np.log((counts + 1) / counts.sum())).max() <= 2 + 1e-5


@pytest.mark.backends
def test_what_training_and_scoring_see_of_a_shown_user_is_the_same():
    histories = rated()
    model = make_towers(raters=False)
    model.adapt(histories)
    inputs = RatingBatches(histories, V, 20, seed=0, folds=2)[0][0]
    row = inputs["rows"][0]
    shown = np.flatnonzero(inputs["rated_mask"][row])
    queries = {
        "item_ids": shown[None].astype(np.int32),
        "user_ids": inputs["readers"][row][None],
        "value": inputs["values"][row, shown][None],
    }
    trained = model(inputs)
    np.testing.assert_allclose(
        to_numpy(trained["queries"])[0], model.query_vectors(queries)[0], atol=1e-6
    )
    rating = model.rate(queries, inputs["item_ids"][:1])
    low, high = histories.columns["value"].min(), histories.columns["value"].max()
    expected = np.clip(to_numpy(trained["ratings"])[0], low, high)
    np.testing.assert_allclose(rating[0], expected, atol=1e-5)


@pytest.mark.backends
def test_rates_one_item_or_several():
    histories = rated()
    model = make_towers()
    model.adapt(histories)
    queries = asked(histories, [1, 3])
    several = model.rate(queries, np.array([[1, 2, 3], [4, 5, 6]]))
    assert several.shape == (2, 3)
    np.testing.assert_allclose(
        model.rate(queries, np.array([2, 6])), [several[0, 1], several[1, 2]]
    )
    with pytest.raises(ValueError, match="rating head"):
        make_towers(head=None).rate(queries, np.array([1, 2]))


@pytest.mark.backends
def test_ratings_left_out_count_as_the_items_own():
    histories = rated()
    model = make_towers()
    model.adapt(histories)
    queries = asked(histories, [0])
    means = np.zeros(V + 1)
    for item in range(1, V + 1):
        means[item] = histories.columns["value"][histories.items == item].mean()
    usual = {**queries, "value": means[queries["item_ids"]]}
    del queries["value"]
    np.testing.assert_allclose(model.score(queries), model.score(usual), atol=1e-5)
    newcomer = {"item_ids": np.array([[0, V + 1, V + 2]]), "user_ids": np.array([-1], np.int32)}
    assert np.isfinite(model.score(newcomer)).all()


def test_survives_saving(tmp_path):
    histories = rated()
    model = make_towers(popularity=True, dropout=0.1)
    model.adapt(histories)
    queries = asked(histories, [0, 1])
    model.save(tmp_path / "towers.keras")
    again = keras.saving.load_model(tmp_path / "towers.keras")
    assert again.get_config() == model.get_config()
    np.testing.assert_allclose(again.score(queries), model.score(queries), atol=1e-6)
    items = np.array([3, 4])
    np.testing.assert_allclose(again.rate(queries, items), model.rate(queries, items), atol=1e-6)


@pytest.mark.backends
def test_queries_and_items_out_of_range_are_refused():
    model = TwoTower(Tower(U, D), Tower(V, D), head="dot")
    assert model.score({"user_ids": [0, U - 1, -1]}).shape == (3, V + 1)  # Built on the way.
    for user_ids in ([U], [-2], [0.0]):
        with pytest.raises(ValueError, match=f"`user_ids` must be rows .* below {U}, or -1"):
            model.score({"user_ids": user_ids})
    with pytest.raises(ValueError, match="`queries` must be a dict with .'user_ids'"):
        model.score({"item_ids": [[1]]})
    for items in ([0], [V + 1], [-1]):
        with pytest.raises(ValueError, match=f"`items` must be item ids in 1..{V}"):
            model.score({"user_ids": [0]}, items)
    with pytest.raises(ValueError, match="`rate` needs .* a training by `fit`"):
        model.rate({"user_ids": [0]}, np.array([1]))
    with pytest.raises(ValueError, match="padded on the left only"):
        make_towers().score({"user_ids": [0], "item_ids": [[1, 0]]})
