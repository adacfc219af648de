import gzip

import numpy as np
import pandas as pd
import pytest

from recmodels.data.columns import guess_columns
from recmodels.data.events import read_events
from recmodels.data.times import to_seconds

# 2020-09-13 12:26:40 UTC is 1,600,000,000 seconds after 1970.
NOON = 1_600_000_000


def _csv(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def _rows(log):
    return log.events.to_numpy().tolist()


def test_reads_named_columns_in_time_order(tmp_path):
    path = _csv(
        tmp_path / "my_log.csv", f"ts,sku,uid,x\n{NOON},7,2,a\n{NOON - 1},8,2,b\n{NOON},9,1,c\n"
    )
    log = read_events(path, user="uid", item="sku", timestamp="ts")
    assert _rows(log) == [[1, 9, NOON], [2, 8, NOON - 1], [2, 7, NOON]]
    assert (log.order, log.name) == ("timed", "my_log")


def test_reads_every_kind_of_column(tmp_path):
    text = "u,i,t,what,secs,stars,country\na,x,5,buy,1.5,4,NA\nb,y,6,view,,5,\n"
    log = read_events(
        _csv(tmp_path / "log.csv", text),
        user="u",
        item="i",
        timestamp="t",
        action="what",
        duration="secs",
        value="stars",
        context=["country"],
    )
    expected = ["user", "item", "timestamp", "action", "duration", "value", "country"]
    assert list(log.events.columns) == expected
    assert log.events["duration"].isna().tolist() == [False, True]
    assert log.events["value"].tolist() == [4.0, 5.0]


def test_guesses_usual_names_and_prints_the_guess(tmp_path, capsys):
    path = _csv(tmp_path / "log.csv", "User_ID,Product ID,event-time,price\n1,2,5,9\n")
    log = read_events(path)
    assert _rows(log) == [[1, 2, 5]]
    printed = capsys.readouterr().err
    assert printed == "Columns of log.csv: user=User_ID, item=Product ID, timestamp=event-time\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_guesses_chinese_names_in_either_encoding(tmp_path, encoding):
    text = "用户编号,商品ID,行为类型,时间\n张三,茶杯,购买,2020/9/13 12:26:40\n"
    log = read_events(_csv(tmp_path / "log.csv", text, encoding))
    assert _rows(log) == [["张三", "茶杯", NOON, "购买"]]


def test_nothing_is_guessed_once_user_and_item_are_named(tmp_path, capsys):
    path = _csv(tmp_path / "log.csv", "uid,sku,timestamp\n1,2,5\n")
    with pytest.raises(ValueError, match="`order`.*`timestamp`.*'uid', 'sku', 'timestamp'"):
        read_events(path, user="uid", item="sku")
    log = read_events(path, user="uid", item="sku", order="ordered")
    assert list(log.events.columns) == ["user", "item"]
    assert capsys.readouterr().err == ""


def test_a_named_column_is_kept_beside_guessed_ones():
    columns = ["user", "uid", "item", "date"]
    expected = {"user": "uid", "item": "item", "timestamp": "date"}
    assert guess_columns(columns, {"user": "uid"}) == expected


@pytest.mark.parametrize("columns", [["user", "item_id", "sku"], ["uid", "item", "date", "time"]])
def test_ambiguous_names_are_refused_with_the_candidates(columns):
    with pytest.raises(ValueError, match=rf"could be any of \['{columns[-2]}', '{columns[-1]}'\]"):
        guess_columns(columns)


def test_table_without_usual_names_is_refused():
    with pytest.raises(ValueError, match="No column.*`user`.*first row.*columns=\\['1', '1193'\\]"):
        guess_columns(["1", "1193"])


def test_ordered_file_is_not_sorted_by_a_time_it_carries(tmp_path):
    path = _csv(tmp_path / "log.csv", "user,item,timestamp\n1,7,9\n1,8,5\n")
    assert read_events(path, order="ordered").events["item"].tolist() == [7, 8]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", " "])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_delimiter_is_found(tmp_path, delimiter, ending):
    text = ending.join(["user,item,timestamp", "1,2,5", "1,3,6", ""]).replace(",", delimiter)
    assert _rows(read_events(_csv(tmp_path / "log.txt", text))) == [[1, 2, 5], [1, 3, 6]]


def test_quoted_text_may_hold_delimiters_and_line_ends(tmp_path):
    text = 'user;item;timestamp;note\n1;"a;b";5;"two\nlines, here"\n1;c;6;x,y\n'
    assert read_events(_csv(tmp_path / "log.csv", text)).events["item"].tolist() == ["a;b", "c"]


def test_gzip_and_parquet_equal_csv(tmp_path):
    text = "user,item,timestamp\n1,2,5\n1,x,6\n"
    expected = _rows(read_events(_csv(tmp_path / "log.csv", text)))
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(text.encode()))
    pd.read_csv(tmp_path / "log.csv").to_parquet(tmp_path / "log.parquet")
    assert _rows(read_events(tmp_path / "log.csv.gz")) == expected
    assert _rows(read_events(tmp_path / "log.parquet")) == expected


