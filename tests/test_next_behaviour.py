"""The question what comes next: raw ids and labels in and out, times from the question on."""

import json

import numpy as np
import pytest

import recmodels as rm
from recmodels.models.event_forecast import EventForecast, LogNormalMixture
from recmodels.recommend.next_behaviour import readable_duration
from tests.behaviour_log import HISTORY, LAST, TYPES, make_data, make_trained

AFTER = {1: [0.7, 0.2, 0.1], 2: [0.5, 0.2, 0.3], 3: [0.9, 0.05, 0.05]}  # By the last type.
GIVEN = [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]]


class Known:
    """Types follow from the last type, items from the type, gaps are those of one log-normal."""

    types, max_length, columns = TYPES, 4, ("action", "gap")
    timed = True

    def next_event(self, queries):
        last = queries["action"][:, -1]
        types = np.array([AFTER.get(code, [0.4, 0.3, 0.3]) for code in last])
        items = np.tile(np.pad(GIVEN, ((0, 0), (1, 0))), (len(last), 1, 1))
        ones = np.ones((len(last), 1))
        gap = LogNormalMixture(ones, 6.0 * ones, 0.5 * ones) if self.timed else None
        return EventForecast(TYPES, types, items, gap)

    def score(self, queries, items=None):
        return np.pad(self.next_event(queries).items()[:, 1:], ((0, 0), (1, 0)))


@pytest.fixture(scope="module")
def data():
    found = make_data()
    assert found.schema["action"].values == TYPES
    return found


@pytest.fixture(scope="module")
def recommender(data):
    return rm.Recommender(Known(), data, histories=data.train)


def share_of_gaps(seconds):
    return LogNormalMixture(np.ones((1, 1)), np.full((1, 1), 6.0), np.full((1, 1), 0.5)).cdf(
        seconds
    )[0]


def test_the_table_has_the_best_of_the_joint_in_raw_ids_and_labels(recommender):
    answer = recommender.next_behaviour([("浏览", "茶"), ("加购", "cup")], k=3)
    # After 加购: 0.5 * 0.5, 0.3 * 0.6 and 0.2 * 0.8 against 0.5 * 0.3.
    frame = answer.to_frame()
    assert frame["type"].tolist() == ["浏览", "购买", "加购"]
    first = recommender.vocabulary.raw_ids.tolist()
    assert frame["item"].tolist() == [first[0], first[2], first[1]]
    np.testing.assert_allclose(frame["probability"], [0.25, 0.18, 0.16])
    assert answer.types == {"浏览": 0.5, "加购": 0.2, "购买": 0.3}
    assert frame["rank"].tolist() == [1, 2, 3] and frame["type of item"].notna().all()
    whole = recommender.next_behaviour(HISTORY, k=99).to_frame()
    assert len(whole) == 9 and whole["probability"].sum() == pytest.approx(1)


def test_a_known_user_is_requested_by_raw_id(recommender):
    named = recommender.next_behaviour(user="u0")
    assert named.at == LAST and named.types["购买"] == 0.3 and not named.notes
    pairs = recommender.next_behaviour([("加购", "cup")])
    assert named.to_frame().equals(pairs.to_frame()) and pairs.at is None
    for wrong in ({"user": "nobody"}, {"history": []}, {"history": {"item": [], "action": []}}):
        with pytest.raises(ValueError, match="at least one event.*Received: "):
            recommender.next_behaviour(**wrong)


def test_many_are_answered_like_one_each_in_chunks_of_any_size(recommender, monkeypatch):
    histories = [HISTORY, {**HISTORY, "item": ["cake", "cup"], "timestamp": [LAST - 50, LAST - 20]}]
    question = {"k": 3, "at": LAST + 9, "given": "购买", "within": 600.0}
    alone = [recommender.next_behaviour(each, **question).to_dict() for each in histories]
    assert alone[0]["waited"] == 9 and alone[1]["waited"] == 29 and len(alone[1]["notes"]) == 1
    for cells in (2**24, 1):
        monkeypatch.setattr("recmodels.recommend.behaviour.CELLS", cells)
        together = recommender.next_behaviour_many(histories, **question)
        assert [each.to_dict() for each in together] == alone
    named = recommender.next_behaviour_many(users=["u1", "u0"], k=2)
    single = [recommender.next_behaviour(user=user, k=2).to_dict() for user in ("u1", "u0")]
    assert [each.to_dict() for each in named] == single
    assert recommender.next_behaviour_many([]) == []


