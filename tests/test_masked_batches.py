import numpy as np
import pytest
from harness import SmallEncoder, make_histories, make_log, random_lists

import recmodels as rm
from recmodels.features.masked_batches import MaskedItemBatches
from recmodels.tasks.build import JOBS

L, MASK = 6, 99
LISTS = [[10 * u + 1 + i for i in range(n)] for u, n in enumerate([1, 2, 3, 5, 7, 9])]


def make(**options):
    return MaskedItemBatches(make_histories(LISTS), L, 2, 0, MASK, **options)


def rows_of(batches):
    """Rows of ids with the targets at their masks filled in, and where the masks are."""
    for index in range(len(batches)):
        inputs, targets, weights = batches[index]
        ids = inputs["item_ids"]
        filled, places = ids.ravel().copy(), inputs["positions"][weights > 0]
        assert (filled[places] == MASK).all() and (ids == MASK).sum() == len(places)
        filled[places] = targets[weights > 0]
        yield from zip(filled.reshape(ids.shape), ids == MASK, strict=True)


@pytest.mark.parametrize("last_share", [0.0, 0.5, 1.0])
def test_targets_are_what_the_masks_hide(last_share):
    seen = []
    for row, masked in rows_of(make(last_share=last_share)):
        items = row[row > 0].tolist()
        assert items == list(range(items[0], items[0] + len(items)))
        assert 1 <= masked.sum() and (last_share < 1 or masked.tolist()[-1])
        seen += items
    # Each event once, but the last one before a cut, which begins the next window.
    assert set(seen) == {item for items in LISTS[1:] for item in items}


def test_shares_of_masked_events():
    lists = [list(range(1, 12))] * 2000
    for last_share, share in ((0.0, 0.3), (0.5, 0.3), (1.0, 0.3)):
        batches = MaskedItemBatches(
            make_histories(lists), 10, 200, 0, MASK, share, last_share, "latest"
        )
        masked = np.concatenate([batches[i][0]["item_ids"] == MASK for i in range(len(batches))])
        alone = (masked.sum(axis=1) == 1) & masked[:, -1]
        # At random, the last event alone is masked with probability 0.3 * 0.7^10 = 0.008.
        assert alone.mean() == pytest.approx(last_share + (1 - last_share) * 0.008, abs=0.04)
        others = masked[~alone].mean() if last_share < 1 else share
        assert others == pytest.approx(share, abs=0.02)


def test_batches_are_a_function_of_seed_and_epoch():
    first, again, later = make(), make(), make(epoch=1)
    for index in range(len(first)):
        np.testing.assert_array_equal(first[index][0]["item_ids"], again[index][0]["item_ids"])
    again.on_epoch_end()
    same = [np.array_equal(again[i][0]["item_ids"], later[i][0]["item_ids"]) for i in range(2)]
    other = [np.array_equal(first[i][0]["item_ids"], later[i][0]["item_ids"]) for i in range(2)]
    assert all(same) and not all(other)
    assert first.identity() != make(last_share=0.4).identity()


def test_columns_of_masked_events_are_hidden():
    histories = make_histories(LISTS)
    histories.columns["action"] = histories.items % 3 + 1
    histories.columns["price"] = np.ones((len(histories.items), 2), np.float32)
    batches = MaskedItemBatches(histories, L, 2, 0, MASK, columns=("action", "price"))
    for inputs, _, _ in map(batches.__getitem__, range(len(batches))):
        read = (inputs["item_ids"] > 0) & (inputs["item_ids"] != MASK)
        np.testing.assert_array_equal(inputs["action"] > 0, read)
        np.testing.assert_array_equal(inputs["price"] > 0, np.stack([read, read], axis=2))


def test_impossible_shares_are_refused():
    for options in ({"mask_share": 0.0}, {"last_share": 1.5}, {"windows": "prefixes"}):
        with pytest.raises(ValueError, match=f"`{next(iter(options))}`"):
            make(**options)


class BothSides(SmallEncoder):
    causal = False


def test_only_prefixes_train_an_encoder_that_sees_both_sides_to_predict_the_next_item():
    data = rm.prepare(rm.leave_one_out(make_log(random_lists(5, 7, 9))))
    model = BothSides(data.num_items)
    with pytest.raises(ValueError, match="`windows` must be 'prefixes'"):
        rm.fit(model, data, epochs=1)
    batches = JOBS["next_item"](model, data, 0, windows="prefixes").batches
    assert len(batches)