def test_parquet_dates_and_whole_real_ids_are_read(tmp_path):
    frame = pd.DataFrame({"user": [1.0], "item": ["a"], "time": pd.to_datetime(["2020-09-13"])})
    frame.to_parquet(tmp_path / "log.parquet")
    assert _rows(read_events(tmp_path / "log.parquet")) == [[1, "a", 1_599_955_200]]


def test_ids_with_leading_zeros_and_signed_hashes_stay_text(tmp_path):
    text = "user,item,timestamp\n-5,007,1\n-6,7,2\n"
    log = read_events(_csv(tmp_path / "log.csv", text))
    assert log.events["user"].tolist() == ["-5", "-6"]
    assert log.events["item"].tolist() == ["007", "7"]


def test_order_inside_a_second_comes_from_the_milliseconds(tmp_path):
    text = f"user,item,timestamp\n1,7,{NOON}900\n1,8,{NOON}100\n1,9,{NOON}100\n"
    log = read_events(_csv(tmp_path / "log.csv", text))
    assert log.events["item"].tolist() == [8, 9, 7]
    assert set(log.events["timestamp"]) == {NOON}


TIMES = {
    "seconds": [NOON, 5, 0],
    "real seconds": [NOON + 0.75, 5.0, 0.25],
    "milliseconds": [NOON * 1000 + 999, 5_000_000_000, 0],
    "microseconds": [NOON * 10**6, 5_000_000 * 10**6, 0],
    "nanoseconds": [NOON * 10**9, 5_000_000 * 10**9, 0],
    "text": [str(NOON), "5", "0"],
    "ISO": ["2020-09-13T12:26:40Z", "1970-01-01 00:00:05", "1970-01-01"],
    "zones": ["2020-09-13T20:26:40+08:00", "1970-01-01T00:00:05Z", "1970-01-01T00:00:00Z"],
    "slashes": ["2020/9/13 12:26:40", "1970/1/1 00:00:05", "1970/1/1 00:00:00"],
    "dates": [pd.Timestamp(NOON, unit="s"), pd.Timestamp(5, unit="s"), pd.Timestamp(0)],
}
# Their first weeks have the digits of later times in seconds, so these begin in February 1970.
SMALL_UNITS = ("milliseconds", "microseconds", "nanoseconds")


@pytest.mark.parametrize("kind", TIMES)
def test_times_become_utc_seconds(kind):
    seconds, _ = to_seconds(pd.Series(TIMES[kind]))
    middle = 5_000_000 if kind in SMALL_UNITS else 5
    assert seconds.tolist() == [NOON, middle, 0]
    assert seconds.dtype == np.int64


def test_eight_digit_days_are_dates():
    seconds, _ = to_seconds(pd.Series([20200913, 19700102]))
    assert seconds.tolist() == [1_599_955_200, 86_400]


