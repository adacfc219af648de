"""The shop of behaviour: exact predictions against enumeration, against its log and rivals."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import recmodels as rm
from recmodels.data import shop_behaviour_tables as tables
from recmodels.data.interactions import Interactions
from recmodels.data.shop_behaviour import CAUSES, simulate_behaviour
from recmodels.data.shop_behaviour_process import take
from recmodels.data.shop_behaviour_purchases import own_device, purchase_chances
from recmodels.data.shop_clock import START
from recmodels.models.event_forecast import LogNormalMixture


@pytest.fixture(scope="module")
def shop():
    return simulate_behaviour(num_users=600, num_items=70, seed=3)


@pytest.fixture(scope="module")
def asked(shop):
    """Users, positions and rows of all events but the first three of each user."""
    users = shop.interactions.events["user"]
    positions = users.groupby(users).cumcount().to_numpy()
    rows = np.flatnonzero(positions >= 3)
    return users.to_numpy()[rows], positions[rows], rows


@pytest.fixture(scope="module")
def some(asked):
    """Every fourth of them, for the predictions of items, which are large."""
    return tuple(part[::4] for part in asked)


def kinds_of(shop, rows):
    labels = shop.interactions.events["action"].to_numpy()[rows]
    return np.array([shop.types.index(label) for label in labels])


def items_of(shop, rows):
    return shop.items_at(shop.interactions.events["item"].to_numpy()[rows])


def gaps_of(shop, rows):
    times = shop.interactions.events["timestamp"].to_numpy()
    return times[rows] - times[rows - 1]


def losses(chances, truth):
    """Negative log-likelihood of what happened, (B,)."""
    return -np.log(chances[np.arange(len(truth)), truth])


def sigmas(values):
    """By how many standard errors a mean is above zero."""
    return values.mean() / (values.std() / np.sqrt(len(values)))


# Exact predictions against the definition, one path of hidden states at a time.


def end_chance(last, mission):
    hour = last.timestamp % 86_400 // 3600
    night = hour < 6 or hour >= 23
    logit = -1.9 - 0.8 * mission + 1.4 * night + (0, 0, -0.5, 2.4)[last.kind]
    return 1 / (1 + np.exp(-logit))


def type_chances(shop, last, anew, segment, mission):
    hour, weekend = last.timestamp % 86_400 // 3600, (last.timestamp - START) // 86_400 % 7 >= 5
    logits = tables.FUNNEL[4 if anew else last.kind] + mission * tables.WHEN_SHOPPING
    logits = logits + tables.IF_AFFORDABLE * shop.process.affordable[segment, last.item]
    logits = logits + tables.AT_WEEKENDS * weekend + tables.IN_THE_EVENING * (18 <= hour < 23)
    odds = np.exp(logits + tables.ON_DEVICE[last.device])
    return odds / odds.sum()


def item_chances(shop, last, anew, segment, intent, kind):
    process = shop.process
    same, companion, browsed = tables.WHICH_ITEM[int(anew), kind]
    chances = browsed * process.browse[segment, intent]
    chances[last.item] += same
    line, category = process.next_line[last.item // 7], last.item % 7
    chances[7 * line + process.turns_to[intent, category]] += companion
    return chances


def gap_parts(last, anew, segment, mission, kind):
    """Weights, means and scales of log(1 + gap)."""
    if anew:
        weekend = int((last.timestamp - START) // 86_400 % 7 >= 5)
        return tables.RETURN_SHARE[weekend, segment], tables.RETURN_MEAN, tables.RETURN_SCALE
    extra = 0 if np.isnan(last.duration) else 0.7 * (np.log(last.duration) - 2.7)
    return [1.0], [tables.SHORT_MEAN[kind, mission] + extra], [0.45]


def dwell_chance(event, mission):
    if np.isnan(event.duration):
        return 1.0
    return norm.pdf(np.log(event.duration), tables.DWELL_MEAN[event.kind] + 0.9 * mission, 0.6)


STATES = list(itertools.product(range(3), range(7), range(2)))
ARRIVALS = list(itertools.product((False, True), STATES))


def moves(before, last):
    """Each pair of a new session or not and a next state, with its probability."""
    (_, (segment, intent, mission)), end = before, end_chance(last, before[1][2])
    for anew, to, wants in itertools.product((False, True), range(7), range(2)):
        keep = (0.97, 0.6)[anew]
        chance = (end if anew else 1 - end) * (keep * (to == intent) + (1 - keep) / 7)
        shopping = tables.SHOPPING_SHARE[segment] if anew else (0.04, 0.92)[mission]
        yield (anew, (segment, to, wants)), chance * (shopping if wants else 1 - shopping)


def event_chance(shop, last, now, anew, state):
    """Density of all that was seen of an event, given the state in which it came."""
    segment, intent, mission = state
    weights, means, scales = gap_parts(last, anew, segment, mission, now.kind)
    log_gap = np.log1p(now.timestamp - last.timestamp)
    return (
        type_chances(shop, last, anew, segment, mission)[now.kind]
        * item_chances(shop, last, anew, segment, intent, now.kind)[now.item]
        * np.dot(weights, norm.pdf(log_gap, means, scales))
        * dwell_chance(now, mission)
    )


def outlook(shop, last, anew, state):
    """Joint of type and item in a state, and the chance that the event comes within an hour."""
    segment, intent, mission = state
    types = type_chances(shop, last, anew, segment, mission)
    items = [item_chances(shop, last, anew, segment, intent, kind) for kind in range(4)]
    below = 0.0
    for kind in range(4):
        weights, means, scales = gap_parts(last, anew, segment, mission, kind)
        below += types[kind] * np.dot(weights, norm.cdf(np.log1p(3600), means, scales))
    return types[:, None] * np.array(items), below


def enumerate_future(shop, user, position):
    """Joint of type and item, and distribution function of the gap at one hour, by brute force."""
    process = shop.process
    start = shop.rows([user], [0])[0]
    events = [first_of(shop.seen, start + step) for step in range(position)]
    member = shop.interactions.users["member"][user]
    paths = {}
    for state in STATES:
        segment, intent, mission = state
        prior = tables.SEGMENT_SHARE[segment] / 7
        prior *= tables.MEMBER_SHARE[segment] if member else 1 - tables.MEMBER_SHARE[segment]
        shopping = tables.SHOPPING_SHARE[segment]
        prior *= shopping if mission else 1 - shopping
        prior *= process.browse[segment, intent, events[0].item] * dwell_chance(events[0], mission)
        paths[((True, state),)] = prior
    for last, now in itertools.pairwise(events):
        chances = {key: event_chance(shop, last, now, *key) for key in ARRIVALS}
        paths = {
            (*path, key): chance * move * chances[key]
            for path, chance in paths.items()
            for key, move in moves(path[-1], last)
        }
    last = events[-1]
    outlooks = {key: outlook(shop, last, *key) for key in ARRIVALS}
    joint, below = np.zeros((4, shop.process.num_items)), 0.0
    for path, chance in paths.items():
        for key, move in moves(path[-1], last):
            joint += chance * move * outlooks[key][0]
            below += chance * move * outlooks[key][1]
    return joint / joint.sum(), below / joint.sum()


def first_of(record, row):
    """One event as a record of numbers."""
    return type(record)(**{name: values[row] for name, values in vars(record).items()})


@pytest.mark.parametrize(("user", "position"), [(1, 1), (2, 2), (3, 2)])
def test_bayes_equals_summing_over_all_hidden_paths(user, position):
    shop = simulate_behaviour(num_users=10, num_items=14, events_per_user=6, seed=4)
    joint, below = enumerate_future(shop, user, position)
    np.testing.assert_allclose(shop.bayes_joint([user], [position])[0], joint, atol=1e-12)
    gap = LogNormalMixture(*shop.bayes_gap([user], [position]))
    assert gap.cdf(3600.0)[0] == pytest.approx(below, abs=1e-12)


def test_types_and_ends_of_sessions_follow_the_clock_of_the_last_event(shop):
    hours = START + 3600 * np.arange(7 * 24)
    last = take(shop.seen, np.zeros(len(hours), int))
    last = replace(last, timestamp=hours, kind=np.arange(len(hours)) % 4)
    types, ends = shop.process.type_chance(last), shop.process.end_chance(last)
    for hour, (anew, mission) in itertools.product(range(168), np.ndindex(2, 2)):
        now = first_of(last, hour)
        expected = type_chances(shop, now, anew, 2, mission)
        np.testing.assert_allclose(types[hour, anew, 2, mission], expected)
        assert ends[hour, mission] == pytest.approx(end_chance(now, mission))


def test_the_predictions_follow_from_the_joint_distribution(shop):
    asked = [3, 1, 3, 2], [7, 1, 2, 4]
    joint = shop.bayes_joint(*asked)
    np.testing.assert_allclose(joint.sum(axis=(1, 2)), 1, atol=1e-12)
    np.testing.assert_allclose(shop.bayes_types(*asked), joint.sum(axis=2), atol=1e-12)
    np.testing.assert_allclose(shop.bayes_items(*asked), joint.sum(axis=1), atol=1e-12)
    np.testing.assert_array_equal(shop.bayes(*asked), shop.bayes_items(*asked))
    bought = shop.bayes_items(*asked, given="buy")
    np.testing.assert_allclose(bought * joint[:, 3].sum(axis=1, keepdims=True), joint[:, 3])
    weights, means, scales = shop.bayes_gap(*asked)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    assert means.shape == scales.shape == weights.shape == (4, 11)


def test_a_batch_answers_as_single_questions_do(shop):
    users, positions = [3, 1, 3, 2], [7, 0, 1, 4]
    batch = shop.bayes_joint(users, positions)
    for row, (user, position) in enumerate(zip(users, positions, strict=True)):
        alone = shop.bayes_joint([user], [position])[0]
        np.testing.assert_allclose(batch[row], alone, atol=1e-15)


def test_a_first_event_is_a_view_that_the_membership_tells_something_of(shop):
    member = shop.interactions.users["member"]
    users = [int(member.idxmin()), int(member.idxmax())]
    types = shop.bayes_types(users, [0, 0])
    np.testing.assert_allclose(types, [[1, 0, 0, 0]] * 2, atol=1e-15)
    for user, share in zip(users, (1 - tables.MEMBER_SHARE, tables.MEMBER_SHARE), strict=True):
        segment = tables.SEGMENT_SHARE * share / (tables.SEGMENT_SHARE @ share)
        expected = np.einsum("g,gzv->v", segment, shop.process.browse) / 7
        np.testing.assert_allclose(shop.bayes_items([user], [0])[0], expected, atol=1e-15)


def test_a_prediction_knows_nothing_of_its_target_and_what_follows(shop):
    users, positions = np.repeat(np.arange(1, 40), 2), np.tile([3, 9], 39)
    users, positions = users[positions < 9], positions[positions < 9]
    rows = shop.rows(users, positions)
    events = shop.interactions.events.copy()
    later = events.groupby("user").cumcount() >= 3
    events.loc[later, "timestamp"] += 100_000
    events.loc[later, ["action", "duration", "device"]] = ["buy", 500.0, "tablet"]
    events.loc[later, "item"] = shop.catalogue[0]
    changed = replace(
        shop, interactions=replace(shop.interactions, events=events.astype({"action": object}))
    )
    assert (changed.interactions.events["action"].to_numpy()[rows] == "buy").all()
    joint = changed.bayes_joint(users, positions)
    np.testing.assert_array_equal(joint, shop.bayes_joint(users, positions))
    for ours, theirs in zip(
        changed.bayes_gap(users, positions), shop.bayes_gap(users, positions), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


# The log was drawn from what the predictions say.


def test_log_loss_equals_entropy(shop, asked, some):
    types, (users, positions, rows) = shop.bayes_types(*asked[:2]), asked
    excess = losses(types, kinds_of(shop, rows)) + (types * np.log(types)).sum(axis=1)
    assert abs(sigmas(excess)) < 3.5
    users, positions, rows = some
    items = shop.bayes_items(users, positions)
    excess = losses(items, items_of(shop, rows)) + (items * np.log(items)).sum(axis=1)
    assert abs(sigmas(excess)) < 3.5


@pytest.mark.parametrize("kind", range(4))
def test_type_probabilities_come_true(shop, asked, kind):
    users, positions, rows = asked
    chances = shop.bayes_types(users, positions)[:, kind]
    happened = kinds_of(shop, rows) == kind
    for group in np.array_split(np.argsort(chances), 8):
        error = np.sqrt((chances * (1 - chances))[group].sum())
        assert abs(happened[group].sum() - chances[group].sum()) < 4 * error


def test_items_of_purchases_come_true(shop, asked):
    rows = asked[2][kinds_of(shop, asked[2]) == 3]
    users = shop.interactions.events["user"].to_numpy()[rows]
    chances = shop.bayes_items(users, rows - shop._offsets[users - 1], given="buy")
    excess = losses(chances, items_of(shop, rows)) + (chances * np.log(chances)).sum(axis=1)
    assert abs(sigmas(excess)) < 3.5


def test_gaps_fall_below_predicted_quantiles_as_often_as_they_say(shop, asked):
    users, positions, rows = asked
    # Gaps are rounded to seconds, which moves the probability of half a second.
    places = LogNormalMixture(*shop.bayes_gap(users, positions)).cdf(gaps_of(shop, rows) + 0.5)
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert (places <= share).mean() == pytest.approx(share, abs=0.01)


def test_purchases_within_half_a_day_come_true():
    shop = simulate_behaviour(num_users=300, num_items=35, events_per_user=80, seed=6)
    users = 1 + np.flatnonzero(np.diff(shop._offsets) > 60)
    positions = np.full(len(users), 8)
    chances = purchase_chances(shop, users, positions, days=0.5, draws=60).sum(axis=1)
    rows, times, kinds = shop.rows(users, positions), shop.seen.timestamp, shop.seen.kind
    ends = times[rows - 1] + 43_200
    # The logs go on for longer than that, but for very few.
    assert (times[rows + 50] > ends).mean() > 0.98
    later = rows[:, None] + np.arange(50)
    bought = ((kinds[later] == 3) & (times[later] <= ends[:, None])).any(axis=1)
    error = np.sqrt((chances * (1 - chances)).sum())
    assert abs(bought.sum() - chances.sum()) < 3 * error
    assert chances[bought].mean() > chances[~bought].mean() + 0.1


def test_purchases_become_certain_with_time_and_follow_the_seed(shop):
    asked = [3, 1, 2], [7, 1, 2]
    hour, week, years = (
        purchase_chances(shop, *asked, days=days, draws=40) for days in (1 / 24, 7, 1000)
    )
    assert (hour.sum(axis=1) < week.sum(axis=1)).all()
    np.testing.assert_allclose(years.sum(axis=1), 1)
    certain = purchase_chances(shop, *asked, days=1000).sum(axis=1)
    assert certain.tolist() == [1, 1, 1]  # Not a little more, from rounding.
    again, other = (purchase_chances(shop, *asked, days=7, draws=40, seed=s) for s in (0, 1))
    np.testing.assert_array_equal(week, again)
    assert not np.array_equal(week, other)
    with pytest.raises(ValueError, match=r"`positions` must be 1 or more.*Received: positions=0"):
        purchase_chances(shop, [1], [0])
    with pytest.raises(ValueError, match="`days` must be greater.*Received: days=0"):
        purchase_chances(shop, [1], [1], days=0)


def test_sessions_tell_which_device_is_the_users_own(shop):
    gaps = np.append(0, np.diff(shop.seen.timestamp))
    users = shop.interactions.events["user"].to_numpy()
    again = np.flatnonzero(gaps >= 1800)
    second = again[users[again] != users[again - 1]][0]  # The first event of another user.
    assert own_device(shop)[second] == pytest.approx(by_hand([shop.seen.device[second]]))
    row = again[(users[again] == users[0])][0]
    shown = [shop.seen.device[0], shop.seen.device[row]]
    assert own_device(shop)[row] == pytest.approx(by_hand(shown))
    assert own_device(shop)[row - 1] == pytest.approx(by_hand(shown[:1]))


def by_hand(shown):
    """Own devices have the shares 0.55, 0.35 and 0.1; one session in five is on any device."""
    chances = np.array([0.55, 0.35, 0.1])
    for device in shown:
        chances *= 0.2 / 3 + 0.8 * (np.arange(3) == device)
    return chances / chances.sum()


# The ceiling is above all that a simpler predictor can reach on the same log.


def test_simpler_predictors_of_types_are_worse(shop, asked):
    users, positions, rows = asked
    kinds, last = kinds_of(shop, rows), kinds_of(shop, rows - 1)
    ceiling = losses(shop.bayes_types(users, positions), kinds)
    shares = np.bincount(kinds, minlength=4) / len(kinds)
    counts = np.zeros((4, 4))
    np.add.at(counts, (last, kinds), 1)  # Even though they have counted the very events.
    markov = losses((counts / counts.sum(axis=1, keepdims=True))[last], kinds)
    majority = losses(np.tile(shares, (len(kinds), 1)), kinds)
    assert markov.mean() < majority.mean() - 0.08
    assert sigmas(markov - ceiling) > 10 and (markov - ceiling).mean() > 0.04


def test_simpler_predictors_of_items_are_worse(shop, asked, some):
    users, positions, rows = some
    others = np.setdiff1d(asked[2], rows)
    items, last = items_of(shop, rows), items_of(shop, rows - 1)
    ceiling = losses(shop.bayes_items(users, positions), items)
    counts = np.full((70, 70), 0.1)
    np.add.at(counts, (items_of(shop, others - 1), items_of(shop, others)), 1)
    markov = losses((counts / counts.sum(axis=1, keepdims=True))[last], items)
    shares = np.bincount(items, minlength=70) / len(items)
    popularity = losses(np.tile(shares, (len(items), 1)), items)
    assert ceiling.mean() < markov.mean() - 0.1 < popularity.mean() - 1


def test_the_gap_depends_on_the_history(shop, asked):
    users, positions, rows = asked
    logs = np.log1p(gaps_of(shop, rows))
    gap = LogNormalMixture(*shop.bayes_gap(users, positions))
    ceiling = -(gap.log_density(np.expm1(logs)) + logs)  # Per unit of log(1 + seconds).
    heights, edges = np.histogram(logs, bins=100, density=True)
    place = np.clip(np.searchsorted(edges, logs, side="right") - 1, 0, 99)
    assert (-np.log(heights[place])).mean() - ceiling.mean() > 0.2


@pytest.mark.parametrize(
    "name", ["WHEN_SHOPPING", "IF_AFFORDABLE", "AT_WEEKENDS", "IN_THE_EVENING", "ON_DEVICE"]
)
def test_each_influence_on_types_matters(shop, asked, monkeypatch, name):
    users, positions, rows = asked
    kinds = kinds_of(shop, rows)
    ceiling = losses(shop.bayes_types(users, positions), kinds)
    monkeypatch.setattr(tables, name, 0 * getattr(tables, name))
    assert sigmas(losses(shop.bayes_types(users, positions), kinds) - ceiling) > 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DWELL_SLOPE", 0.0),
        ("END_NIGHT", 0.0),
        ("END_SHOPPING", 0.0),
        ("RETURN_SHARE", tables.RETURN_SHARE[::-1]),  # Weekdays and weekends changed over.
        ("RETURN_SHARE", tables.RETURN_SHARE[:, ::-1]),  # Rich and poor changed over.
    ],
)
def test_each_influence_on_gaps_matters(shop, asked, monkeypatch, name, value):
    users, positions, rows = asked
    seconds = gaps_of(shop, rows)
    ceiling = LogNormalMixture(*shop.bayes_gap(users, positions)).log_density(seconds)
    monkeypatch.setattr(tables, name, value)
    changed = LogNormalMixture(*shop.bayes_gap(users, positions)).log_density(seconds)
    assert sigmas(ceiling - changed) > 3


def test_a_ceiling_that_forgets_or_exaggerates_is_worse(shop, asked):
    users, positions, rows = asked
    kinds, chances = kinds_of(shop, rows), shop.bayes_types(users, positions)
    ceiling = losses(chances, kinds)
    for power in (0.8, 1.25):
        bent = chances**power
        assert sigmas(losses(bent / bent.sum(axis=1, keepdims=True), kinds) - ceiling) > 3
    forgetful = replace(shop)
    forgetful.__dict__["beliefs"] = np.broadcast_to(shop.beliefs.mean(axis=0), shop.beliefs.shape)
    assert sigmas(losses(forgetful.bayes_types(users, positions), kinds) - ceiling) > 10


# What is hidden.


def test_hidden_states_can_be_recovered(shop):
    last = shop._offsets[1:] - 1
    segment = shop.beliefs[last].sum(axis=(2, 3)).argmax(axis=1)
    assert (segment == shop.segments).mean() > 0.85
    intent = shop.beliefs.sum(axis=(1, 3)).argmax(axis=1)
    assert (intent == shop.intents).mean() > 0.8
    mission = shop.beliefs.sum(axis=(1, 2)).argmax(axis=1)
    assert (mission == shop.hidden.shopping).mean() > 0.8


def test_beliefs_about_the_mission_come_true(shop):
    chances = shop.beliefs[..., 1].sum(axis=(1, 2))
    for group in np.array_split(np.argsort(chances), 10):
        # Events of a user are dependent, so that the limit is wider than a binomial one.
        assert shop.hidden.shopping[group].mean() == pytest.approx(chances[group].mean(), abs=0.03)


def test_events_that_moved_the_hidden_state_are_marked(shop):
    user = shop.interactions.events["user"].to_numpy()
    for row in np.flatnonzero(user[1:] == user[:-1])[:500] + 1:
        before, after = ((shop.intents[r], shop.hidden.shopping[r]) for r in (row - 1, row))
        assert shop.moved[row] == (before != after)
    assert not shop.moved[shop._offsets[:-1]].any() and 0.1 < shop.moved.mean() < 0.25


def test_causes_say_where_each_item_came_from(shop):
    rows = np.setdiff1d(np.arange(len(shop.interactions)), shop._offsets[:-1])
    now, last = shop._items[rows], shop._items[rows - 1]
    same, companion = (shop.hidden.cause[rows] == CAUSES.index(c) for c in CAUSES[:2])
    assert (now[same] == last[same]).all()
    expected = shop.process.companion_of(last, shop.intents[rows])
    assert (now[companion] == expected[companion]).all()
    assert same.mean() > 0.2 and companion.mean() > 0.3 and (~same & ~companion).mean() > 0.2


# What can be seen.


def test_the_log_looks_like_that_of_a_shop(shop):
    events = shop.interactions.events
    wanted = ["user", "item", "timestamp", "action", "duration", "device"]
    assert list(events.columns) == wanted and list(shop.interactions.users) == ["member"]
    shares = events["action"].value_counts(normalize=True)
    assert 0.75 < shares["view"] < 0.85 and (shares > 0.02).all()
    recorded = events["duration"].notna().groupby(events["action"].astype(str)).mean()
    np.testing.assert_allclose(recorded[list(shop.types)], tables.DWELL_RECORDED, atol=0.03)
    assert len(events) / 600 == pytest.approx(40, abs=2) and shop.types == tables.TYPES["en"]
    assert "BehaviourShop" in repr(shop)


def test_devices_change_between_sessions_only(shop, asked):
    rows = asked[2]
    device = shop.interactions.events["device"].to_numpy()
    changed, long = device[rows] != device[rows - 1], gaps_of(shop, rows) >= tables.SESSION_GAP
    assert not changed[~long].any() and changed[long].mean() > 0.1


def test_more_is_bought_at_weekends(shop, asked):
    rows = asked[2]
    weekend = shop.seen.weekend[rows - 1]
    bought = kinds_of(shop, rows) == 3
    assert bought[weekend].mean() > 1.15 * bought[~weekend].mean()


def test_same_seed_same_log():
    first, second, other = (simulate_behaviour(50, 70, seed=seed) for seed in (7, 7, 8))
    pd.testing.assert_frame_equal(first.interactions.events, second.interactions.events)
    np.testing.assert_array_equal(first.segments, second.segments)
    assert not np.array_equal(first._items[:100], other._items[:100])


def test_chinese_shop_has_chinese_labels_and_the_same_events():
    english, chinese = simulate_behaviour(50, 70), simulate_behaviour(50, 70, language="zh")
    ours, theirs = english.interactions.events, chinese.interactions.events
    columns = [column for column in ours if column != "action"]
    pd.testing.assert_frame_equal(ours[columns], theirs[columns])
    names = dict(zip(("view", "cart", "favourite", "buy"), chinese.types, strict=True))
    assert names == {"view": "浏览", "cart": "加购", "favourite": "收藏", "buy": "购买"}
    assert ours["action"].astype(str).map(names).tolist() == theirs["action"].tolist()
    np.testing.assert_array_equal(
        english.bayes_items([1], [3], given="buy"), chinese.bayes_items([1], [3], given="购买")
    )


@pytest.mark.parametrize(
    "wrong",
    [{"num_users": 0}, {"num_users": 2.5}, {"num_items": 13}, {"num_items": "70"},
     {"language": "fr"}, {"events_per_user": 1}, {"events_per_user": float("nan")}],
)  # fmt: skip
def test_impossible_shop_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"`{name}`.*Received: {name}="):
        simulate_behaviour(**wrong)


def test_questions_without_an_answer_are_refused(shop):
    with pytest.raises(ValueError, match=r"`users`.*Received: users=\[601\]"):
        shop.bayes_types([601], [0])
    with pytest.raises(ValueError, match=r"`given`.*'view', 'cart'.*Received: given='sell'"):
        shop.bayes_items([1], [1], given="sell")
    with pytest.raises(ValueError, match=r"`positions` must be 1 or more.*Received: positions=0"):
        shop.bayes_gap([1, 2], [3, 0])


def test_the_shop_is_a_known_data_set():
    log = rm.load("shop-behaviour")
    assert isinstance(log, Interactions) and log.num_users == 5000
    card = repr(rm.data_card(log))
    assert "shop-behaviour (timed)" in card and "favourite" in card
