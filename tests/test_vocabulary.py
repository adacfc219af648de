import numpy as np
import pytest

from recmodels.features.vocabulary import PADDING_ID, Vocabulary


def test_items_are_numbered_from_one_in_the_order_seen():
    vocabulary = Vocabulary(["tea", "cup", "pot"])
    assert PADDING_ID == 0
    assert vocabulary.encode(["pot", "tea", "cup", "pot"]).tolist() == [3, 1, 2, 3]
    assert vocabulary.encode(["pot"]).dtype == np.int32
    assert (len(vocabulary), vocabulary.unknown_id, vocabulary.mask_id) == (3, 4, 5)


def test_what_is_not_in_the_catalogue_becomes_unknown():
    assert Vocabulary([30, 10]).encode([10, 99, 30]).tolist() == [2, 3, 1]


def test_number_and_text_are_different_ids():
    assert Vocabulary([30, 10]).encode(["10"]).tolist() == [3]
    assert Vocabulary(["30", "10"]).encode([10]).tolist() == [3]


def test_empty_history_encodes_to_nothing():
    assert Vocabulary(["a"]).encode([]).tolist() == []


@pytest.mark.parametrize("raw_ids", [[7, 3, 5], ["b", "用户", "a"]])
def test_decode_undoes_encode(raw_ids):
    vocabulary = Vocabulary(raw_ids)
    assert vocabulary.decode(vocabulary.encode(raw_ids)).tolist() == raw_ids
    assert vocabulary.raw_ids.tolist() == raw_ids


@pytest.mark.parametrize("item_id", [0, 3, 4, -1])
def test_ids_that_stand_for_no_item_are_not_decoded(item_id):
    with pytest.raises(ValueError, match=rf"`item_ids` must be in 1..2. Received: {item_id} to"):
        Vocabulary(["a", "b"]).decode([item_id])


def test_bad_catalogues_are_refused():
    with pytest.raises(ValueError, match="`raw_ids` must be distinct. Received: 'a'"):
        Vocabulary(["a", "b", "a"])
    with pytest.raises(ValueError, match="`raw_ids` is empty"):
        Vocabulary([])
