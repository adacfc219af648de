import json

import numpy as np
import pandas as pd
import pytest

from recmodels.evaluation import evaluate, load_ranks, save_ranks, slice_means, slices
from recmodels.evaluation.ranking import UNRANKED
from recmodels.features.histories import Histories
from recmodels.features.sequences import Queries


class Fixed:
    max_length = 1

    def __init__(self, table):
        self.table = np.asarray(table, np.float32)
        self.next = 0

    def score(self, queries, items=None):
        rows = slice(self.next, self.next + len(queries["user_ids"]))
        self.next = rows.stop
        return self.table[rows]


def make_histories(rows):
    offsets = np.cumsum([0] + [len(row) for row in rows])
    flat = np.array([item for row in rows for item in row], np.int32)
    return Histories(np.arange(len(rows)), flat, offsets, {})


# Five items; training events of items 1..5: 4 2 1 0 1, and one unknown item (6).
TRAIN = make_histories([[1, 2, 1], [1, 3, 6], [1, 2, 5]])
# A newcomer (user row -1), and a target (4) that training never saw.
QUERIES = Queries(
    make_histories([[1, 2, 1], [1, 3, 6, 6], [1, 2, 5], [3]]),
    np.array([0, 1, 2, -1], np.int32),
    np.array([3, 2, 4, 1], np.int32),
    np.array([True, True, False, True]),
)
SCORES = [[0, 5, 4, 3, 2, 1]] * 4


def make_evaluation(**options):
    options = {"filter_seen": True, "train": TRAIN, "ks": (2, 1)} | options
    return evaluate(Fixed(SCORES), QUERIES, **options)


def test_per_user_table_by_hand():
    # Filtered: user 0 has 3 4 5 left, target 3 first. User 1 has 2 4 5, target 2 first. User 2
    # has the cold target 4. User 3 has 1 2 4 5, target 1 first.
    table = make_evaluation().per_user
    assert table["rank"].tolist() == [1, 1, UNRANKED, 1]
    assert table["history_length"].tolist() == [3, 4, 3, 1]
    assert table["target_popularity"].tolist() == [1, 2, 0, 4]
    assert table["cold_user"].tolist() == [False, False, False, True]
    assert table["cold_target"].tolist() == [False, False, True, False]
    assert table.index.name == "row"


def test_metrics_by_hand():
    # Lists of two: 3 4 | 2 4 | 3 4 | 1 2: items 1 2 3 4 shown; three users of four hit.
    evaluation = make_evaluation()
    assert evaluation.lists.tolist() == [[3, 4], [2, 4], [3, 4], [1, 2]]
    assert evaluation.metrics["hr@1"] == evaluation.metrics["ndcg@2"] == 3 / 4
    assert evaluation.metrics["precision@2"] == 3 / 8
    assert evaluation.metrics["coverage@2"] == 4 / 5
    assert evaluation.metrics["coverage@1"] == 3 / 5
    # The top 10 % of five items is one item, 1, on one place of eight.
    assert evaluation.metrics["popularity_share_10pct@2"] == 1 / 8
    assert not any(name.startswith("diversity") for name in evaluation.metrics)


def test_warm_metrics_leave_newcomers_out_and_keep_cold_targets_as_misses():
    evaluation = make_evaluation()
    assert evaluation.warm_metrics["hr@2"] == pytest.approx(2 / 3)
    assert (evaluation.cold_users, evaluation.cold_targets) == (1, 1)


def test_metrics_are_the_means_of_the_per_user_values():
    evaluation = make_evaluation(filter_seen=False)
    for name in ("ndcg@2", "mrr@1", "f1@2"):
        assert evaluation.values(name).mean() == pytest.approx(evaluation.metrics[name])


def test_the_filter_switch_is_recorded_and_matters():
    kept = make_evaluation(filter_seen=False)
    assert kept.filter_seen is False and make_evaluation().filter_seen is True
    assert kept.per_user["rank"].tolist() == [3, 2, UNRANKED, 1]
    assert "seen kept" in repr(kept)


def test_diversity_from_categories():
    # Distances in the lists 3 4 | 2 4 | 3 4 | 1 2: 1/2, 1, 1/2, 1.
    categories = ["a", "b", "b|c", "c", None]
    assert make_evaluation(item_categories=categories).metrics["diversity@2"] == 0.75
    column = pd.Series(categories)
    assert make_evaluation(item_categories=column).metrics["diversity@2"] == 0.75
    with pytest.raises(ValueError, match="`item_categories`.*Received: texts=2, items=5"):
        make_evaluation(item_categories=["a", "b"])


def test_lists_that_the_filter_emptied_do_not_stop_the_evaluation():
    queries = Queries(
        make_histories([[1, 2]]), np.zeros(1, np.int32), np.array([2], np.int32), np.array([True])
    )
    evaluation = evaluate(
        Fixed([[0, 1, 2]]), queries, filter_seen=True, train=make_histories([[1, 2]])
    )
    assert evaluation.metrics["hr@5"] == evaluation.metrics["coverage@5"] == 0
    assert evaluation.filtered_targets == 1 and "1 filtered targets" in repr(evaluation)
    assert "novelty@5" not in evaluation.metrics


