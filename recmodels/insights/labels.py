"""Will a user do something within some days? Examples, a classifier and its measures."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.times import SECONDS_PER_DAY, moment_seconds
from recmodels.extras import import_extra
from recmodels.features.histories import Histories, build_histories
from recmodels.features.schema import Schema
from recmodels.features.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False, repr=False)
class LabelExamples:
    """What is known of users at some moments, and what they did within the days that followed.

    Args:
        inputs: the events that may be read, in the second of the cut at the latest. Each example
            is a user of its own here, whose id is its row, 0..E - 1.
        users: raw user id of each example, (E,).
        cuts: UTC second that divides inputs from labels, int64 (E,).
        labels: whether the user did what is asked within the label window, bool (E,).
    """

    inputs: Interactions
    users: np.ndarray
    cuts: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        users, cuts = (len(np.unique(values)) for values in (self.users, self.cuts))
        return (
            f"<LabelExamples: {len(self):,} examples of {users:,} users at {cuts:,} cuts, "
            f"{self.labels.mean():.1%} true>"
        )

    def histories(
        self, vocabulary: Vocabulary, columns: tuple[str, ...] = (), schema: Schema | None = None
    ) -> Histories:
        """The input events as models read them, in the order of the examples."""
        rows = np.arange(len(self))
        return build_histories(self.inputs, vocabulary, rows, columns, schema)

    def counts(self, column: str | None = None) -> pd.DataFrame:
        """Features that only count, the floor of every model.

        Args:
            column: of the events, such as `"action"`; its values are counted apart.

        Returns:
            One row per example: `log_events`, `log_days_since_last`, `log_days_known`, and
            `log_<value>` for each value of the column, natural logarithms of 1 + number.
        """
        events = self.inputs.events
        groups = events.groupby("user")["timestamp"]
        found = pd.DataFrame({"events": groups.size()})
        found["days_since_last"] = (self.cuts - groups.max()) / SECONDS_PER_DAY
        found["days_known"] = (self.cuts - groups.min()) / SECONDS_PER_DAY
        if column is not None:
            must = "`column` must be a column of the events"
            require(column in events, must, column=column, columns=list(events))
            apart = pd.crosstab(events["user"], events[column].astype(str))
            found = found.join(apart)
        return np.log1p(found).add_prefix("log_")


def build_label_examples(
    log: Interactions,
    cuts,
    days: float,
    *,
    column: str = "action",
    value: object = "buy",
    input_days: float | None = None,
) -> LabelExamples:
    """Examples for "will this user do this within N days?", at one or several moments.

    For each cut and each user with an event in the input window, one example. Inputs are the
    events with cut - input_days < time <= cut; the label says whether an event with the value has
    cut < time <= cut + days.

        time        1    2    3  |  4    5    6  |  7         cut 3, label window of 3
        inputs      a    b    c  |               |
        label                    |  d    e    f  |            true if d, e or f is a purchase

    Args:
        log: timed.
        cuts: moments as UTC seconds or dates such as `"2017-12-01"`, one or several.
        days: length of the label window. The log must reach to its end, or a purchase could be
            missing only because the log ends.
        column, value: what is asked: an event whose `column` is `value`.
        input_days: length of the input window; by default all events before the cut.

    Raises:
        ValueError: the log has no times, no such column or value, ends before a label window
            does, or nobody has an event before the cuts.

    Example:
        >>> examples = build_label_examples(log, ["2024-02-01", "2024-02-15"], days=7)
        >>> examples.labels.mean()
    """
    log.require("`build_label_examples`", ("timed",))
    require(days > 0, "`days` must be greater than 0", days=days)
    moments = [moment_seconds(cut, "cuts") for cut in np.atleast_1d(np.array(cuts, object))]
    require(moments, "`cuts` must hold at least one moment", cuts=cuts)
    _check_question(log, column, value)
    events, width = log.events, days * SECONDS_PER_DAY
    times = events["timestamp"].to_numpy()
    reach = max(moments) + width
    must = "`cuts` must leave `days` until the end of the log: choose earlier cuts or fewer days"
    require(
        reach <= times.max(),
        must,
        days_left=(times.max() - max(moments)) / SECONDS_PER_DAY,
        days=days,
    )
    hits = (events[column].astype(object) == value).to_numpy()
    users = events["user"].to_numpy()
    inputs, parts, count = [], [], 0
    for cut in moments:
        begin = -np.inf if input_days is None else cut - input_days * SECONDS_PER_DAY
        known = (times > begin) & (times <= cut)
        rows, who = pd.factorize(users[known])
        did = users[hits & (times > cut) & (times <= cut + width)]
        inputs.append(events[known].assign(user=rows + count))
        parts.append((who, np.full(len(who), cut), np.isin(who, did)))
        count += len(who)
    require(count, "`cuts` must have events before them", cuts=cuts, first_event=times.min())
    frame = pd.concat(inputs, ignore_index=True)
    found = Interactions(frame, "timed", log.name, log.items)
    return LabelExamples(found, *(np.concatenate(part) for part in zip(*parts, strict=True)))


def _check_question(log: Interactions, column: str, value: object) -> None:
    columns = list(log.events)
    require(
        column in columns, "`column` must be a column of the events", column=column, is_in=columns
    )
    there = log.events[column].astype(object).unique().tolist()
    must = f"`value` must be one that `{column}` has: {there[:20]}"
    require(value in there, must, value=value)


@dataclass(frozen=True, eq=False)
class LabelScores:
    """How good probabilities of a yes-or-no label are.

    Args:
        auc: probability that a true example has a higher one than a false example.
        log_loss: mean of -log of the probability given to what happened, in nats.
        brier: mean squared difference between probability and label.
        calibration_error: expected calibration error over ten groups of equal size.
        count: examples.
        positive_share: of them.
    """

    auc: float
    log_loss: float
    brier: float
    calibration_error: float
    count: int
    positive_share: float


def score_labels(probabilities, labels) -> LabelScores:
    """Measure probabilities against labels.

    Args:
        probabilities: of true, from 0 to 1, (E,).
        labels: bool, (E,).

    Raises:
        ValueError: there is one class only, so that AUC is not defined, or a probability is not
            between 0 and 1.

    Example:
        >>> score_labels([0.9, 0.2, 0.6], [True, False, False]).auc
        1.0
    """
    chances, labels = np.asarray(probabilities, np.float64), np.asarray(labels, bool)
    must = "`probabilities` must be one number from 0 to 1 per label"
    fits = chances.shape == labels.shape and ((chances >= 0) & (chances <= 1)).all()
    require(fits, must, shape=chances.shape, labels=labels.shape)
    _check_classes(labels)
    metrics = import_extra("sklearn.metrics", "insights")
    order = np.argsort(chances, kind="stable")
    groups = np.array_split(order, min(10, len(order)))
    gaps = [len(g) * abs(chances[g].mean() - labels[g].mean()) for g in groups]
    return LabelScores(
        auc=float(metrics.roc_auc_score(labels, chances)),
        log_loss=float(metrics.log_loss(labels, chances)),
        brier=float(np.mean((chances - labels) ** 2)),
        calibration_error=float(sum(gaps) / len(labels)),
        count=len(labels),
        positive_share=float(labels.mean()),
    )


def _check_classes(labels: np.ndarray) -> None:
    must = "`labels` must have both classes: choose other cuts, more days or another value"
    require(labels.any() and not labels.all(), must, true=int(labels.sum()), count=len(labels))


class LabelClassifier:
    """Logistic regression on standardised features, with a ridge penalty.

    Its probabilities are those of a maximum likelihood fit: on the examples that it was fitted to
    their mean is the share of true labels, and no further calibration is needed as long as the
    penalty is weak.

    Args:
        penalty: C of scikit-learn, the inverse strength of the ridge penalty.

    Example:
        >>> classifier = LabelClassifier().fit(model.query_vectors(queries), examples.labels)
        >>> score_labels(classifier.predict(model.query_vectors(later)), later_examples.labels)
    """

    def __init__(self, penalty: float = 1.0) -> None:
        require(penalty > 0, "`penalty` must be greater than 0", penalty=penalty)
        self.penalty = penalty

    def fit(self, features, labels) -> "LabelClassifier":
        """Learn from features, float (E, F), and labels, bool (E,).

        Raises:
            ValueError: there is one class only, or a feature is not finite.
        """
        features, labels = _check_features(features), np.asarray(labels, bool)
        _check_classes(labels)
        linear = import_extra("sklearn.linear_model", "insights")
        scaler = import_extra("sklearn.preprocessing", "insights").StandardScaler()
        regression = linear.LogisticRegression(C=self.penalty, max_iter=2_000)
        self.scaler = scaler.fit(features)
        self.regression = regression.fit(self.scaler.transform(features), labels)
        return self

    def predict(self, features) -> np.ndarray:
        """Probability of true, float64 (E,)."""
        features = self.scaler.transform(_check_features(features))
        return self.regression.predict_proba(features)[:, 1]


def _check_features(features) -> np.ndarray:
    features = np.asarray(features, np.float64)
    must = "`features` must be finite numbers, one row per example"
    require(features.ndim == 2 and np.isfinite(features).all(), must, shape=features.shape)
    return features
