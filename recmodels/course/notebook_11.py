"""Checks of the exercises of notebook 11, broken on purpose."""

import numpy as np
import pandas as pd

from recmodels.course.checking import NotYet, exercise, expect, expect_close


@exercise("11.1")
def check_windows(answer) -> None:
    """`answer(history, length)` gives inputs and shifted targets, padded on the left."""
    _expect_function(answer, "a history and a length")
    for history, length in (([7, 3, 9], 5), ([4, 8, 6, 2], 3), ([2, 6], 1)):
        _expect_window(answer, history, length, "that fits the window")
    long = [11, 4, 9, 2, 7, 5, 3, 8]
    inputs, targets = _window(answer, long, 4)
    expect(
        not any(item in inputs[: step + 1] for step, item in enumerate(targets) if item),
        "Short histories are right. In a long one, a position is asked for what it has read.",
    )
    expect(targets[-1] == long[-1], "In a long history, nobody is asked for the newest event.")
    _expect_window(answer, long, 4, "longer than the window")
    _expect_window(answer, [5, 1, 5, 5, 2, 1, 1], 3, "in which items return")


def _expect_window(answer, history: list[int], length: int, kind: str) -> None:
    inputs, targets = _window(answer, history, length)
    expected = _left(history[:-1], length), _left(history[1:], length)
    expect(
        not any((np.diff(np.sign(row)) < 0).any() for row in (inputs, targets)),
        "Padding stands to the right of an event: the last state would be that of nothing.",
    )
    for found, wanted, name in zip((inputs, targets), expected, ("inputs", "targets"), strict=True):
        expect_close(found, wanted, f"For a history {kind}, the {name} are wrong.")


def _window(answer, history: list[int], length: int) -> tuple[np.ndarray, np.ndarray]:
    found = answer(list(history), length)
    expect(len(found) == 2, "Return inputs and targets.")
    inputs, targets = (np.asarray(part) for part in found)
    expect(
        inputs.shape == targets.shape == (length,),
        f"Both must be as long as the window, {length}; they are {inputs.shape}, {targets.shape}.",
    )
    return inputs, targets


def _left(items: list[int], length: int) -> list[int]:
    kept = items[-length:]
    return [0] * (length - len(kept)) + kept


@exercise("11.2")
def check_ranks(answer) -> None:
    """`answer(scores, targets, seen)` gives one pessimistic rank a user among unseen items."""
    _expect_function(answer, "scores, targets and seen")
    scores = np.random.default_rng(112).normal(size=(4, 7))
    targets, seen = np.array([2, 0, 6, 3]), np.zeros((4, 7), bool)
    given = scores.copy()
    found = np.asarray(answer(given, targets, seen))
    expect(found.shape == (4,), f"One rank a user, please: (4,), not {found.shape}.")
    expect(np.array_equal(given, scores), "It changed the scores it was given; leave them alone.")
    expect((found >= 1).all(), "The top of the list is number one.")
    expect_close(found, _ranks(scores, targets, seen), "Even without ties the ranks are wrong.")
    seen[:, [1, 4]] = True
    wanted = _ranks(scores, targets, seen)
    expect_close(answer(scores, targets, seen), wanted, "Items a user has seen leave the list.")
    alike = np.asarray(answer(np.zeros((4, 7)), targets, seen))
    expect(
        not (alike == 1).all(),
        "A model that scores all items alike gets every user a perfect list.",
    )
    expect(len(set(alike)) == 1, "With all scores equal, a rank depends on the number of the item.")
    expect_close(
        alike,
        np.full(4, 5),
        "With all scores equal and five items left, the target is not at the end of the list.",
    )
    rounded = scores.round()
    wanted = _ranks(rounded, targets, seen)
    expect_close(answer(rounded, targets, seen), wanted, "It is wrong where only some items tie.")


def _ranks(scores, targets, seen) -> np.ndarray:
    own = np.take_along_axis(scores, targets[:, None], axis=1)
    return (np.where(seen, -np.inf, scores) >= own).sum(axis=1)


@exercise("11.3")
@np.errstate(all="ignore")
def check_logq_loss(answer) -> None:
    """`answer(positive, negatives, log_counts)` is a sampled softmax loss a user, corrected."""
    _expect_function(answer, "positive, negatives and log_counts")
    rng = np.random.default_rng(113)
    positive, negatives = rng.normal(size=3), rng.normal(size=(3, 5))
    found = np.asarray(answer(positive, negatives, np.zeros((3, 5))))
    expect(found.shape == (3,), f"Return one loss a user, (3,), not {found.shape}.")
    sure = np.asarray(answer(np.full(3, 30.0), np.full((3, 5), -30.0), np.zeros((3, 5))))
    expect(
        (sure > -1e-9).all(),
        "A loss below zero: a probability above one. Is the whole really the whole?",
    )
    expect_close(
        found,
        _loss(positive, negatives, 0),
        "With every other item drawn once there is nothing to correct, and it is still not the "
        "full softmax.",
    )
    counts = np.array([4.0, 2.0, 1.0, 0.5, 0.25])
    corrected = np.asarray(answer(positive, negatives, np.tile(np.log(counts), (3, 1))))
    expect(
        not np.allclose(corrected, found), "How often an item was drawn makes no difference to it."
    )
    twice = np.asarray(
        answer(positive, np.repeat(negatives, 2, axis=1), np.full((3, 10), np.log(2)))
    )
    expect_close(
        twice, found, "Each item drawn twice should give the loss of each drawn once; it does not."
    )
    expect_close(
        corrected,
        _loss(positive, negatives, np.log(counts)),
        "Right where all items are drawn equally often, wrong where some are drawn more.",
    )
    large = np.asarray(answer(positive + 1000, negatives + 1000, np.zeros((3, 5))))
    expect_close(large, found, "Scores of a thousand should not trouble it.", 1e-6)