def test_targets_are_repeated_new_or_cold():
    """Items 1 to 3 were trained. The four histories end before 1, 3, 2 and 9."""
    histories = make_histories([[1, 2], [1, 2], [3], [9, 1]])
    targets, trained = np.array([1, 3, 2, 9], np.int32), np.array([True, True, True, False])
    queries = Queries(histories, np.arange(4, dtype=np.int32), targets, trained)
    scores = [[0, 3, 2, 1], [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]]
    found = evaluate(Fixed(scores), queries, filter_seen=False, train=histories).by_target()
    # The repeated one is in rank 1, the new ones in ranks 1 and 2.
    assert found["repeated"] == {"users": 1, "hr@10": 1.0, "ndcg@10": 1.0}
    assert found["new"] == {
        "users": 2,
        "hr@10": 1.0,
        "ndcg@10": pytest.approx(0.5 + 0.5 / np.log2(3)),
    }
    # A cold target is a miss, even if the history has it from after the training.
    assert found["cold"] == {"users": 1, "hr@10": 0.0, "ndcg@10": 0.0}


def test_to_dict_is_json_and_says_who_was_measured():
    stored = json.loads(json.dumps(make_evaluation().to_dict()))
    assert stored["metrics"]["hr@2"] == 0.75
    assert stored["filter_seen"] is True
    assert [stored[n] for n in ("users", "items", "cold_users", "cold_targets")] == [4, 5, 1, 1]


@pytest.mark.parametrize("ks", [(), (0, 5)])
def test_impossible_list_lengths_are_refused(ks):
    with pytest.raises(ValueError, match="`ks`.*Received"):
        make_evaluation(ks=ks)


def test_slices_have_every_user_once_and_average_to_the_total():
    generator = np.random.default_rng(0)
    values, sizes = generator.random(500), generator.integers(0, 60, 500)
    table = slice_means(values, sizes, bins=4)
    assert table["users"].sum() == 500
    assert np.average(table["mean"], weights=table["users"]) == pytest.approx(values.mean())
    assert table.index[0] == "0" and len(table) == 5
    assert ((table["low"] < table["mean"]) & (table["mean"] < table["high"])).all()


def test_slices_by_hand():
    # Sizes 1 2 3 4 in two slices 1-2 and 3-4; a size is never parted (all the 9s together).
    table = slice_means(np.array([0.0, 1, 1, 1]), np.array([4, 1, 3, 2]), bins=2)
    assert table.index.tolist() == ["1-2", "3-4"]
    assert table["mean"].tolist() == [1, 0.5]
    assert slice_means(np.ones(5), np.full(5, 9)).index.tolist() == ["9"]
    assert slice_means(np.ones(2), np.zeros(2, int)).index.tolist() == ["0"]


def test_a_slice_of_one_user_has_no_interval():
    table = slice_means(np.array([0.5, 1.0, 0.0]), np.array([0, 7, 7]))
    assert table.loc["0", ["low", "high"]].isna().all()
    assert table.loc["0", "mean"] == 0.5


def test_slices_of_an_evaluation():
    by_popularity = slices(make_evaluation(), by="popularity", metric="hr@2", bins=1)
    assert by_popularity.index.tolist() == ["0", "1-4"]
    assert by_popularity["mean"].tolist() == [0, 1]
    assert slices(make_evaluation(), by="length", bins=1)["users"].tolist() == [4]
    with pytest.raises(ValueError, match="`by`.*Received: by='age'"):
        slices(make_evaluation(), by="age")


def test_slices_refuse_other_users():
    with pytest.raises(ValueError, match=r"Received: users=\[2, 3\]"):
        slice_means(np.ones(2), np.ones(3))


def test_ranks_survive_the_file(tmp_path):
    path = tmp_path / "per_user" / "name.parquet"
    save_ranks({0: np.array([1, 7, 3]), 42: np.array([2, 2, 9])}, path)
    table = load_ranks(path)
    assert table.columns.tolist() == [0, 42]
    assert table.index.tolist() == [0, 1, 2] and table.index.name == "row"
    assert table[42].tolist() == [2, 2, 9] and (table.dtypes == np.int32).all()


def test_the_file_holds_row_numbers_and_ranks_only(tmp_path):
    save_ranks({0: make_evaluation().per_user["rank"]}, tmp_path / "name.parquet")
    assert pd.read_parquet(tmp_path / "name.parquet").columns.tolist() == ["row", "seed_0"]


def test_an_interrupted_save_keeps_the_old_file_and_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "name.parquet"
    save_ranks({0: np.array([1])}, path)

    def full_disk(self, target, **options):
        target.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_ranks({0: np.array([5])}, path)
    assert load_ranks(path)[0].tolist() == [1]
    assert [p.name for p in tmp_path.iterdir()] == ["name.parquet"]


def test_ranks_of_other_users_are_refused(tmp_path):
    with pytest.raises(ValueError, match="`ranks`.*Received: users={0: 2, 1: 3}"):
        save_ranks({0: np.ones(2), 1: np.ones(3)}, tmp_path / "name.parquet")
    with pytest.raises(ValueError, match="`ranks`.*Received: users={}"):
        save_ranks({}, tmp_path / "name.parquet")


def test_a_foreign_file_is_refused(tmp_path):
    pd.DataFrame({"user": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="`path`.*columns=\\['user'\\]"):
        load_ranks(tmp_path / "other.parquet")
