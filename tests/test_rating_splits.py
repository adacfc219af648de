"""Held-out ratings, several of a user: at random, and after one moment."""

from dataclasses import replace

import numpy as np
import pytest
from test_splits import _log, _pairs

from recmodels.data.rating_splits import random_ratings, temporal_ratings


def test_random_ratings_part_the_log():
    users, items = np.repeat(np.arange(20), 10), np.tile(np.arange(10), 20)
    log = _log(users, items)
    split = random_ratings(log, seed=3)
    parts = [split.train, split.validation.targets, split.test.targets]
    assert [len(part) for part in parts] == [144, 16, 40]
    pairs = [set(map(tuple, part.events[["user", "item"]].to_numpy())) for part in parts]
    assert len(set.union(*pairs)) == 200  # Nothing twice, nothing lost.
    assert len(split.test.inputs) == 160 and len(split.refitted().train) == 160
    known = set(map(tuple, split.test.inputs.events[["user", "item"]].to_numpy()))
    assert known == pairs[0] | pairs[1]
    again, other = random_ratings(log, seed=3), random_ratings(log, seed=4)
    assert again.test.targets.events.equals(split.test.targets.events)
    assert not other.test.targets.events.equals(split.test.targets.events)


def test_random_ratings_of_users_without_training_are_newcomers():
    users = np.arange(50)  # One event each: whoever is tested is unknown.
    split = random_ratings(_log(users, users % 5))
    assert len(split.test) == 0 and len(split.test.newcomers) == 10


def test_random_ratings_warn_of_pairs_on_both_sides():
    users, items = np.repeat(np.arange(20), 10), np.tile(np.arange(10), 20)
    log = _log([*users, *users], [*items, *items])
    random_ratings(log)  # What is no rating may be repeated.
    log = replace(log, events=log.events.assign(value=3.0))
    with pytest.warns(UserWarning, match="are of a user and an item.*Keep one") as record:
        split = random_ratings(log, seed=0)
    both = sum(pair in set(_pairs(split.test.inputs)) for pair in _pairs(split.test.targets))
    assert f"{both} of 80 test events of 'toy'" in str(record[0].message) and both > 40
    assert record[0].filename == __file__


@pytest.mark.parametrize("shares", [{"test_share": 0}, {"test_share": 1}, {"validation_share": 0}])
def test_random_shares_must_leave_three_parts(shares):
    with pytest.raises(ValueError, match=next(iter(shares))):
        random_ratings(_log([1, 1, 2, 2], [1, 2, 3, 4]), **shares)


# Item and time of twelve events, cut at 5 and 8:
#   user 1    1@1 2@2 3@3  |  4@5 1@7  |  2@8 4@9 9@9    9 is new
#   user 2    1@4          |           |                 nothing to predict
#   user 3                 |  3@6      |  1@10           known by the second cut
#   user 4                 |           |  1@8            a newcomer
CUT_USERS = [1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 3, 4]
CUT_ITEMS = [1, 2, 3, 4, 1, 2, 4, 9, 1, 3, 1, 1]
CUT_TIMES = [1, 2, 3, 5, 7, 8, 9, 9, 4, 6, 10, 8]


@pytest.fixture
def later():
    # In order 1 2 3 4 5 6 7 8 8 9 9 10: places 4 and 7 of twelve are the times 5 and 8.
    log = _log(CUT_USERS, CUT_ITEMS, CUT_TIMES)
    return temporal_ratings(log, fraction=7 / 12, validation_fraction=3 / 12)


def test_later_ratings_by_hand(later):
    assert later.cut == (5, 8) and later.protocol == "temporal-80-20"
    assert sorted(_pairs(later.train)) == [(1, 1), (1, 2), (1, 3), (2, 1)]
    # Item 4 is nobody's before 5, and user 3 is there first at 6.
    assert _pairs(later.validation.targets) == [(1, 1)]
    assert _pairs(later.validation.newcomers) == [(3, 3)]
    assert sorted(_pairs(later.test.targets)) == [(1, 2), (1, 4), (3, 1)]
    assert _pairs(later.test.newcomers) == [(4, 1)]
    assert sorted(later.catalogue) == [1, 2, 3, 4]


def test_what_is_refitted_is_all_before_the_cut(later):
    again = later.refitted()
    assert again.train.events["timestamp"].max() == 7 and len(again.train) == 7
    assert _pairs(again.test.inputs) == _pairs(again.train)


def test_a_cut_without_cases_is_refused():
    with pytest.raises(ValueError, match="`temporal_ratings` left a part without cases"):
        temporal_ratings(_log(np.arange(20), np.arange(20) % 3, np.arange(20)))
    with pytest.raises(ValueError, match="`temporal_ratings`"):
        temporal_ratings(_log([1, 1], [1, 2]))


def test_the_cut_of_a_real_log(real_log):
    split = temporal_ratings(real_log("ml-100k"))
    # Counted once with pandas: 20,001 ratings after the cut, of which 17,048 are of newcomers and
    # 89 of films that nobody had rated.
    assert len(split.test) == 2864 and split.test.targets.num_users == 107
    assert split.test.newcomers.num_users == 192