def test_of_many_the_history_that_cannot_be_answered_is_named(recommender):
    with pytest.raises(ValueError, match=r"at least one event.*row=1, history=\{'item': \[\]"):
        recommender.next_behaviour_many([HISTORY, []])
    with pytest.raises(ValueError, match="at least one event.*row=1, user='nobody'"):
        recommender.next_behaviour_many(users=["u0", "nobody"])
    later = {**HISTORY, "timestamp": [LAST, LAST + 60]}
    with pytest.raises(ValueError, match=f"`at` must not be before.*last_event={LAST + 60}"):
        recommender.next_behaviour_many([HISTORY, later], at=LAST + 5)


def test_given_a_type_the_items_of_that_type_sum_to_one(recommender):
    answer = recommender.next_behaviour(HISTORY, k=3, given="购买")
    assert set(answer.to_frame()["type"]) == {"购买"}
    assert answer.to_frame()["probability"].tolist() == [0.6, 0.2, 0.2]
    assert answer.types["购买"] == 0.3 and "if its type is 购买" in repr(answer)
    with pytest.raises(ValueError, match="`given` must be a type.*Received: given='退货'"):
        recommender.next_behaviour(HISTORY, given="退货")


def test_within_is_the_type_and_the_time_together(recommender):
    answer = recommender.next_behaviour(HISTORY, within=600)
    comes = share_of_gaps(600)
    assert 0.5 < comes < 0.99
    for label, share in answer.types.items():
        assert answer.within_probabilities[label] == pytest.approx(share * comes)


def test_a_later_question_is_answered_for_those_who_waited_as_long(recommender):
    def asked_at(at):
        return recommender.next_behaviour(HISTORY, at=at)

    early, late = asked_at(LAST), asked_at(LAST + 500)
    assert early.to_dict() == recommender.next_behaviour(HISTORY).to_dict()
    dated = asked_at("2023-11-15 06:28:20+08:00")
    assert dated.to_dict() == late.to_dict() == asked_at(LAST + 500.25).to_dict()
    assert late.waited == 500 and late.types == early.types
    assert "after 8.33 min without one" in repr(late)
    for share in (0.1, 0.5, 0.9):
        whole = share_of_gaps(500 + late.seconds[share])
        assert (whole - share_of_gaps(500)) / (1 - share_of_gaps(500)) == pytest.approx(share)
        assert share_of_gaps(early.seconds[share]) == pytest.approx(share)
    soon = recommender.next_behaviour(HISTORY, at=LAST + 500, within=300)
    waited = (share_of_gaps(800) - share_of_gaps(500)) / (1 - share_of_gaps(500))
    assert soon.within_probabilities["购买"] == pytest.approx(0.3 * waited)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"at": LAST - 1}, f"`at` must not be before the last event.*last_event={LAST}"),
        ({"at": LAST * 1000}, "`at` must be UTC seconds or a date"),
        ({"at": "01/02/2024"}, "`at` must be UTC seconds or a date"),
        ({"at": "2023-11-14"}, "`at` must not be before the last event"),
        ({"within": 0}, "`within` must be a number of seconds greater than 0"),
        ({"within": "7d"}, "`within` must be a number of seconds"),
        ({"k": 0}, "`k` must be a whole number"),
        ({"history": [("浏览", "茶")], "at": LAST}, "`at` needs the time of the last event"),
        ({"history": ["茶", "cup"]}, r"`history` must hold \(type, item\) pairs.*event='茶'"),
        ({"history": [("浏览", "茶", 1)]}, r"`history` must hold \(type, item\) pairs"),
        ({"history": "浏览:茶"}, "`history` must be a list"),
        ({"history": {"sku": ["茶"], "action": ["浏览"]}}, r"must have the list `item`.*'sku'"),
        ({"history": HISTORY | {"kind": ["x", "y"]}}, "Column `kind` of `history`"),
        ({"history": HISTORY | {"action": ["浏览"]}}, "one value per event"),
        ({"history": HISTORY | {"timestamp": [LAST, LAST - 9]}}, "`timestamp`.*not decrease"),
        ({"history": HISTORY | {"timestamp": [LAST, LAST * 1000]}}, "`timestamp`.*UTC seconds"),
        ({"history": HISTORY | {"timestamp": ["soon", 1]}}, "`timestamp` .* must hold numbers"),
    ],
)
def test_questions_that_cannot_be_answered_are_refused(recommender, options, match):
    with pytest.raises(ValueError, match=match) as refused:
        recommender.next_behaviour(**({"history": HISTORY} | options))
    assert "Received: " in str(refused.value)