def _loss(positive, negatives, log_counts) -> np.ndarray:
    logits = np.concatenate([positive[:, None], negatives - log_counts], axis=1)
    return np.log(np.exp(logits).sum(axis=1)) - positive


@exercise("11.4")
def check_split(answer) -> None:
    """`answer(events)` leaves each user's last event for the test, the one before to validate."""
    _expect_function(answer, "events")
    events = _events()
    sizes = events.groupby("user")["item"].transform("size")
    for table, kind in ((events, "in order of time"), (_shuffled(events), "in no order")):
        train, validation, test = _three(answer(table.copy()))
        together = sorted(map(tuple, pd.concat([train, validation, test])[list(events)].to_numpy()))
        expect(
            together == sorted(map(tuple, events.to_numpy())),
            f"With rows {kind}, the parts together are not the log: events are lost or doubled.",
        )
        for part, name in ((validation, "validation"), (test, "test")):
            expect(part["user"].is_unique, f"One event a user for the {name}, please.")
        expect(
            set(test["user"]) == set(validation["user"]) == set(events["user"][sizes >= 3]),
            "Exactly the users with three events or more are measured; the others only teach.",
        )
        before = validation.set_index("user")["timestamp"]
        after = test.set_index("user")["timestamp"]
        own = train["user"].map(before)
        expect(
            not (train["timestamp"] > own).any() and (before <= after[before.index]).all(),
            f"With rows {kind}, what is learnt from comes after what is to be predicted.",
        )


def _events() -> pd.DataFrame:
    rng = np.random.default_rng(114)
    lengths = np.array([1, 2, 3, 4, 9, 6, 2])
    users = np.repeat(np.arange(len(lengths)) + 20, lengths)
    times = np.concatenate([np.sort(rng.permutation(1000)[:n]) for n in lengths])
    items = rng.integers(1, 8, len(users))  # Users come back to items.
    return pd.DataFrame({"user": users, "item": items, "timestamp": times})


def _shuffled(events: pd.DataFrame) -> pd.DataFrame:
    return events.sample(frac=1, random_state=5).reset_index(drop=True)


def _three(found) -> tuple[pd.DataFrame, ...]:
    right = isinstance(found, tuple) and len(found) == 3
    expect(
        right and all(isinstance(part, pd.DataFrame) for part in found),
        "Return three tables of events: training, validation, test.",
    )
    return found


@exercise("11.5")
def check_test(answer) -> None:
    """`answer(last_state)` raises an `AssertionError` for faulty encoders and no other."""
    _expect_function(answer, "an encoder, which is itself a function")
    for seed in (1, 2):
        expect(
            not _fails(answer, _encoder(seed)),
            "It fails for an encoder without a fault: what it asks for is not what is promised.",
        )
    faults = {
        "cut": "It passes an encoder that does not read what the user did last.",
        "side": "It passes an encoder whose answer changes when a batch brings more padding.",
        "short": "It passes an encoder that reads the newest event alone.",
        "order": "It passes an encoder that does not care what came first.",
    }
    for fault, reason in faults.items():
        expect(_fails(answer, _encoder(3, fault)), reason)


def _fails(test, encoder) -> bool:
    try:
        test(encoder)
    except AssertionError:
        return True
    except Exception as error:  # Raised by the answer: anything may be.
        raise NotYet(f"It stopped with {type(error).__name__} instead of asserting.") from error
    return False


def _encoder(seed: int, fault: str = ""):
    """`last_state(history, length)`: items 1..50 into a vector (8,), newer events weighing more."""
    table = np.random.default_rng(seed).normal(size=(51, 8))

    def last_state(history, length):
        history = list(history)
        kept = history[:length] if fault == "cut" else history[-length:]
        kept = kept[-1:] if fault == "short" else kept
        padding = [0] * (length - len(kept))
        ids = np.array(kept + padding if fault == "side" else padding + kept)
        weights = (ids > 0) * 0.7 ** np.arange(len(ids))[::-1]
        weights = (ids > 0) * 1.0 if fault == "order" else weights
        return weights @ table[ids]

    return last_state


def _expect_function(answer, arguments: str) -> None:
    expect(callable(answer), f"Give a function of {arguments}.")
