"""The families of encoders in equal conditions: settings, searches and their table."""

import json

import pytest

from recmodels.data.registry import load
from recmodels.experiments.catalogue import EXPERIMENTS
from recmodels.experiments.entry import with_options
from recmodels.experiments.families_catalogue import (
    BEAUTY,
    OWN_ON_SHOP,
    SEARCHED_SETTINGS,
    SHOP,
    SHOP_TRAINING,
)
from recmodels.experiments.family_table import (
    FAMILIES_COMPARED,
    SEARCHED,
    family_table,
    search_of,
)
from recmodels.experiments.results import RESULTS
from recmodels.experiments.run import split_log
from recmodels.experiments.train_once import prepare_experiment
from recmodels.models.families import FAMILIES
from recmodels.models.recipe import recipe_for


@pytest.mark.parametrize("sasrec", FAMILIES_COMPARED)
def test_families_have_the_data_split_filter_and_training_of_sasrec(sasrec):
    for other in FAMILIES_COMPARED[sasrec]:  # Those with the settings of a search too.
        for name in ("dataset", "protocol", "filter_seen"):
            assert getattr(EXPERIMENTS[other], name) == getattr(EXPERIMENTS[sasrec], name), other
    others = [name for name in FAMILIES_COMPARED[sasrec] if not name.endswith("-searched")]
    entries = [EXPERIMENTS[name] for name in others]
    wider = sasrec.startswith("ml-1m")  # Its width was chosen on validation cases.
    shared = ("max_length",) if wider else ("max_length", "width", "dropout")
    for name in shared:
        assert len({entry.options[name] for entry in entries}) == 1
    for entry in entries:
        # A masked model has more epochs and fills in items without a choice of the loss.
        ignored = {"loss", "mask_share", "last_share"}
        ignored |= {"epochs", "validate_every"} if entry.model == "bert4rec" else set()
        for name in set(entry.fit) - ignored:
            assert entry.fit[name] == entries[0].fit[name], (entry.name, name)


def test_the_recipe_chooses_the_settings_of_the_shop():
    sasrec = EXPERIMENTS["shop-recipe"]
    data = prepare_experiment(sasrec, split_log(load("shop"), sasrec.protocol, 0))
    recipe = recipe_for(data)
    assert recipe.training == SHOP_TRAINING
    assert SHOP.items() <= recipe.model.items()
    for family, own in OWN_ON_SHOP.items():
        assert own.items() <= recipe.model.items(), family


def test_every_family_has_a_row_on_the_shop():
    assert {*OWN_ON_SHOP, "sasrec", "gpt"} == set(FAMILIES)  # GPT is SASRec with other settings.


def test_the_searched_entry_has_the_settings_of_the_recipe():
    assert SEARCHED == {"beauty-recipe": "beauty-sasrec"}
    assert BEAUTY.items() <= EXPERIMENTS["beauty-sasrec"].options.items()


@pytest.mark.parametrize("family", SEARCHED_SETTINGS)
def test_a_searched_entry_has_the_best_settings_of_its_search(family):
    stored = json.loads((RESULTS / "tuning" / f"beauty-{family}.json").read_text("utf-8"))
    found = with_options(EXPERIMENTS[f"beauty-{family}"], stored["best"]["options"])
    searched = EXPERIMENTS[f"beauty-{family}-searched"]
    assert (searched.options, searched.fit) == (found.options, found.fit)


def test_a_search_is_summed_over_its_trials(tmp_path):
    trials = [{"ndcg@10": 0.25, "seconds": 1800.0}, {"ndcg@10": 0.5, "seconds": 900.0}]
    stored = {"measure": "validation ndcg@10", "trials": trials, "best": trials[1]}
    (tmp_path / "tuning").mkdir()
    (tmp_path / "tuning" / "beauty-sasrec.json").write_text(json.dumps(stored))
    expected = {"trials": 2, "best": 0.5, "hours": 0.75}
    assert search_of("beauty-recipe", tmp_path) == expected
    assert search_of("beauty-hstu", tmp_path) is None


def test_the_best_family_comes_first_and_hours_are_added():
    def row(name, value, **changes):
        metrics = {m: {"mean": value, "low": 0.1, "high": 0.9} for m in ("ndcg@10", "hr@10")}
        kept = {"search": None, "against_sasrec": None, "validation": value + 0.05}
        return {
            "experiment": name, "slice": "all", "metrics": metrics, "dataset": "beauty",
            "seeds": [0], "epoch_seconds": 2.5, **kept, **changes,
        }  # fmt: skip

    gap = {"difference": 0.25, "low": 0.125, "high": 0.5, "p_holm": 0.04}
    search = {"trials": 6, "best": 0.625, "hours": 0.75}
    rows = [
        row("beauty-recipe", 0.5, search=search),
        row("beauty-hstu", 0.75, against_sasrec=gap, search=search),
        row("not a family", 0.9),
        {**row("beauty-recipe", 0.1), "slice": "rare"},
    ]
    *lines, empty, hours = family_table(rows).splitlines()
    first, second = ([cell.strip() for cell in line.split("|")[2:-1]] for line in lines[2:])
    assert first == [
        *("beauty-hstu", "0.7500 (0.1000 to 0.9000)", "0.7500"),
        *("0.2500 (0.1250 to 0.5000), 0.0400", "0.8000", "0.6250", "0.75", "2.5", "1"),
    ]
    assert second[0] == "beauty-recipe" and second[3] == "-"
    assert empty == "" and hours == "All searches together took 1.5 hours, each on one core."
