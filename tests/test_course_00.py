"""Right answers pass; typical wrong ones are told apart, without the solution."""

from collections import Counter

import pytest

from recmodels.course import check


def window(history, length):
    newest = history[-length:]
    return [0] * (length - len(newest)) + newest


def zeros_behind(history, length):
    newest = history[-length:]
    return newest + [0] * (length - len(newest))


def oldest(history, length):
    return [0] * (length - len(history)) + history[:length]


def not_filled(history, length):
    return history[-length:]


def not_cut(history, length):
    return [0] * (length - len(history)) + history


def newest_first(history, length):
    return window(history, length)[::-1]


def targets(events):
    ordered = events.sort_values("timestamp", kind="stable").groupby("user")["item"]
    return {user: tuple(own)[-2:] for user, own in ordered if len(own) >= 3}


def swapped(events):
    return {user: pair[::-1] for user, pair in targets(events).items()}


def in_order_of_rows(events):
    return {u: tuple(own)[-2:] for u, own in events.groupby("user")["item"] if len(own) >= 3}


def everybody(events):
    ordered = events.sort_values("timestamp").groupby("user")["item"]
    return {user: (tuple(own)[-2:] * 2)[:2] for user, own in ordered}


def long_ones_only(events):
    return dict(list(targets(events).items())[1:])


def first_two(events):
    ordered = events.sort_values("timestamp").groupby("user")["item"]
    return {user: tuple(own)[:2] for user, own in ordered if len(own) >= 3}


def popular(histories):
    return [item for item, _ in Counter(i for own in histories for i in own).most_common()]


def after(histories, history, k, reach=1):
    counts = Counter()
    for own in histories:
        for place, item in enumerate(own):
            if history and item == history[-1]:
                counts.update(own[place + 1 : place + 1 + reach])
    ranked = [item for item, _ in counts.most_common()]
    return list(dict.fromkeys([*ranked, *popular(histories)]))[:k]


def popularity(histories, history, k):
    return popular(histories)[:k]


def anything_after(histories, history, k):
    return sorted(after(histories, history, 12, reach=99)[4:])[:k] if history else [1, 2, 3]


def upside_down(histories, history, k):
    return after(histories, history, k)[::-1]


def too_long(histories, history, k):
    return after(histories, history, k + 1)


def repeats(histories, history, k):
    return after(histories, history, 1) * k


def no_answer_to_nothing(histories, history, k):
    return after(histories, history, k) if history[-1] < 999 else []


def invented(histories, history, k):
    return [*after(histories, history, k)[:-1], 77]


RIGHT = {"00.1": window, "00.2": targets, "00.3": after}
WRONG = {
    "00.1": [zeros_behind, oldest, not_filled, not_cut, newest_first, None],
    "00.2": [swapped, in_order_of_rows, everybody, long_ones_only, first_two, None],
    "00.3": [
        *(popularity, anything_after, upside_down, too_long),
        *(repeats, no_answer_to_nothing, invented, None),
    ],
}


@pytest.mark.parametrize("number", RIGHT)
def test_right_answers_pass(number):
    verdict = check(number, RIGHT[number])
    assert verdict, verdict


@pytest.mark.parametrize("number", WRONG)
def test_wrong_answers_get_reasons_of_their_own(number):
    verdicts = [check(number, answer) for answer in WRONG[number]]
    assert not any(verdicts)
    reasons = {verdict.reason for verdict in verdicts}
    assert len(reasons) == len(verdicts), [verdict.reason for verdict in verdicts]
    assert not any("Counter" in reason or "[-" in reason for reason in reasons)
