"""Bundles: whole or not at all, and the same lists in another process."""

import errno
import itertools
import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest

from recmodels.data import atomic_dir
from recmodels.data.files import HOST
from recmodels.features.histories import Histories
from recmodels.features.vocabulary import Vocabulary
from recmodels.models.baseline import Baseline
from recmodels.models.bpr_mf import BPRMF
from recmodels.models.content import Content
from recmodels.models.ease import EASE
from recmodels.models.hybrid import Hybrid
from recmodels.models.implicit_als import ImplicitALS
from recmodels.models.item_knn import ItemKNN
from recmodels.models.item_vectors import GloVe, Item2Vec
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular, RecentPopular
from recmodels.models.random_order import RandomOrder
from recmodels.models.repeat_last import RepeatLast
from recmodels.models.sasrec import SASRec
from recmodels.models.transition import Transitions
from recmodels.models.user_item_bias import UserItemBias
from recmodels.models.user_knn import UserKNN
from recmodels.recommend import (
    AtMost,
    Diverse,
    OnePerFamily,
    Recommender,
    load_bundle,
    save_bundle,
)

RAW_IDS = ["茶", "cup", "pot", "milk", "007"]
QUERIES = {"item_ids": np.array([[0, 2, 3], [0, 0, 0]], np.int32), "user_ids": np.array([-1, -1])}


def train() -> Histories:
    items = np.array([1, 2, 3, 2, 3, 4, 2, 5], np.int32)
    times = np.arange(8) * 86_400
    columns = {"timestamp": times, "value": np.array([5, 3, 4, 1, 2, 5, 4, 4.0])}
    return Histories(np.array([1, 2, 3]), items, np.array([0, 3, 6, 8]), columns)


def write(folder, model=None, **parts):
    model = model or MostPopular().fit(train(), 5)
    return save_bundle(folder, model, Vocabulary(RAW_IDS), filter_seen=False, **parts)


