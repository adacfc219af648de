"""Candidates are tuned on validation cases, and a failure is a row of its own."""

from dataclasses import replace

import numpy as np
import pytest
from harness import make_log, random_lists

from recmodels.data.splits import leave_one_out
from recmodels.evaluation.ranking import validation_score
from recmodels.evaluation.report import evaluate
from recmodels.experiments import tournament
from recmodels.experiments.entry import Experiment
from recmodels.experiments.tournament import (
    COUNTED,
    Candidate,
    Family,
    best_of,
    blend,
    check_families,
    predict_fit_seconds,
    train_neural,
    tune_counted,
)
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import prepare
from recmodels.models.hybrid import Hybrid
from recmodels.models.markov import Markov
from recmodels.training.curve import LearningCurve

RING = [[(start + step) % 12 + 1 for step in range(6)] for start in range(40)]
SMALL = Experiment("own", "own", "sasrec", options={"max_length": 4, "width": 4, "num_blocks": 1})


@pytest.fixture(scope="module")
def data():
    lists = random_lists(40, 8, 12) + RING
    return prepare(leave_one_out(make_log(lists)), protocol=Protocol(filter_seen=False))


@pytest.mark.parametrize("family", ["markov", "transitions", "item-knn"])
def test_tuning_finds_the_best_of_the_grid(data, family):
    found = tune_counted(family, data)
    grid = COUNTED[family]
    scores = []
    for fitted in tournament._product(grid.fitted):
        for scored in tournament._product(grid.scored):
            kind = tournament.MODELS[family]
            model = kind(**fitted, **scored).fit(data.train, data.num_items)
            scores.append(validation_score(model, data))
    assert found.score(data) == pytest.approx(max(scores)) and len(set(scores)) > 1
    assert found.test is None


def test_tuning_does_without_test_labels(data):
    hidden = replace(data, test=None)
    first, second = tune_counted("markov", data), tune_counted("markov", hidden)
    assert first.options == second.options


def test_options_chosen_before_are_not_searched_again(data, monkeypatch):
    scored = []
    monkeypatch.setattr(
        tournament, "validation_score", lambda model, data: scored.append(model) or 0.5
    )
    chosen = {"depth": 4, "decay": 0.8, "backoff": 1.0}
    found = tune_counted("transitions", data, chosen)
    assert found.options == chosen and len(scored) == 1
    tune_counted("transitions", data)
    assert len(scored) == 1 + 8


def test_tuning_ends_when_its_time_is_over(data):
    found = tune_counted("transitions", data, seconds=0.0)
    assert found.options == {"depth": 2, "decay": 0.5, "backoff": 1.0}


# Wall and processor seconds of the probe: other processes, or idle cores, make one too high.
@pytest.mark.parametrize(("wall", "used"), [(2.0, 5.0), (9.0, 2.0)])
def test_models_that_would_take_too_long_are_left_out(data, monkeypatch, wall, used):
    monkeypatch.setattr(tournament, "PROBED_ITEMS", 3)
    assert predict_fit_seconds("item-knn", data) > 0
    # 12 items instead of 3: EASE grows with the third power, 4 ** 3.
    clock = iter([0.0, 10.0, 10.0 + wall]).__next__
    monkeypatch.setattr(tournament.time, "perf_counter", clock)
    monkeypatch.setattr(tournament.time, "process_time", iter([0.0, used]).__next__)
    found = tune_counted("ease", data)
    assert found.model is None and found.validation is None
    assert found.note == (
        "fit takes too long", {"items": "12", "gib": "0.0", "minutes": f"{2 * 64 / 60:.0f}"},
    )  # fmt: skip


def test_ease_is_left_out_where_its_matrix_does_not_fit(data, monkeypatch):
    monkeypatch.setattr(tournament, "MAX_ITEMS", 11)
    assert tune_counted("ease", data).note[0] == "too many items for ease"
    assert tune_counted("item-knn", data).note is None


