from recmodels.experiments.entry import Experiment
from recmodels.experiments.halving import experiment_of, halve
from recmodels.experiments.tournament import Candidate
from recmodels.models.families import FAMILIES

SCORES = {"gru4rec": 0.1, "hstu": 0.4, "lrurec": 0.2, "sasrec": 0.3}


class Trainings:
    """Trainings that note what was asked for; BSARec fails."""

    def __init__(self):
        self.asked = []

    def __call__(self, family, epochs, seconds):
        self.asked.append((family, epochs, seconds))
        return Candidate(family, None if family == "bsarec" else family, {"epochs": epochs})


def run(families, epochs, seconds=None):
    train = Trainings()
    chosen, trained = halve(families, epochs, train, lambda c: SCORES[c.family], seconds)
    return train.asked, chosen, trained


def test_the_better_half_is_trained_twice_as_long():
    asked, chosen, trained = run(tuple(SCORES), 18)
    first = [(name, 4, None) for name in SCORES]
    assert asked == [*first, ("hstu", 9, None), ("sasrec", 9, None)] and chosen == "hstu"
    epochs = {name: [c.options["epochs"] for c in each] for name, each in trained.items()}
    assert epochs == {"gru4rec": [4], "hstu": [4, 9], "lrurec": [4], "sasrec": [4, 9]}


def test_one_family_needs_no_training_and_a_failed_one_is_dropped():
    assert run(("gru4rec",), 16) == ([], "gru4rec", {"gru4rec": []})
    assert run(("bsarec", "gru4rec"), 16)[1] == "gru4rec"
    assert [epochs for _, epochs, _ in run(("gru4rec", "hstu", "lrurec"), 1)[0]] == [1] * 5


def test_each_rung_has_an_equal_part_of_the_budget_and_in_it_each_family():
    asked, _, _ = run(("gru4rec", "hstu", "lrurec"), 16, seconds=60)
    assert [seconds for _, _, seconds in asked] == [10, 10, 10, 15, 15]


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
