import numpy as np
import pytest
from harness import check_causal, check_padding, to_numpy

from recmodels.models.cached_decoder import CachedDecoder
from recmodels.models.families import FAMILIES
from recmodels.models.sasrec import SASRec

pytestmark = pytest.mark.backends

V, L = 10, 6
HISTORIES = np.array([[0, 0, 0, 3], [0, 5, 3, 1], [0, 0, 0, 0]], np.int32)
FURTHER = [[[1], [2], [0]], [[0], [9], [4]], [[0, 7], [6, 6], [0, 0]], [[3], [3], [3]]]


def make(**options):
    options = {"max_length": L, "width": 8, "num_heads": 2, "positions": "oldest", **options}
    model = SASRec(V, **options)
    model.build()
    rng = np.random.default_rng(0)  # Larger than at the start, so that an error would show.
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0.0, 0.5, weight.shape))
    return model


def uncached(model, steps):
    """Scores of whole histories, without compiling."""
    rows = [[i for step in steps for i in step[row] if i] for row in range(len(steps[0]))]
    ids = np.array([[0] * (L - len(row[-L:])) + list(row[-L:]) for row in rows], np.int32)
    return to_numpy(model.match(model({"item_ids": ids})[:, -1], model.item_vectors()))


@pytest.mark.parametrize(
    "options", [{"norm_order": "pre"}, {"norm_order": "post"}, {"temperature": 0.1}]
)
def test_cached_scores_are_those_of_the_whole_histories(options):
    model, steps = make(**options), [HISTORIES]
    decoder = CachedDecoder(model)
    found = [decoder.read(HISTORIES)]
    np.testing.assert_allclose(found[0][:, 1:], uncached(model, steps), atol=1e-4)
    # The second step has a user without an event, the third one exceeds the length.
    for new in FURTHER:
        steps.append(np.array(new, np.int32))
        found.append(decoder.read(steps[-1]))
        np.testing.assert_allclose(found[-1][:, 1:], uncached(model, steps), atol=1e-4)
        assert not found[-1][:, 0].any()
    assert np.abs(found[2] - found[1])[1].max() > 1e-2


def test_a_new_event_is_the_only_one_that_is_read(monkeypatch):
    decoder, read, original = CachedDecoder(make()), [], SASRec.embed

    def embed(model, inputs, places):
        read.append(inputs["item_ids"].shape[1])
        return original(model, inputs, places)

    monkeypatch.setattr(SASRec, "embed", embed)
    for columns in (3, 1, 1, 1, 1, 1):
        decoder.read(np.ones((2, columns), np.int32))
    assert read == [3, 1, 1, 1, L, L]  # Full after four calls.


def test_positions_from_the_oldest_are_causal_and_ignore_padding():
    model = make()
    encode = lambda ids: model({"item_ids": ids})  # noqa: E731
    ids = np.array([[4, 10, 6, 7]], np.int32)
    check_causal(encode, ids, V)
    check_padding(encode, ids, pad=2)
    # An event added in front moves the positions, one added behind does not.
    states = to_numpy(encode(ids))
    longer = to_numpy(encode(np.append(ids, [[2]], axis=1)))
    np.testing.assert_allclose(longer[:, :4], states, atol=1e-5)
    newest = make(positions="newest")({"item_ids": np.append(ids, [[2]], axis=1)})
    assert np.abs(to_numpy(newest)[:, :4] - states).max() > 1e-2


def test_models_that_cannot_be_cached_and_wrong_events_are_refused():
    for model in (make(positions="newest"), FAMILIES["gru4rec"].build(V)):
        with pytest.raises(ValueError, match="`model` must be a SASRec"):
            CachedDecoder(model)
    with pytest.raises(ValueError, match="`positions` must be one of"):
        SASRec(V, positions="last")
    with pytest.raises(ValueError, match="model=SASRec, positions='newest'"):
        CachedDecoder(SASRec(V, 4, 4))
    decoder = CachedDecoder(make())
    decoder.read(HISTORIES)
    with pytest.raises(ValueError, match="a row for each history"):
        decoder.read(np.array([[1]]))
    with pytest.raises(ValueError, match="item_ids"):
        decoder.read(np.array([[1], [V + 9], [1]]))


def test_positions_are_part_of_the_config():
    assert SASRec.from_config(make().get_config()).positions == "oldest"
    assert "positions" not in SASRec(V, 5).get_config()
