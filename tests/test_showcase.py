"""One folder per data set, and no training that goes on from other data."""

import pytest
from harness import make_log, random_lists

from recmodels.data.splits import leave_one_out
from recmodels.experiments import showcase as module
from recmodels.experiments.entry import Experiment
from recmodels.experiments.showcase import SOURCE, run_folder
from recmodels.training.checkpoints import load_checkpoint

SMALL = Experiment(
    "own", "own", "sasrec", options={"max_length": 4, "width": 4, "num_blocks": 1},
    fit={"epochs": 1, "batch_size": 8},
)  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("sales.2023.csv", "sales.2023"),
        ("sales.2024.csv", "sales.2024"),
        ("sales.2024.csv.gz", "sales.2024"),
        ("here/log.parquet", "log"),
        ("parts.2023", "parts.2023"),
        ("shop", "shop"),
    ],
)
def test_a_folder_is_named_after_its_data_set(dataset, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts.2023").mkdir()
    assert run_folder(tmp_path / "runs", dataset) == tmp_path / "runs" / name


def take(folder, dataset):
    """What a run does first."""
    folder.mkdir(parents=True)
    (folder / SOURCE).write_text(module._source(str(dataset)))


def test_files_of_one_name_do_not_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = tmp_path / "runs"
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "x.csv").touch()
    take(run_folder(runs, "a/x.csv"), "a/x.csv")
    second = run_folder(runs, "b/x.csv")
    assert second.name.startswith("x-") and second == run_folder(runs, str(tmp_path / "b/x.csv"))
    take(second, "b/x.csv")
    assert run_folder(runs, "b/x.csv") == second
    assert run_folder(runs, "a/x.csv") == runs / "x"  # The first keeps its own.
    (tmp_path / "shop.csv").touch()
    take(run_folder(runs, "shop"), "shop")
    assert run_folder(runs, "shop.csv") != runs / "shop" == run_folder(runs, "shop")


def test_a_folder_of_unknown_origin_is_left_alone(tmp_path):
    (tmp_path / "x").mkdir()
    assert run_folder(tmp_path, "x.csv") != tmp_path / "x"


@pytest.mark.usefixtures("eagerly")
def test_changed_data_start_afresh_and_say_so(tmp_path, capsys):
    path = tmp_path / "checkpoint.npz"
    lists = random_lists(12, 5, 7)
    split, more = (leave_one_out(make_log(x)) for x in (lists, [*lists, lists[0]]))
    first = module._train(SMALL, 0, split, path)
    capsys.readouterr()
    again = module._train(SMALL, 0, split, path)
    assert again.curve.rows == first.curve.rows
    assert "afresh" not in capsys.readouterr().err
    grown = module._train(SMALL, 0, more, path)
    assert "Training starts afresh, because `checkpoint` holds another run" in (
        capsys.readouterr().err
    )
    assert grown.curve.rows[0]["loss"] != first.curve.rows[0]["loss"]
    assert load_checkpoint(path)[0]["rows"] == grown.curve.rows
