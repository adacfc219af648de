"""Will this user buy within N days: windows without leaks, floors, a classifier and measures."""

import numpy as np
import pandas as pd
import pytest

import recmodels as rm
from recmodels.data.interactions import Interactions
from recmodels.features.vocabulary import Vocabulary
from recmodels.insights.labels import LabelClassifier, build_label_examples, score_labels

DAY, START = 86_400, 1_700_000_000


def make_log(rows):
    frame = pd.DataFrame(rows, columns=["user", "item", "timestamp", "action"])
    frame["timestamp"] = frame["timestamp"] * DAY + START
    return Interactions(frame, "timed")


def at(day):
    return START + day * DAY


def random_log(users=60, seed=0):
    """Users who buy often do so for ever: a purchase every second or every twentieth event."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        keen = 0.5 if user % 2 else 0.05
        for day in np.sort(rng.choice(60, 25, replace=False)):
            rows.append((user, int(rng.integers(9)), int(day), "vb"[int(rng.random() < keen)]))
    rows += [(users, 0, 0, "v"), (users, 0, 60, "v")]
    return make_log(rows)


def test_windows_by_hand():
    log = make_log(
        [
            (1, 7, 0, "view"), (1, 8, 3, "view"), (1, 8, 4, "buy"), (1, 8, 9, "view"),
            (2, 7, 3, "buy"), (2, 7, 6, "view"), (2, 7, 7, "buy"),
            (3, 7, 5, "buy"),
        ]
    )  # fmt: skip
    examples = build_label_examples(log, [at(3), at(6)], days=3)
    assert examples.users.tolist() == [1, 2, 1, 2, 3]  # User 3 has no event until day 3.
    # User 2 buys in the second of day 7, within 3 days of day 6 and not of day 3.
    assert examples.labels.tolist() == [True, False, False, True, False]
    assert examples.inputs.user_offsets()[1].tolist() == [0, 2, 3, 6, 8, 9]
    assert (
        examples.inputs.events["timestamp"] <= examples.cuts[examples.inputs.events["user"]]
    ).all()
    shown = "<LabelExamples: 5 examples of 3 users at 2 cuts, 40.0% true>"
    assert repr(examples) == shown
    short = build_label_examples(log, at(6), days=1, input_days=2)
    assert short.users.tolist() == [2, 3] and short.labels.tolist() == [True, False]


def test_counts_by_hand():
    log = make_log([(1, 7, 0, "view"), (1, 8, 2, "buy"), (1, 8, 4, "buy"), (2, 7, 9, "view")])
    counts = np.expm1(build_label_examples(log, at(3), days=6).counts("action")).round(6)
    assert counts.loc[0].to_dict() == {
        "log_events": 2, "log_days_since_last": 1, "log_days_known": 3, "log_buy": 1, "log_view": 1
    }  # fmt: skip


def test_nothing_after_the_cut_changes_a_feature():
    log = random_log()
    frame = log.events.copy()
    later = frame["timestamp"] > at(30)
    frame.loc[later, "item"] = 100
    frame.loc[later, "action"] = frame.loc[later, "action"].map({"v": "b", "b": "v"})
    changed = Interactions(frame, "timed")
    vocabulary = Vocabulary(np.arange(9))
    found = []
    for each in (log, changed):
        examples = build_label_examples(each, at(30), days=7, value="b")
        histories = examples.histories(vocabulary)
        found.append(
            (examples.counts("action"), histories.items, histories.offsets, examples.labels)
        )
    for before, after in zip(found[0][:3], found[1][:3], strict=True):
        np.testing.assert_array_equal(before, after)
    assert (found[0][3] != found[1][3]).any()


def test_counts_beat_the_majority_on_later_cuts():
    log = random_log(users=200)
    train = build_label_examples(log, [at(20), at(27), at(34)], days=4, value="b")
    test = build_label_examples(log, [at(45), at(52)], days=4, value="b")
    classifier = LabelClassifier().fit(train.counts("action"), train.labels)
    scores = score_labels(classifier.predict(test.counts("action")), test.labels)
    majority = score_labels(np.full(len(test), train.labels.mean()), test.labels)
    assert majority.auc == 0.5 and scores.auc > 0.75
    assert scores.log_loss < majority.log_loss - 0.1 and scores.brier < majority.brier
    assert scores.calibration_error < 0.12
    fitted = classifier.predict(train.counts("action"))
    assert fitted.mean() == pytest.approx(train.labels.mean(), abs=1e-4)


def test_states_of_an_encoder_are_features():
    log = random_log()
    examples = build_label_examples(log, at(30), days=7, value="b")
    histories = examples.histories(Vocabulary(np.arange(9)))
    model = rm.SASRec(9, max_length=10, width=4, num_blocks=1)
    states = model.query_vectors({"item_ids": histories.last(np.arange(len(histories)), 10)})
    chances = LabelClassifier().fit(states, examples.labels).predict(states)
    assert chances.shape == (len(examples),) and 0 < chances.min() and chances.max() < 1


def test_measures_by_hand():
    scores = score_labels([0.8, 0.4, 0.6], [True, True, False])
    assert scores.auc == 0.5
    assert scores.log_loss == pytest.approx(-np.log([0.8, 0.4, 0.4]).mean())
    assert scores.brier == pytest.approx((0.04 + 0.36 + 0.36) / 3)
    assert scores.calibration_error == pytest.approx((0.2 + 0.6 + 0.6) / 3)
    assert (scores.count, scores.positive_share) == (3, pytest.approx(2 / 3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": "gift"}, "`value` must be one that `action` has"),
        ({"column": "kind"}, "`column` must be a column of the events"),
        ({"days": 0}, "`days` must be greater than 0"),
        ({"days": 40}, "`cuts` must leave `days` until the end of the log"),
        ({"cuts": []}, "`cuts` must hold at least one moment"),
        ({"cuts": at(-5)}, "`cuts` must have events before them"),
        ({"cuts": "soon"}, "`cuts` must be UTC seconds or a date"),
    ],
)
def test_bad_questions_are_refused(change, message):
    arguments = {"cuts": at(30), "days": 7, "value": "b", **change}
    with pytest.raises(ValueError, match=f"{message}.*Received"):
        build_label_examples(random_log(4), **arguments)


def test_a_log_without_times_is_refused():
    log = Interactions(pd.DataFrame({"user": [1], "item": [2], "action": ["b"]}), "ordered")
    with pytest.raises(ValueError, match="needs a source that is timed"):
        build_label_examples(log, at(3), days=2)


def test_one_class_and_impossible_numbers_are_refused():
    with pytest.raises(ValueError, match="`labels` must have both classes"):
        score_labels([0.5, 0.5], [True, True])
    with pytest.raises(ValueError, match="`labels` must have both classes"):
        LabelClassifier().fit(np.ones((2, 1)), [False, False])
    with pytest.raises(ValueError, match="`probabilities` must be one number from 0 to 1"):
        score_labels([1.5, 0.5], [True, False])
    with pytest.raises(ValueError, match="`features` must be finite"):
        LabelClassifier().fit([[np.nan], [1.0]], [True, False])
