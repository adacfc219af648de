import itertools

import numpy as np
import pandas as pd
import pytest

from recmodels.data.shop import DETERMINISTIC, FAVOURITE_SHARE, simulate
from recmodels.data.shop_clock import HOUR_SHARE, START, WEEKDAY_SHARE
from recmodels.data.shop_process import SWITCH_RATE


@pytest.fixture(scope="module")
def shop():
    return simulate(num_users=800, num_items=70, seed=3)


def positions_of(shop):
    """Users and positions of all events of the log."""
    users = shop.interactions.events["user"]
    return users.to_numpy(), users.groupby(users).cumcount().to_numpy()


def own_chance(shop, chances, rows):
    return chances[np.arange(len(rows)), shop.items_at(shop.interactions.events["item"])[rows]]


def event_chance(process, week, state, previous_state, item, previous, run):
    """Probability of intent `state` and `item` after one event, from the definition."""
    again = (0.1 + 0.5 * process.noise) * process.appeal[previous] if run < 3 else 0
    if item == previous:
        return again * (state == previous_state)
    linked = item == 7 * process.next_line[previous // 7] + process.turns_to[state, previous % 7]
    shelf = process.browse[week, state]
    new = (1 - process.noise) * linked + process.noise * shelf[item] / (1 - shelf[previous])
    return (1 - again) * process.switch[previous_state, state] * new


def enumerate_paths(shop, user, position):
    """Next-item probabilities by summing over every path of hidden intents."""
    process, events = shop.process, shop.interactions.events
    start = np.flatnonzero(events["user"] == user)[0]
    seen = range(start, start + position)
    items = shop.items_at(events["item"])
    weeks = ((events["timestamp"] - START) // 604_800).to_numpy()
    joint = np.zeros(process.num_items)
    for path in itertools.product(range(7), repeat=position):
        chance = process.browse[weeks[start], path[0], items[start]] / 7
        for step, row in enumerate(seen):
            if step:
                chance *= event_chance(
                    process, weeks[row], path[step], path[step - 1], items[row], items[row - 1],
                    shop.runs[row - 1],
                )  # fmt: skip
        if chance == 0:
            continue
        last = start + position - 1
        for item, state in itertools.product(range(process.num_items), range(7)):
            joint[item] += chance * event_chance(
                process, weeks[last + 1], state, path[-1], item, items[last], shop.runs[last]
            )
    return joint / joint.sum()


def test_bayes_equals_summing_over_all_hidden_paths():
    shop = simulate(num_users=40, num_items=14, events_per_user=6, seed=1)
    users, positions = positions_of(shop)
    third = (positions == 2) & np.append(positions[1:] == 3, False)
    with_repeat, without = users[third & (shop.runs == 2)][0], users[third & (shop.runs == 1)][0]
    for user, position in [(with_repeat, 3), (with_repeat, 2), (without, 3), (without, 1)]:
        slow = enumerate_paths(shop, user, position)
        np.testing.assert_allclose(shop.bayes([user], [position])[0], slow, atol=1e-12)


def test_a_batch_answers_as_single_questions_do(shop):
    users, positions = [3, 1, 3, 2], [7, 0, 1, 4]
    batch = shop.bayes(users, positions)
    for row, (user, position) in enumerate(zip(users, positions, strict=True)):
        np.testing.assert_allclose(batch[row], shop.bayes([user], [position])[0], atol=1e-15)


def test_first_event_is_browsed_under_any_intent(shop):
    week = (shop.interactions.events["timestamp"][0] - START) // 604_800
    expected = shop.process.browse[week].mean(axis=0)
    for chances in (shop.bayes([1], [0]), shop.oracle([1], [0])):
        np.testing.assert_allclose(chances[0], expected, atol=1e-15)


def test_truths_are_distributions_over_items(shop):
    users, positions = positions_of(shop)
    for truth in (shop.bayes, shop.oracle):
        chances = truth(users[:2000], positions[:2000])
        assert chances.shape == (2000, 70) and chances.min() >= 0
        np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-12)


def test_knowing_more_predicts_better(shop):
    users, positions = positions_of(shop)
    rows = np.flatnonzero(positions == 12)
    asked = users[rows], positions[rows]
    oracle, bayes = (own_chance(shop, truth(*asked), rows) for truth in (shop.oracle, shop.bayes))
    counts = np.bincount(shop.items_at(shop.interactions.events["item"]))
    popularity = own_chance(shop, np.tile(counts / counts.sum(), (len(rows), 1)), rows)
    gaps = np.log(oracle).mean() - np.log(bayes).mean(), np.log(bayes / popularity).mean()
    assert gaps[0] > 0.02 and gaps[1] > 1.5


def test_bayes_probabilities_come_true(shop):
    users, positions = positions_of(shop)
    rows = np.flatnonzero((positions > 3) & (positions < 25))
    chances = shop.bayes(users[rows], positions[rows])
    best, hit = chances.max(axis=1), own_chance(shop, chances, rows) == chances.max(axis=1)
    for low in (0.2, 0.4, 0.6, 0.8):
        group = (best >= low) & (best < low + 0.2)
        error = np.sqrt((best * (1 - best))[group].sum())
        assert abs(hit[group].sum() - best[group].sum()) < 4 * error


def test_history_settles_what_the_last_item_leaves_open(shop):
    users, positions = positions_of(shop)
    rows = np.flatnonzero((positions == 15) & (shop.runs == 1))
    belief = shop._filter(rows - 1, positions[rows - 1])
    assert (belief.argmax(axis=1) == shop.intents[rows - 2]).mean() > 0.85


def test_deterministic_shop_is_nearly_predictable():
    shop = simulate(num_users=300, num_items=70, noise=DETERMINISTIC, seed=2)
    users, positions = positions_of(shop)
    rows = np.flatnonzero(positions == 14)
    chances = shop.bayes(users[rows], positions[rows])
    # Only repeats (5 % on average) and changes of intent (3 %) surprise.
    assert (own_chance(shop, chances, rows) == chances.max(axis=1)).mean() > 0.88


def test_intents_go_to_and_fro_between_two_categories(shop):
    turns = shop.process.turns_to
    assert turns[2, 2] == 3 and turns[2, 3] == 2  # Intent 2: 2 -> 3 -> 2.
    assert turns[6, 6] == 0 and turns[6, 0] == 6  # Intent 6: 6 and 7 - 7 = 0.
    assert turns[2, 5] == 2  # From elsewhere to the first of the two.
    # Category 3 is open to intents 2 and 3, which turn to 2 and 4.
    assert {turns[z, 3] for z in (2, 3)} == {2, 4}


def test_companions_lead_through_all_lines(shop):
    item, visited = np.array([0]), []
    for _ in range(10):
        visited.append(int(item[0]))
        item = shop.process.companion_of(item, np.array([0]))
    assert sorted(i // 7 for i in visited) == list(range(10))  # 70 items are ten lines.
    assert [i % 7 for i in visited] == [0, 1] * 5
    assert item[0] == 0


def test_an_incomplete_line_is_left_for_a_whole_one():
    process = simulate(5, 73).process  # Items 70, 71, 72 are all there is of line 10.
    assert (process.next_line < 10).all() and len(process.next_line) == 11


def test_intents_switch_as_often_as_planned(shop):
    users, _ = positions_of(shop)
    same_user = users[1:] == users[:-1]
    new = shop.runs[1:] == 1
    changed = shop.intents[1:] != shop.intents[:-1]
    assert not changed[same_user & ~new].any()
    # Of the 3 %, half go two intents on and half anywhere, one time in seven back: 3 % * 13 / 14.
    assert changed[same_user & new].mean() == pytest.approx(SWITCH_RATE * 13 / 14, abs=0.006)


def test_funnel_rates_are_the_planned_ones(shop):
    users, _ = positions_of(shop)
    item = shop.items_at(shop.interactions.events["item"])
    has_next = np.append(users[1:] == users[:-1], False)
    goes_on = np.append(shop.runs[1:] > 1, False)
    for run in (1, 2, 3):
        rows = has_next & (shop.runs == run)
        planned = shop.process.repeat_chance(item[rows], shop.runs[rows])
        error = np.sqrt((planned * (1 - planned)).sum())
        assert abs(goes_on[rows].sum() - planned.sum()) <= 4 * error


def test_actions_follow_the_run_on_an_item(shop):
    action = shop.interactions.events["action"].to_numpy()
    assert set(action[shop.runs == 1]) == {"view"} and set(action[shop.runs == 3]) == {"buy"}
    second = pd.Series(action[shop.runs == 2]).value_counts(normalize=True)
    assert second["favourite"] == pytest.approx(FAVOURITE_SHARE, abs=0.03)
    assert second["cart"] == pytest.approx(1 - FAVOURITE_SHARE, abs=0.03)


def test_dwell_belongs_to_views_and_shows_interest(shop):
    events = shop.interactions.events
    assert (events["duration"].isna() == (events["action"] != "view")).all()
    same_user = events["user"].diff().shift(-1) == 0
    until_next = events["timestamp"].diff().shift(-1)
    assert (events["duration"] <= until_next)[same_user & (events["action"] == "view")].all()
    appeal = shop.process.appeal[shop.items_at(events["item"])]
    assert (
        events["duration"][appeal > 0.8].median() > 1.8 * events["duration"][appeal < 0.2].median()
    )


def test_times_follow_weekday_and_hour(shop):
    moments = pd.to_datetime(shop.interactions.events["timestamp"], unit="s")
    weekdays = moments.dt.day_of_week.value_counts(normalize=True).sort_index()
    np.testing.assert_allclose(weekdays, WEEKDAY_SHARE, atol=0.02)
    hours = moments.dt.hour.value_counts(normalize=True).reindex(range(24), fill_value=0)
    np.testing.assert_allclose(hours, HOUR_SHARE / HOUR_SHARE.sum(), atol=0.015)


def test_popularity_drifts_along_the_trend():
    shop = simulate(num_users=800, num_items=70, noise=1.0, seed=5)
    item = shop.items_at(shop.interactions.events["item"])
    week = (shop.interactions.events["timestamp"] - START) // 604_800
    early, late = (np.bincount(item[rows], minlength=70) + 1 for rows in (week < 5, week > 9))
    assert np.corrcoef(np.log(late / early), shop.process.trend)[0, 1] > 0.75


def test_same_seed_same_log():
    first, second, other = (simulate(50, 70, seed=seed) for seed in (7, 7, 8))
    pd.testing.assert_frame_equal(first.interactions.events, second.interactions.events)
    np.testing.assert_array_equal(first.intents, second.intents)
    items = [s.interactions.events["item"].to_numpy()[:100] for s in (first, other)]
    assert not np.array_equal(*items)


def test_language_changes_words_only():
    english, chinese = simulate(50, 70, seed=7), simulate(50, 70, seed=7, language="zh")
    pd.testing.assert_frame_equal(english.interactions.events, chinese.interactions.events)
    titles = chinese.interactions.items["title"]
    assert titles.str.fullmatch(r"[\u4e00-\u9fff]+").all()
    assert english.interactions.items["title"].str.fullmatch(r"[A-Za-z' ]+").all()
    assert (english.interactions.items["price"] == chinese.interactions.items["price"]).all()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_titles_are_distinct_even_in_a_large_shop(language):
    items = simulate(5, 3000, language=language).interactions.items
    assert items["title"].is_unique and items["category"].nunique() == 7


def test_columns_and_sizes_are_as_asked(shop):
    log = shop.interactions
    wanted = ["user", "item", "timestamp", "action", "duration", "device"]
    assert list(log.events.columns) == wanted and log.order == "timed"
    assert log.num_users == 800 and len(log.items) == 70
    assert len(log) / 800 == pytest.approx(40, abs=2)
    assert log.events.groupby("user").size().min() >= 3


@pytest.mark.parametrize(
    "wrong",
    [{"num_users": 0}, {"num_items": 13}, {"noise": 1.5}, {"noise": float("nan")},
     {"language": "fr"}, {"events_per_user": 1}],
)  # fmt: skip
def test_impossible_shop_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"`{name}`.*Received: {name}="):
        simulate(**wrong)


def test_events_outside_the_log_are_refused(shop):
    with pytest.raises(ValueError, match=r"`users`.*Received: users=\[801\]"):
        shop.bayes([801], [0])
    length = int((shop.interactions.events["user"] == 1).sum())
    with pytest.raises(ValueError, match=rf"`positions`.*positions=\[{length}\], users=\[1\]"):
        shop.oracle([1], [length])
    with pytest.raises(ValueError, match=r"`raw_ids`.*Received: raw_ids=\[3\d*\]"):
        shop.items_at([3])
