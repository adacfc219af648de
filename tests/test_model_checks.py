"""A model made for other items or users than the data is refused wherever the two meet."""

import numpy as np
import pytest
from harness import make_histories, make_log, random_lists

from recmodels.data.splits import leave_one_out
from recmodels.evaluation.model_checks import check_model
from recmodels.evaluation.ranking import rank
from recmodels.evaluation.report import evaluate
from recmodels.features.histories import build_histories
from recmodels.features.sequences import prepare
from recmodels.layers.tower import Tower
from recmodels.models.bpr_mf import BPRMF
from recmodels.models.fallback import WithFallback
from recmodels.models.hybrid import Hybrid
from recmodels.models.markov import Markov
from recmodels.models.popularity import MostPopular
from recmodels.models.retrieve_then_rank import RetrieveThenRank
from recmodels.models.sasrec import SASRec
from recmodels.models.two_tower import TwoTower
from recmodels.models.user_knn import UserKNN
from recmodels.recommend.recommender import Recommender

LISTS = random_lists(9, 5, 6)
LOG = make_log([*LISTS[:4], [1, 2], *LISTS[4:]])  # The fifth user is in no test case.
DATA = prepare(leave_one_out(LOG))
V, U = DATA.num_items, len(DATA.train)


def towers(users=U, items=V, **options):
    model = TwoTower(Tower(users, 4, **options), Tower(items, 4))
    model.build()
    return model


def measured(model, queries=DATA.test):
    return evaluate(model, queries, filter_seen=False, train=DATA.train)


WRONG = {
    "SASRec too large": lambda: SASRec(V + 1, 4, 4, num_blocks=1),
    "SASRec too small": lambda: SASRec(V - 1, 4, 4, num_blocks=1),
    "baseline too large": lambda: MostPopular().fit(DATA.train, V + 3),
    "towers, items": lambda: towers(items=V + 1),
    "towers, users": lambda: towers(users=U - 1),
    "part of a sum": lambda: Hybrid([MostPopular(), towers(users=U + 1)], [1, 1]),
    "part of a chain": lambda: WithFallback(towers(items=V + 1), MostPopular()),
    "one of two stages": lambda: RetrieveThenRank(MostPopular(), towers(items=V - 1)),
}


@pytest.mark.parametrize("name", WRONG)
def test_other_sizes_are_refused(name):
    with pytest.raises(ValueError, match="must be that of the data|needs histories of the users"):
        measured(WRONG[name]())


def test_scores_of_another_width_are_refused_whatever_the_model():
    class Wide:
        max_length = 3

        def score(self, queries, items=None):
            return np.zeros((len(queries["item_ids"]), V + 5), np.float32)

    with pytest.raises(ValueError, match=rf"\({len(DATA.test)}, {V + 1}\). Received: shape="):
        rank(Wide(), DATA.test, filter_seen=False)


@pytest.mark.parametrize("kind", [BPRMF, UserKNN])
def test_rows_of_different_users_are_distinguished(kind):
    model = kind().fit(DATA.train, V)
    check_model(model, V, DATA.train)
    others = DATA.train.select(np.arange(U)[::-1])  # As many, but in another order.
    with pytest.raises(ValueError, match=f"{kind.__name__} of other users, or the same in another"):
        check_model(model, V, others)
    with pytest.raises(ValueError, match=f"{U} users, histories of {U - 1}"):
        Recommender(model, DATA.vocabulary, histories=DATA.test.histories)


def test_what_users_did_later_changes_no_row():
    later = build_histories(LOG, DATA.vocabulary, DATA.train.users)
    model = BPRMF(epochs=1).fit(DATA.train, V)
    lists = [
        Recommender(model, DATA.vocabulary, histories=known, filter_seen=False).recommend(user=8)
        for known in (later, DATA.train)
    ]
    assert lists[0].items == lists[1].items
    np.testing.assert_array_equal(lists[0].scores, lists[1].scores)


def test_towers_remember_whose_rows_they_have_also_in_their_config():
    model = towers()
    model.adapt(DATA.train)
    loaded = TwoTower.from_config(model.get_config())
    check_model(loaded, V, DATA.train)
    with pytest.raises(ValueError, match="in another order"):
        check_model(loaded, V, DATA.train.select(np.arange(U)[::-1]))


def test_models_without_rows_of_users_take_all_histories():
    check_model(Markov().fit(DATA.train, V), V, DATA.test.histories)
    reader = towers(users=3, ids=False, num_members=V + 1)
    check_model(reader, V, DATA.test.histories)


@pytest.mark.parametrize("queries", [DATA, None, DATA.train, LOG])
def test_queries_must_be_queries(queries):
    model = MostPopular().fit(DATA.train, V)
    with pytest.raises(ValueError, match="`queries` must be `data.test` or `data.validation`"):
        measured(model, queries)
    with pytest.raises(ValueError, match="`queries` must be `data.test` or `data.validation`"):
        rank(model, queries, filter_seen=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": DATA}, "`train`, or `histories`, must be histories"),
        ({"filter_seen": "False"}, "`filter_seen` must be True or False. Received: .*='False'"),
        ({"filter_seen": 1}, "`filter_seen` must be True or False"),
        ({"ks": (10.0,)}, "`ks` must be a whole number of at least 1. Received: ks=10.0"),
        ({"ks": (True,)}, "`ks` must be a whole number"),
        ({"ks": 10}, "`ks` must be list lengths, such as .5, 10.. Received: ks=10"),
        ({"ks": "10"}, "`ks` must be list lengths"),
        ({"ks": ()}, "`ks` must be list lengths"),
    ],
)
def test_other_arguments_are_refused(options, message):
    model = MostPopular().fit(DATA.train, V)
    options = {"filter_seen": False, "train": DATA.train, **options}
    with pytest.raises(ValueError, match=message):
        evaluate(model, DATA.test, **options)


def test_baselines_are_fitted_to_histories_of_their_catalogue():
    with pytest.raises(ValueError, match="`train` must be training histories"):
        MostPopular().fit(DATA, V)
    with pytest.raises(ValueError, match="`num_items` must be that of the data.*train holds item"):
        MostPopular().fit(make_histories([[1, 9]]), 3)
    with pytest.raises(ValueError, match="`num_items` must be a whole number"):
        MostPopular().fit(DATA.train, float(V))