def run_python(code: str, *arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(
    "model",
    [
        BPRMF(width=2, epochs=1),
        GloVe(width=2, epochs=1),
        Item2Vec(width=2, epochs=1),
        Content(["tea", "cup", "tea pot", "milk", "milk cup"]),
        EASE(1.0),
        ImplicitALS(2, epochs=2),
        ItemKNN(),
        Markov(),
        MostPopular(),
        RandomOrder(3),
        RecentPopular(),
        RepeatLast(),
        Transitions(),
        UserItemBias(),
        UserKNN(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_every_baseline_comes_back_equal(tmp_path, model):
    model.fit(train(), 5)
    loaded = load_bundle(write(tmp_path / "bundle", model)).model
    assert type(loaded) is type(model) and vars(loaded).keys() == vars(model).keys()
    np.testing.assert_array_equal(loaded.score(QUERIES), model.score(QUERIES))


@pytest.mark.parametrize("scaling", ["spread", "rank"])
def test_a_hybrid_comes_back_equal(tmp_path, scaling):
    sasrec = SASRec(5, max_length=3, width=4, num_blocks=1)
    sasrec.build()
    hybrid = Hybrid([sasrec, Markov(), EASE(1.0)], [1.0, 0.5, 2], scaling).fit(train(), 5)
    loaded = load_bundle(write(tmp_path / "bundle", hybrid)).model
    assert [type(part) for part in loaded.scorers] == [SASRec, Markov, EASE]
    assert (loaded.weights, loaded.scaling) == ([1.0, 0.5, 2.0], scaling)
    np.testing.assert_allclose(loaded.score(QUERIES), hybrid.score(QUERIES), rtol=1e-6)
    shown = Recommender.load(tmp_path / "bundle").recommend(["cup", "pot"], k=2)
    assert len(shown.items) == 2


def test_everything_comes_back(tmp_path):
    items = pd.DataFrame({"title": ["Tea", "杯"], "price": [2, 3]}, index=["茶", "cup"])
    config = {"experiment": "shop", "seeds": [np.int64(0)]}
    write(
        tmp_path / "b", items=items, config=config, metrics={"ndcg@10": np.float32(0.5)}, name="P"
    )
    bundle = load_bundle(tmp_path / "b")
    assert bundle.vocabulary.raw_ids.tolist() == RAW_IDS
    assert bundle.config == {"experiment": "shop", "seeds": [0]}
    assert bundle.metrics == {"ndcg@10": 0.5}
    assert bundle.items["title"].to_dict() == {"茶": "Tea", "cup": "杯"}
    assert (bundle.name, bundle.filter_seen, bundle.fallback) == ("P", False, None)
    assert bundle.libraries["numpy"] == np.__version__


def test_users_rules_and_vectors_come_back(tmp_path):
    items = pd.DataFrame({"title": ["Tea"] * 5, "category": list("aabbc")}, index=RAW_IDS)
    vectors = np.arange(10, dtype=np.float32).reshape(5, 2)
    rules = [OnePerFamily(), AtMost(2), Diverse(0.25, 7)]
    subject = Recommender(
        RepeatLast().fit(train(), 5), Vocabulary(RAW_IDS), items=items, filter_seen=False,
        histories=train(), rules=rules, item_vectors=vectors,
    )  # fmt: skip
    loaded = Recommender.load(subject.save(tmp_path / "b"))
    assert loaded.rules == tuple(rules)
    np.testing.assert_array_equal(loaded.item_vectors, vectors)
    for name in ("users", "items", "offsets"):
        np.testing.assert_array_equal(
            getattr(loaded.histories, name), getattr(train(), name), strict=True
        )
    lists = [each.recommend(user=2, k=1, rules=()).items for each in (subject, loaded)]
    assert lists == [["milk"], ["milk"]]


@pytest.mark.parametrize("users", [["茶", "b", ""], [3, 2**60, 5]])
def test_types_of_users_survive(tmp_path, users):
    histories = Histories(np.array(users), train().items, train().offsets, {})
    folder = write(tmp_path / "b", histories=histories)
    assert load_bundle(folder).histories.users.tolist() == users


def test_the_bundle_has_the_item_vectors_of_the_model(tmp_path):
    from recmodels.models.sasrec import SASRec

    model = SASRec(5, max_length=4, width=4, num_blocks=1)
    model.build(None)
    folder = write(tmp_path / "b", model)
    np.testing.assert_array_equal(
        np.load(folder / "item_vectors.npy"), model.item_embedding.catalogue()
    )
    assert load_bundle(folder).item_vectors is None  # The model has them.


@pytest.mark.parametrize("dtype", ["int64", "int32", "str"])
def test_types_of_ids_survive(tmp_path, dtype):
    raw_ids = np.array([30, 10, 20, 50, 40]).astype(dtype)
    save_bundle(
        tmp_path / "b", MostPopular().fit(train(), 5), Vocabulary(raw_ids), filter_seen=True
    )
    loaded = load_bundle(tmp_path / "b").vocabulary
    assert loaded.raw_ids.tolist() == raw_ids.tolist()
    assert loaded.raw_ids.dtype == Vocabulary(raw_ids).raw_ids.dtype


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A bundle, the lists of a process that loaded it and was killed while it wrote another one."""
    from recmodels.models.sasrec import SASRec

    folder = tmp_path_factory.mktemp("killed") / "bundle"
    model = SASRec(5, max_length=4, width=4, num_blocks=1)
    model.build(None)
    items = pd.DataFrame({"title": ["Tea"]}, index=["茶"])
    vocabulary, fallback = Vocabulary(RAW_IDS), MostPopular().fit(train(), 5)
    subject = Recommender(
        model, vocabulary, items=items, fallback=fallback, name="mine", rules=[Diverse(0.5)]
    )
    subject.save(folder, config={"seed": 0}, metrics={"hr@10": 0.1})
    histories = [["cup", "007"], [], ["茶"] * 9]
    expected = [answer.to_dict() for answer in subject.recommend_many(histories, k=3)]
    code = (
        "import json, os, sys\n"
        "from recmodels.data import atomic_dir\n"
        "from recmodels.recommend import Recommender\n"
        "loaded = Recommender.load(sys.argv[1])\n"
        "lists = loaded.recommend_many(json.loads(sys.argv[2]), k=3)\n"
        "print(json.dumps([answer.to_dict() for answer in lists]), flush=True)\n"
        "atomic_dir.checksums = lambda folder: os._exit(9)\n"
        "loaded.save(sys.argv[1], metrics={'hr@10': 0.2})"
    )
    return folder, run_python(code, folder, json.dumps(histories)), expected


@pytest.mark.slow  # It imports Keras in another process.
def test_fresh_process_gives_equal_lists(killed):
    _, fresh, expected = killed
    assert json.loads(fresh.stdout) == expected, fresh.stderr
    assert expected[1]["source"] == "MostPopular" and expected[0]["source"] == "mine"


def test_no_file_holds_a_pickle(tmp_path):
    folder = write(tmp_path / "bundle", EASE(1.0).fit(train(), 5))
    assert {path.suffix for path in folder.iterdir()} == {".json", ".parquet", ".npz"}
    with np.load(folder / "model.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)


def test_saving_again_replaces_the_bundle_and_leaves_no_other_file(tmp_path):
    items = pd.DataFrame({"title": ["Tea"]}, index=["茶"])
    write(tmp_path / "bundle", items=items, metrics={"hr@10": 0.1})
    write(tmp_path / "bundle", metrics={"hr@10": 0.2})
    loaded = load_bundle(tmp_path / "bundle")
    assert loaded.metrics == {"hr@10": 0.2} and loaded.items is None
    assert os.listdir(tmp_path) == ["bundle"]


def test_never_deletes_what_is_no_bundle(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(
        ValueError, match="must be new, empty, or written by this command.*thesis.txt"
    ):
        write(tmp_path)
    with pytest.raises(ValueError, match="no folder but a file"):
        write(tmp_path / "thesis.txt")
    folder = write(tmp_path / "bundle")
    (folder / "notes.md").write_text("mine")
    with pytest.raises(ValueError, match="notes.md"):
        write(folder)
    assert (folder / "notes.md").exists() and (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize("step", ["numpy.savez", "pandas.DataFrame.to_parquet", "json.dumps"])
def test_full_disk_leaves_the_old_bundle_and_no_temporary_files(tmp_path, monkeypatch, step):
    write(tmp_path / "bundle", metrics={"hr@10": 0.1})

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(step, full)
        with pytest.raises(OSError, match="could not be written .No space.*Free some") as caught:
            write(tmp_path / "bundle", metrics={"hr@10": 0.2})
    assert caught.value.errno == errno.ENOSPC
    assert load_bundle(tmp_path / "bundle").metrics == {"hr@10": 0.1}
    assert os.listdir(tmp_path) == ["bundle"]


def test_kill_while_writing_leaves_the_old_bundle(killed):
    folder, process, _ = killed
    assert process.returncode == 9, process.stderr
    assert load_bundle(folder).metrics == {"hr@10": 0.1}
    assert len(list(folder.parent.glob(".bundle.*.unfinished"))) == 1
    write(folder)
    assert os.listdir(folder.parent) == ["bundle"]


@pytest.mark.parametrize("folder", ["bundle", "a [1] *.b"])
def test_files_of_running_processes_are_not_removed(tmp_path, folder):
    write(tmp_path / folder)
    living = [tmp_path / f".{folder}.{HOST}.{os.getpid()}.00000000.unfinished"]
    living += [tmp_path / f".{folder}.another-machine.1.00000000.unfinished"]
    for path in living:
        path.mkdir()
    write(tmp_path / folder)
    assert all(path.exists() for path in living)
    os.utime(living[1], (time.time() - 100_000, time.time() - 100_000))
    write(tmp_path / folder)
    assert living[0].exists() and not living[1].exists()


@pytest.mark.parametrize("begin", [load_bundle, write])
def test_files_that_a_killed_process_was_writing_in_a_bundle_are_removed(tmp_path, begin):
    folder = write(tmp_path / "bundle")
    number = subprocess.Popen([sys.executable, "-c", ""])
    number.wait()
    dead, living = (
        folder / f".items.index.{HOST}.{process}.00000000.unfinished"
        for process in (number.pid, os.getpid())
    )
    dead.write_text("half an index")
    begin(folder)
    assert not dead.exists()
    living.write_text("half an index")
    with pytest.raises(ValueError, match="unfinished"):
        begin(folder)
    assert living.exists()


def test_of_several_previous_bundles_the_newest_is_read(tmp_path):
    """Their names are random, so that neither name nor order in the folder decides."""
    for age, name in ((300, "b"), (100, "c"), (200, "a")):
        left = write(tmp_path / f".bundle.{name}.previous", metrics={"age": age})
        os.utime(left, (time.time() - age, time.time() - age))
    assert load_bundle(tmp_path / "bundle").metrics == {"age": 100}


def test_kill_between_the_renames_loses_nothing(tmp_path):
    write(tmp_path / "bundle", metrics={"hr@10": 0.1})
    left = tmp_path / ".bundle.a.previous"
    (tmp_path / "bundle").rename(left)
    assert load_bundle(tmp_path / "bundle").metrics == {"hr@10": 0.1}
    write(tmp_path / "bundle", metrics={"hr@10": 0.2})
    assert load_bundle(tmp_path / "bundle").metrics == {"hr@10": 0.2}
    assert left.exists()  # Somebody may be reading it.
    os.utime(left, (time.time() - 7200, time.time() - 7200))
    write(tmp_path / "bundle", metrics={"hr@10": 0.2})
    assert os.listdir(tmp_path) == ["bundle"]


@pytest.mark.parametrize(
    "name", ["model.npz", "vocabulary.parquet", "metrics.json", "items.parquet"]
)
def test_missing_or_changed_file_is_named(tmp_path, name):
    items = pd.DataFrame({"title": ["Tea"]}, index=["茶"])
    folder = write(tmp_path / "bundle", items=items)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ValueError, match=f"damaged.*{name}': 'changed'"):
        load_bundle(folder)
    (folder / name).unlink()
    with pytest.raises(ValueError, match=f"damaged.*{name}': 'missing'"):
        load_bundle(folder)


def test_bundles_of_the_first_version_are_read(tmp_path):
    folder = write(tmp_path / "bundle")
    config = json.loads((folder / "config.json").read_text())
    del config["item_vectors"]
    (folder / "config.json").write_text(json.dumps(config | {"version": 1}))
    (folder / "rules.json").unlink()
    sums = atomic_dir.checksums(folder)
    (folder / "checksums.json").write_text(json.dumps(sums))
    bundle = load_bundle(folder)
    assert (bundle.rules, bundle.histories, bundle.item_vectors) == ((), None, None)


@pytest.mark.slow  # It imports Keras in another process.
def test_concurrent_saves_leave_one_complete_bundle(tmp_path):
    """Two threads and a process write, a thread reads: nobody fails, nothing is mixed."""
    write(tmp_path / "bundle", metrics={"n": -1}, config={"n": -1})
    code = "import sys, tests.test_bundle as t, pathlib\n" + (
        "for n in range(20): t.write(pathlib.Path(sys.argv[1]), metrics={'n': 9}, config={'n': 9})"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "bundle")]
    other = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    failures, turns = [], []

    def write_mine(number):
        write(tmp_path / "bundle", metrics={"n": number}, config={"n": number})
        turns.append(number)

    def read(number):
        bundle = load_bundle(tmp_path / "bundle")
        assert bundle.metrics["n"] == bundle.config["n"]

    def again_and_again(work, number):
        try:
            while other.poll() is None:
                work(number)
        except BaseException as error:
            failures.append(error)

    jobs = [(write_mine, 0), (write_mine, 1), (read, 0)]
    threads = [threading.Thread(target=again_and_again, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and other.wait() == 0, (failures, other.stderr.read())
    other.stderr.close()
    assert len(turns) > 2 and load_bundle(tmp_path / "bundle").metrics["n"] in (0, 1, 9)
    assert os.listdir(tmp_path) == ["bundle"]


def test_newer_version_is_named_before_anything_else(tmp_path):
    folder = write(tmp_path / "bundle")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"version": 3}))
    (folder / "model.npz").unlink()
    with pytest.raises(ValueError, match="another version.*newest recmodels.*version=3"):
        load_bundle(folder)


def test_what_is_no_bundle(tmp_path):
    with pytest.raises(FileNotFoundError, match="`folder` must be"):
        load_bundle(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="not a whole bundle.*config.json"):
        load_bundle(tmp_path)
    for text in ("{", "[]", "{}"):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(ValueError, match="not a whole bundle"):
            load_bundle(tmp_path)


def test_untrained_models_and_those_of_other_packages_are_refused(tmp_path):
    class Mine(Baseline):
        pass

    mine = Mine()
    mine.counts = np.array([0, 1])
    for model in (MostPopular(), mine, object()):
        with pytest.raises(ValueError, match="`model` must be a trained.*Received: "):
            write(tmp_path / "bundle", model)
    with pytest.raises(ValueError, match="must hold only what JSON can.*object"):
        write(tmp_path / "bundle", config={"thing": object()})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "values", [[1, "a", 2, 3, 4], [["a"], "b", "c", "d", "e"], [{}, 1, 2, 3, 4]]
)
def test_an_item_column_that_parquet_cannot_hold_is_named(tmp_path, values):
    items = pd.DataFrame({"fine": range(5), "mix": pd.Series(values, dtype=object)})
    with pytest.raises(ValueError, match="`items` must have .*column 'mix', with `astype.str.*Rec"):
        write(tmp_path / "bundle", items=items.set_index(pd.Index(RAW_IDS)))
    assert os.listdir(tmp_path) == []


def test_parts_that_could_not_be_read_again_are_refused(tmp_path):
    items, vectors = pd.DataFrame({"title": ["Tea"]}, index=[3]), np.ones((4, 2))
    model = MostPopular().fit(train(), 6)
    for parts, match in (
        ({"items": items}, "`items` has no item"),
        ({"item_vectors": vectors}, "`item_vectors` must be one finite vector per item"),
        ({"model": model}, "`model` and `vocabulary` must .*Received: model.num_items=6, 5"),
        ({"fallback": model}, "`model` and `vocabulary` must"),
        ({"metrics": {"ndcg@10": float("nan")}}, "must hold only what JSON can"),
    ):
        with pytest.raises(ValueError, match=match):
            write(tmp_path / "bundle", **parts)


def test_class_that_is_not_here_is_a_clear_error(tmp_path, monkeypatch):
    folder = write(tmp_path / "bundle")
    monkeypatch.delattr("recmodels.models.popularity.MostPopular")
    with pytest.raises(ValueError, match="cannot be turned into a MostPopular.*import the module"):
        load_bundle(folder)


def test_a_folder_that_comes_back_between_two_looks_is_there(tmp_path, monkeypatch):
    looks = []

    def nobody_is_at_it(folder, kind):
        looks.append(kind)
        if len(looks) == 3:
            write(tmp_path / "other")
            (tmp_path / "other").rename(folder)
        return []

    monkeypatch.setattr(atomic_dir, "_neighbours", nobody_is_at_it)
    assert atomic_dir.read_consistently(tmp_path / "bundle", lambda found: found.name) == "bundle"
    with pytest.raises(FileNotFoundError, match="must be the folder of a bundle"):
        atomic_dir.read_consistently(tmp_path / "none", lambda found: found.name)


def test_a_folder_between_two_renames_is_read_again(tmp_path, monkeypatch):
    """The folder is missing when a reading begins and ends, and there when it is looked for."""
    (tmp_path / "bundle").mkdir()
    stamps = itertools.chain([None, None], itertools.repeat((1, 1)))
    monkeypatch.setattr(atomic_dir, "_stamp", lambda path: next(stamps))
    outcomes = itertools.chain([ValueError("half of it is missing")], itertools.repeat("whole"))

    def read(folder):
        outcome = next(outcomes)
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    assert atomic_dir.read_consistently(tmp_path / "bundle", read) == "whole"
