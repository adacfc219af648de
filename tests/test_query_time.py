"""Queries tell the time of their target only where the protocol says so, and results record it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recmodels.data.interactions import Interactions
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.ranking import ask, settle_protocol
from recmodels.features.columns import Category
from recmodels.features.number_columns import Clock, Gap
from recmodels.features.protocol import Protocol
from recmodels.features.schema import Schema
from recmodels.features.sequences import prepare

HOUR = 3_600
EVENTS = {"action": Category(), "gap": Gap(), "hour": Clock()}
ASKED = {"asked_hour": Clock(of="asked"), "asked_gap": Gap(of="asked")}
TOLD = Protocol(query_time=True)


class Reader:
    """A model that reads every column."""

    max_length = 4

    def __init__(self, columns):
        self.columns = tuple(columns)


def make_split(last_time):
    times = [0, HOUR, 3 * HOUR, 4 * HOUR, last_time]
    frame = pd.DataFrame({"user": 1, "item": list("abcde"), "timestamp": times})
    return leave_one_out(Interactions(frame.assign(action="view"), "timed", name="toy"))


def inputs(schema, last_time, protocol):
    data = prepare(make_split(last_time), schema=Schema(schema), protocol=protocol)
    return ask(Reader(schema), data.test, np.arange(1))


def test_without_query_time_a_shifted_target_changes_no_input():
    found = [inputs(EVENTS, time, Protocol()) for time in (5 * HOUR, 17 * HOUR)]
    assert found[0].keys() == found[1].keys() >= {"action", "gap", "hour", "at"}
    for name in found[0]:
        np.testing.assert_array_equal(found[0][name], found[1][name])
    assert found[0]["at"].tolist() == [4 * HOUR]


def test_with_query_time_the_question_has_the_hour_and_gap_of_the_target():
    schema = {**EVENTS, **ASKED}
    found = [inputs(schema, time, TOLD) for time in (5 * HOUR, 17 * HOUR)]
    changed = [n for n in found[0] if not np.array_equal(found[0][n], found[1][n])]
    assert sorted(changed) == ["asked_gap", "asked_hour", "at"]
    assert found[1]["at"].tolist() == [17 * HOUR]
    # Each position has the hour of the next event; codes begin at 1.
    assert found[1]["asked_hour"].tolist() == [[2, 4, 5, 18]]
    # 3,600 s lie between 2**11 and 2**12, the 13th bucket; 7,200 in the 14th; 46,800 in the 17th.
    assert found[1]["asked_gap"].tolist() == [[13, 14, 13, 17]]


def test_the_gap_to_predict_is_counted_from_the_last_event_all_the_same():
    data = prepare(make_split(17 * HOUR), protocol=TOLD)
    assert data.test.target_columns["gap_seconds"].tolist() == [13 * HOUR]


@pytest.mark.parametrize("name", ASKED)
def test_columns_of_the_target_s_time_need_query_time(name):
    with pytest.raises(ValueError, match=r"Protocol\(query_time=True\)"):
        prepare(make_split(5 * HOUR), schema=Schema({name: ASKED[name]}))


def test_results_record_query_time_whatever_protocol_measures_them():
    data = prepare(make_split(5 * HOUR), protocol=TOLD)
    settled = settle_protocol(data.test, Protocol(filter_seen=False), None)
    assert settled == replace(data.protocol, filter_seen=False)
    assert settled.to_dict()["query_time"] is True
    assert Protocol().to_dict()["query_time"] is False
    with pytest.raises(ValueError, match="`query_time` must be True or False"):
        Protocol(query_time=1)