BAD_TIMES = {
    "mixed units": ([NOON, NOON * 1000, NOON], rf"not in seconds.*Received: {NOON}000 in row 1"),
    "junk": (["1", "2", "soon"], "not a number.*Received: soon in row 2"),
    "missing": ([1.0, None, 3.0], "missing.*in row 1"),
    "missing date": (["2020-01-01", None], "missing.*in row 1"),
    "unreadable": (["yesterday", "today"], "cannot be read as a date.*yesterday in row 0"),
    "two formats": (["13/04/2020", "2020-04-14"], "cannot be read.*2020-04-14 in row 1"),
    "day first": (["03/04/2020", "13/04/2020"], "cannot be read.*13/04/2020 in row 1"),
    "negative": ([5, -5, 6], "outside 1970 to 2100.*Received: -5 in row 1"),
    "endless": ([5.0, np.inf], "outside 1970 to 2100.*Received: inf in row 1"),
    "far future": (["2020-01-01", "9999-12-31"], "outside 1970 to 2100.*9999-12-31 in row 1"),
}


@pytest.mark.parametrize("case", BAD_TIMES)
def test_bad_times_are_refused_naming_the_row(case):
    values, message = BAD_TIMES[case]
    with pytest.raises(ValueError, match=f"`when`.*{message}"):
        to_seconds(pd.Series(values, name="when"))


BAD_FILES = {
    "empty": ("", {}, "`log.csv` is empty"),
    "blank": ("\n \n", {}, "`log.csv` is empty"),
    "no rows": ("user,item,timestamp\n", {}, "header and no rows"),
    "wrong delimiter": ("user^item^timestamp\n1^2^3\n", {}, "no delimiter.*user\\^item"),
    "prose": (
        "Dear all,\nplease, find, attached\n",
        {},
        "Line 2 of `log.csv` has 3 fields and the first row 2",
    ),
    "ragged": ("user,item,timestamp\n1,2,3\n1,2,3,4\n", {}, "Line 3 of `log.csv` has 4 fields"),
    "missing column": (
        "uid,sku,ts\n1,2,3\n",
        {"user": "uid", "item": "isbn"},
        r"no column \['isbn'\]",
    ),
    "missing context": (
        "user,item,timestamp\n1,2,3\n",
        {"context": ["city"]},
        r"no column \['city'\]",
    ),
    "twice": ("user,item\n1,2\n", {"user": "user", "item": "user"}, "one thing only"),
    "missing id": ("user,item,timestamp\n1,2,5\n,2,4\n", {}, "`user`.*missing.*in row 1"),
    "nobody": ("user,item,timestamp\n1,2,3\n-1,2,4\n", {}, "`user`.*-1 in row 1"),
    "no number": ("user,item,rating,ts\n1,2,good,3\n", {}, "`value`.*'good' in row 0"),
    "no order": ("user,item\n1,2\n", {}, "`order` is needed"),
    "wrong order": ("user,item,ts\n1,2,3\n", {"order": "sorted"}, "Received: order='sorted'"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_refused(tmp_path, case):
    text, options, message = BAD_FILES[case]
    with pytest.raises(ValueError, match=message):
        read_events(_csv(tmp_path / "log.csv", text), **options)


@pytest.mark.parametrize("name", ["log.png", "log.parquet", "log.csv.gz"])
def test_what_is_no_table_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n\0\0\xff\xff")
    with pytest.raises(ValueError, match=f"`{name}` cannot be read as a table"):
        read_events(tmp_path / name)


def test_truncated_gzip_is_refused(tmp_path):
    packed = gzip.compress(b"user,item,timestamp\n1,2,3\n")
    (tmp_path / "log.csv.gz").write_bytes(packed[:-12])
    with pytest.raises(ValueError, match="`log.csv.gz` cannot be read as a table"):
        read_events(tmp_path / "log.csv.gz")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist.*nowhere.csv"):
        read_events(tmp_path / "nowhere.csv")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        read_events(tmp_path)


def test_real_log_reads_the_same_through_its_own_names(real_log, real_data):
    path = real_data / "movielens-latest-small" / "ratings.csv.gz"
    log = read_events(path)
    assert log.events.equals(real_log("ml-latest-small").events[log.events.columns])
