"""What lists give away to seen items, by hand."""

import numpy as np
from harness import make_histories

from recmodels.evaluation.seen import seen_item_percentiles, seen_item_share

V = 5
HISTORIES = make_histories([[5, 1], [2, 2], [V + 1]])  # The last user has an unknown item alone.


class Larger:
    """Scores that say the larger id is better."""

    max_length = None

    def score(self, queries, items=None):
        return np.tile(np.arange(V + 1.0), (len(queries["item_ids"]), 1))


class Reader(Larger):
    """Scores that need what was rated, too: an item rated 5 comes first."""

    columns = ("value",)

    def score(self, queries, items=None):
        scores = super().score(queries)
        rows, places = np.nonzero(queries["value"] == 5)
        scores[rows, queries["item_ids"][rows, places]] = 100
        return scores


def test_shares_by_hand():
    # Lists 5, 4, 3: one of the first user's two, none of the others'. Of all five: two, one, none.
    assert seen_item_share(Larger(), HISTORIES, 3).tolist() == [1 / 3, 0, 0]
    assert seen_item_share(Larger(), HISTORIES, 5).tolist() == [2 / 5, 1 / 5, 0]


def test_places_by_hand():
    # From item 1, the last, to item 5, the first: a quarter each. By user, then by item.
    assert seen_item_percentiles(Larger(), HISTORIES).tolist() == [0, 1, 0.25]


def test_a_model_is_given_the_columns_it_reads():
    rated = make_histories([[5, 1], [2, 3]])
    rated.columns["value"] = np.array([1, 5, 5, 1])
    # First user: 1, 5, 4, 3, 2. Second: 2, 5, 4, 3, 1.
    assert seen_item_percentiles(Reader(), rated).tolist() == [1, 0.75, 1, 0.25]
    assert seen_item_share(Reader(), rated, 1).tolist() == [1, 1]
