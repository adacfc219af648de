"""One folder per data set, and choices that a stopped run finds again."""

import json

import pytest

from recmodels.experiments.run_folder import SOURCE, Choices, run_folder, take_folder


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


def test_files_of_one_name_do_not_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = tmp_path / "runs"
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "x.csv").touch()
    take_folder(run_folder(runs, "a/x.csv"), "a/x.csv")
    second = run_folder(runs, "b/x.csv")
    assert second.name.startswith("x-") and second == run_folder(runs, str(tmp_path / "b/x.csv"))
    take_folder(second, "b/x.csv")
    assert run_folder(runs, "b/x.csv") == second
    assert run_folder(runs, "a/x.csv") == runs / "x"  # The first keeps its own.
    (tmp_path / "shop.csv").touch()
    take_folder(run_folder(runs, "shop"), "shop")
    assert run_folder(runs, "shop.csv") != runs / "shop" == run_folder(runs, "shop")


def test_a_folder_of_unknown_origin_is_left_alone(tmp_path):
    (tmp_path / "x").mkdir()
    assert run_folder(tmp_path, "x.csv") != tmp_path / "x"
    assert not (tmp_path / "x" / SOURCE).exists()


def test_choices_of_the_same_run_are_found_again(tmp_path):
    path = tmp_path / "choices.json"
    choices = Choices(path, "one")
    assert choices.get("ease") is None
    choices.keep("ease", {"decay": 0.5})
    choices.keep("cost", None)
    assert Choices(path, "one").get("ease") == {"decay": 0.5}
    assert Choices(path, "another").get("ease") is None


@pytest.mark.parametrize("content", ["", "[1]", "{", json.dumps({"ease": {}})])
def test_damaged_choices_are_ignored(tmp_path, content):
    path = tmp_path / "choices.json"
    path.write_text(content)
    assert Choices(path, "one").content == {"identity": "one"}