def test_unknown_items_are_named_in_a_note(recommender):
    history = {"action": ["退货", None, "加购"], "item": ["茶", "cake", "cup"]}
    answer = recommender.next_behaviour(history)
    assert "Training had no such `action`: '退货'. The model reads it as unknown." in answer.notes
    assert any("Read 1 id of `history` outside the catalogue" in n for n in answer.notes)
    assert any("The history has no timestamp" in note for note in answer.notes)
    assert answer.types["购买"] == 0.3
    # Columns in another order, and those of nobody's schema, change nothing.
    turned = dict(reversed(HISTORY.items())) | {"value": [1.0, 2.0]}
    assert (
        recommender.next_behaviour(turned).to_dict()
        == recommender.next_behaviour(HISTORY).to_dict()
    )
    unknown = recommender.next_behaviour({**HISTORY, "action": ["浏览", "退货"]})
    assert unknown.types["浏览"] == 0.4  # What `Known` says after a type that it does not know.


def test_answers_are_printed_and_written_completely(recommender):
    answer = recommender.next_behaviour(HISTORY, k=2, given="购买", within=7 * 86_400)
    text, page = repr(answer), answer._repr_html_()
    for part in ("Known", "购买", "浏览 0.5000", "10% within", "Comes within 7 d"):
        assert part in text and part in page
    stored = json.loads(json.dumps(answer.to_dict()))
    assert stored["types"][0] == {"type": "浏览", "probability": 0.5}
    assert [row["share"] for row in stored["seconds"]] == [0.1, 0.5, 0.9]
    assert stored["events"][0]["probability"] == 0.6 and stored["within"] == 604_800
    evil = rm.recommend.next_behaviour.NextBehaviour(
        answer.table.assign(type="<b>\n"), {"<i>": 1.0}, {}, "<s>", ("<u>",)
    )
    assert not {"<b>", "<i>", "<s>", "<u>"} & set(evil._repr_html_().replace(">", "> ").split())
    assert [readable_duration(s) for s in (0.5, 59.6, 90, 7_200, 1e9)] == [
        "0.5 s", "59.6 s", "1.5 min", "2 h", "11574 d",
    ]  # fmt: skip


def test_models_without_items_types_or_times_say_what_is_missing(data):
    popular = rm.MostPopular().fit(data.train, data.num_items)
    with pytest.raises(ValueError, match="`next_behaviour` needs a model.*MostPopular"):
        rm.Recommender(popular, data).next_behaviour(HISTORY)
    untimed = Known()
    untimed.timed = False
    subject = rm.Recommender(untimed, data)
    answer = subject.next_behaviour(HISTORY)
    assert not answer.seconds and "Time until it" not in repr(answer)
    for options in ({"at": LAST + 5}, {"within": 5}):
        with pytest.raises(ValueError, match="`within` and `at` need a model of times"):
            subject.next_behaviour(HISTORY, **options)


def test_a_schema_of_a_newer_log_that_does_not_fit_is_refused(data):
    newer = rm.Schema({"action": rm.Category(values=("click", "order")), "gap": rm.Gap()})
    subject = rm.Recommender(Known(), data, schema=newer)
    with pytest.raises(ValueError, match="`schema` must hold the types.*click"):
        subject.next_behaviour(HISTORY)


def test_a_loaded_bundle_answers_alike(data, tmp_path):
    trained = make_trained(data)
    loaded = rm.Recommender.load(trained.save(tmp_path / "bundle"))
    for question in ({"history": HISTORY, "at": LAST + 9, "within": 60.0}, {"user": "u1"}):
        before, after = (each.next_behaviour(**question).to_dict() for each in (trained, loaded))
        assert after == before