def test_the_highest_validation_score_is_chosen_and_the_simplest_of_equals(data):
    candidates = [tune_counted(family, data) for family in ("popularity", "markov")]
    candidates += [replace(candidates[1], family="other"), Candidate("ease", note=("failed", {}))]
    assert best_of(candidates, data) is candidates[1]


class ResourceExhaustedError(Exception):
    """Named as TensorFlow names it when memory is used up."""


@pytest.mark.parametrize("error", [FloatingPointError, MemoryError, ResourceExhaustedError])
def test_a_training_that_ends_in_an_error_is_a_failed_candidate(data, error):
    def diverge(model, data, **arguments):
        raise error("The loss is nan. Received: loss=nan")

    found = train_neural(SMALL, data, diverge)
    assert found.model is None and found.note == ("failed", {"reason": "The loss is nan."})


def test_an_error_of_the_program_is_not_taken_for_a_failed_training(data):
    def break_down(model, data, **arguments):
        raise TypeError("no such argument")

    with pytest.raises(TypeError, match="no such argument"):
        train_neural(SMALL, data, break_down)


@pytest.mark.usefixtures("eagerly")
def test_a_training_that_learns_nothing_is_reported(data):
    def train_nothing(model, data, **arguments):
        model.build()
        for variable in model.variables:
            variable.assign(0.0 * variable)
        return LearningCurve([{"epoch": 1, "loss": 1.0, "score": 0.0, "seconds": 1.0}])

    found = train_neural(SMALL, data, train_nothing)
    assert found.score(data) <= tune_counted("popularity", data).score(data)
    assert found.note == ("no better than popularity", {}) and not found.learned
    assert tune_counted("markov", data).learned and not Candidate("sasrec").learned


def test_partner_weight_and_scaling_of_a_blend_are_chosen_on_validation(data):
    good, useless = (tune_counted(family, data) for family in ("markov", "repeat-last"))
    weak = Candidate("sasrec", Markov(1e6).fit(data.train, data.num_items))
    found = blend([useless, good], weak, data)
    assert found.options["with"] == "markov" and found.options["weight"] == 2.0
    scores = {}
    for candidate in (good, useless):
        for scaling in tournament.BLEND_SCALINGS:
            for weight in tournament.BLEND_WEIGHTS:
                model = Hybrid([weak.model, candidate.model], [1.0, weight], scaling)
                scores[candidate.family, scaling, weight] = validation_score(model, data)
    best = max(scores, key=scores.get)
    assert (found.options["with"], found.options["scaling"], found.options["weight"]) == best
    assert found.validation.metrics == evaluate(found.model, data.validation).metrics
    assert [type(part).__name__ for part in found.model.scorers] == ["Markov", "Markov"]


def test_sampled_queries_are_some_of_them_in_order(data):
    some = data.validation.sample(10, seed=1)
    assert len(some) == len(some.histories) == 10
    rows = [list(data.validation.histories.users).index(user) for user in some.histories.users]
    assert rows == sorted(rows)
    np.testing.assert_array_equal(some.targets, data.validation.targets[rows])
    whole = evaluate(Markov().fit(data.train, data.num_items), data.validation)
    part = evaluate(Markov().fit(data.train, data.num_items), some)
    np.testing.assert_array_equal(part.per_user["rank"], whole.per_user["rank"].to_numpy()[rows])
    assert data.validation.sample(1000) is data.validation


def test_popularity_always_takes_part():
    assert check_families(["sasrec", "markov"]) == ("popularity", "markov", "sasrec")
    assert check_families(None) == tournament.FAMILIES
    with pytest.raises(
        ValueError, match="`families` must be some of .*Received: families=.*'bert'"
    ):
        check_families(["bert"])
    assert check_families(["hstu", "bert4rec"]) == ("popularity", "hstu", "bert4rec")


def test_every_counted_family_is_a_model_with_such_options():
    assert set(COUNTED) < set(tournament.MODELS)
    for name, family in COUNTED.items():
        assert isinstance(family, Family)
        options = [*tournament._product(family.fitted), *tournament._product(family.scored)]
        for given in options:
            tournament.MODELS[name](**given)
