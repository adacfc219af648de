import json

import pandas as pd
import pytest

from recmodels.experiments.entry import Experiment
from recmodels.experiments.halving import experiment_of, halve, shortened
from recmodels.experiments.tournament import Candidate
from recmodels.models.families import FAMILIES
from recmodels.plots import cost_and_score

SCORES = {"gru4rec": 0.1, "hstu": 0.4, "lrurec": 0.2, "sasrec": 0.3}


class Trainings:
    """Trainings of 10 seconds per epoch that note what was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, family, epochs):
        self.asked.append((family, epochs))
        failed = family == "bsarec"
        return Candidate(family, None if failed else family, {"epochs": epochs}, 10.0 * epochs)


def run(families, epochs, seconds=None):
    train = Trainings()
    found = halve(families, epochs, train, lambda c: SCORES[c.family], seconds)
    return train.asked, found


def test_the_better_half_is_trained_twice_as_long():
    asked, (chosen, others) = run(tuple(SCORES), 16)
    first = [(name, 4) for name in SCORES]
    assert asked == [*first, ("hstu", 8), ("sasrec", 8)] and chosen == "hstu"
    longest = {c.family: c.options["epochs"] for c in others}
    assert longest == {"gru4rec": 4, "lrurec": 4, "sasrec": 8}


def test_one_family_needs_no_training_and_a_failed_one_is_never_chosen():
    assert run(("gru4rec",), 16) == ([], ("gru4rec", []))
    assert run(("bsarec", "gru4rec"), 16)[1][0] == "gru4rec"
    assert run(("gru4rec", "hstu", "lrurec"), 1)[0][:3] == [
        ("gru4rec", 1), ("hstu", 1), ("lrurec", 1)
    ]  # fmt: skip


def test_no_training_begins_when_the_budget_is_used_up():
    asked, (chosen, _) = run(tuple(SCORES), 16, seconds=70)
    assert asked == [("gru4rec", 4), ("hstu", 4)] and chosen == "hstu"
    assert run(tuple(SCORES), 16, seconds=0) == ([], ("gru4rec", []))


def test_every_family_is_built_with_those_options_that_it_has():
    options = {"max_length": 9, "width": 4, "num_heads": 2, "hidden_width": 8, "dropout": 0.3}
    experiment = Experiment("own", "own", "sasrec", options=options)
    for family in FAMILIES:
        found = experiment_of(family, experiment)
        model = FAMILIES[family].build(5, **found.options)
        assert found.model == family and model.get_config()["dropout"] == 0.3
        assert model.max_length == 9 and ("num_heads" in found.options) == hasattr(
            model, "num_heads"
        )


def test_a_shorter_training_warms_up_and_averages_over_the_same_share():
    full = {"epochs": 20, "warmup": 100, "average": 0.999, "batch_size": 3, "patience": 4}
    expected = {"epochs": 5, "warmup": 25, "average": 0.996, "batch_size": 3, "patience": None}
    assert shortened(full, 5) == pytest.approx({**expected, "validate_every": 5})


def test_costs_and_scores_are_drawn_with_names():
    table = pd.DataFrame({"seconds": [0.0, 60.0], "NDCG@10": [0.1, 0.2]}, ["EASE", "HSTU"])
    ax = cost_and_score(table)
    assert ax.get_xscale() == "log" and ax.get_ylabel() == "NDCG@10"
    assert [text.get_text() for text in ax.texts] == ["EASE", "HSTU"]
    assert json.dumps(ax.lines[0].get_xdata().tolist()) == "[0.01, 60.0]"
    with pytest.raises(ValueError, match="`table` must have two columns"):
        cost_and_score(table[["seconds"]])
