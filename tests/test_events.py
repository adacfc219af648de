import gzip
import io

import numpy as np
import pandas as pd
import pytest

from recmodels.data.columns import guess_columns
from recmodels.data.events import from_frame, read_events

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
    text = f"u,i,t,what,secs,stars,country\na,x,{NOON},buy,1.5,4,NA\nb,y,{NOON},None,,5,\n"
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
    assert log.events["action"].tolist() == ["buy", "None"]
    assert log.events["country"].isna().tolist() == [False, True]


def test_guesses_usual_names_and_prints_the_guess(tmp_path, capsys):
    path = _csv(tmp_path / "log.csv", f"User_ID,Product ID,event-time,price\n1,a,{NOON},9\n")
    log = read_events(path)
    assert _rows(log) == [[1, "a", NOON]]
    line = capsys.readouterr().err
    assert line.startswith("log.csv: encoding=") and line.count("\n") == 1
    assert (
        "user=User_ID (integers); item=Product ID (text); "
        "timestamp=event-time (s since 1970, UTC, 2020-09-13 to 2020-09-13); order=timed\n"
    ) in line
    assert log.assumed["item"] == "Product ID (text)" and log.assumed["delimiter"] == "','"
    assert log.select([0]).assumed == log.assumed


def test_the_printed_line_can_be_left_out_and_obeys_no_terminal_codes(tmp_path, capsys):
    path = _csv(tmp_path / "log.csv", f"user,item\x1b[2J,timestamp\n1,2,{NOON}\n")
    read_events(path, item="item\x1b[2J")
    assert "item=item\\x1b[2J (integers)" in capsys.readouterr().err
    read_events(path, item="item\x1b[2J", verbose=False)
    assert capsys.readouterr().err == ""


def test_a_different_user_in_every_row_is_reported(tmp_path, capsys):
    read_events(_csv(tmp_path / "log.csv", f"user,item,ts\n1,2,{NOON}\n2,2,{NOON}\n"))
    assert "user=user (integers), a different one in every row;" in capsys.readouterr().err
    read_events(_csv(tmp_path / "log.csv", f"user,item,ts\n1,2,{NOON}\n1,2,{NOON}\n"))
    assert "different" not in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_guesses_chinese_names_in_either_encoding(tmp_path, encoding):
    text = "用户编号,商品ID,行为类型,时间\n张三,茶杯,购买,2020/9/13 12:26:40\n"
    log = read_events(_csv(tmp_path / "log.csv", text, encoding))
    assert _rows(log) == [["张三", "茶杯", NOON, "购买"]]


def test_nothing_is_guessed_once_user_and_item_are_named(tmp_path):
    path = _csv(tmp_path / "log.csv", "uid,sku,timestamp\n1,2,5\n")
    with pytest.raises(ValueError, match="`order`.*`timestamp`.*'uid', 'sku', 'timestamp'"):
        read_events(path, user="uid", item="sku")
    log = read_events(path, user="uid", item="sku", order="ordered")
    assert list(log.events.columns) == ["user", "item"]


def test_a_named_column_is_kept_beside_guessed_ones():
    columns = ["user", "uid", "item", "date"]
    expected = {"user": "uid", "item": "item", "timestamp": "date"}
    assert guess_columns(columns, {"user": "uid"}) == expected
    assert "timestamp" not in guess_columns(columns, {"user": "uid"}, ["timestamp"])


@pytest.mark.parametrize("columns", [["user", "item_id", "sku"], ["uid", "item", "date", "time"]])
def test_ambiguous_names_are_refused_with_the_candidates(columns):
    with pytest.raises(ValueError, match=rf"could be any of \['{columns[-2]}', '{columns[-1]}'\]"):
        guess_columns(columns)


def test_table_without_usual_names_is_refused():
    with pytest.raises(ValueError, match="No column.*`user`.*first row.*columns=\\['1', '1193'\\]"):
        guess_columns(["1", "1193"])


def test_ordered_file_is_not_sorted_by_a_time_it_carries(tmp_path):
    path = _csv(tmp_path / "log.csv", f"user,item,timestamp\n1,7,{NOON}\n1,8,{NOON - 9}\n")
    assert list(read_events(path, order="ordered").events) == ["user", "item"]
    log = read_events(path, timestamp="timestamp", order="ordered")
    assert _rows(log) == [[1, 7, NOON], [1, 8, NOON - 9]]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", " "])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_delimiter_is_found(tmp_path, delimiter, ending):
    text = ending.join(["user,item,timestamp", f"1,2,{NOON}", f"1,3,{NOON}", ""]).replace(
        ",", delimiter
    )
    assert _rows(read_events(_csv(tmp_path / "log.txt", text))) == [[1, 2, NOON], [1, 3, NOON]]


def test_quoted_text_may_hold_delimiters_and_line_ends(tmp_path):
    text = f'user;item;timestamp;note\n1;"a;b";{NOON};"two\nlines, here"\n1;c;{NOON};x,y\n'
    assert read_events(_csv(tmp_path / "log.csv", text)).events["item"].tolist() == ["a;b", "c"]


def test_gzip_and_parquet_equal_csv(tmp_path):
    text = f"user,item,timestamp\n1,2,{NOON}\n1,x,{NOON}\n"
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
    text = f"user,item,timestamp\n-5,007,{NOON}\n-6,7,{NOON}\n"
    log = read_events(_csv(tmp_path / "log.csv", text))
    assert log.events["user"].tolist() == ["-5", "-6"]
    assert log.events["item"].tolist() == ["007", "7"]


def test_order_inside_a_second_comes_from_the_milliseconds(tmp_path):
    text = f"user,item,timestamp\n1,7,{NOON}900\n1,8,{NOON}100\n1,9,{NOON}100\n"
    log = read_events(_csv(tmp_path / "log.csv", text))
    assert log.events["item"].tolist() == [8, 9, 7]
    assert set(log.events["timestamp"]) == {NOON}


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
    "missing id": ("user,item,timestamp\n1,2,5\n,2,4\n", {}, "`user`.*missing.*row 1, line 3"),
    "notation of spreadsheets": ("user,item,ts\n1.5E+18,2,5\n", {}, "`user`.*lost digits.*line 2"),
    "no year": ("user,item,date\n1,2,06-04\n", {}, "`date`.*`year`.*line 2"),
    "relative times": ("user,item,ts\n1,2,0\n1,3,5\n", {}, "`ts`.*`unit`.*order='ordered'"),
    "no kind": (
        "user,item,timestamp,city\n1,2,3,x\n",
        {"context": {"city": "int"}},
        "`context` must be.*'int'",
    ),
    "context as text": ("user,item,ts,city\n1,2,3,x\n", {"context": "city"}, "`context` must be"),
    "nobody": ("user,item,timestamp\n1,2,3\n-1,2,4\n", {}, "`user`.*-1 in row 1"),
    "no number": (f"user,item,rating,ts\n1,2,good,{NOON}\n", {}, "`rating`.*'good' in row 0"),
    "no order": ("user,item\n1,2\n", {}, "`order` is needed"),
    "wrong order": (f"user,item,ts\n1,2,{NOON}\n", {"order": "sorted"}, "Received: order='sorted'"),
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


# A header, rows, and arguments that tell how to read them.
TABLES = {
    "numbers and blanks": ("user,item,ts\n 7 ,a,1600000005\n7.0,b ,1600000000\n", {}),
    "dates": ("user,item,date\n7,01,13.9.2020\n8,1,12.9.2020\n", {}),
    "day first": ("user,item,date\n7,1,03/02/2023\n", {"dayfirst": True}),
    "format": ("user,item,date\n7,1,0203\n7,2,0102\n", {"date_format": "%m%d", "year": 2020}),
    "zone": ("user,item,time\n7,1,2020-09-13 08:00\n", {"timezone": "Asia/Tokyo"}),
    "unit": ("user,item,ts\n7,1,20\n7,2,10\n", {"unit": "s"}),
    "decimal": ('user,item,rating\n7,1,"4,5"\n7,2,\n', {"decimal": ",", "order": "unordered"}),
    "milliseconds": ("user,item,ts\n7,1,1600000000009\n7,2,1600000000003\n", {}),
    "action and context": (
        "user,item,event,cat,price,ts\n7,1,NA,01,1.5,1600000000\n7,2,2,1,,1600000000\n",
        {"action": "event", "context": {"cat": "text", "price": "number"}},
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_tables_in_memory_are_converted_as_files_are(tmp_path, case):
    text, options = TABLES[case]
    log = read_events(_csv(tmp_path / "log.csv", text), **options)
    frame = pd.read_csv(io.StringIO(text), dtype=object, keep_default_na=False)
    before = frame.copy()
    frame.index = [5] * len(frame)  # Labels of rows mean nothing.
    same = from_frame(frame, name="log", **options)
    pd.testing.assert_frame_equal(same.events, log.events)
    assert (same.order, same.name) == (log.order, log.name)
    assert {k: log.assumed[k] for k in same.assumed} == same.assumed
    pd.testing.assert_frame_equal(frame.reset_index(drop=True), before)


def test_typed_columns_of_a_table_in_memory_are_read():
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(["2020-09-13 12:26:40", "2020-09-13 12:26:39"]),
            "price": [1.5, 2.0],
            "liked": [True, False],
        },
        index=pd.Index([7, 8], name="user"),
    ).assign(item=pd.Categorical(["a", "b"]))
    log = from_frame(frame, "user", "item", "when", value="price", context=["liked"])
    assert _rows(log) == [[7, "a", NOON, 1.5, True], [8, "b", NOON - 1, 2.0, False]]


def test_context_columns_of_a_file_are_text_unless_said(tmp_path):
    text = f"user,item,ts,size,age\n1,1,{NOON},1,30\n1,2,{NOON},01,31\n1,3,{NOON},001,32\n"
    path = _csv(tmp_path / "log.csv", text)
    log = read_events(path, context=["size", "age"])
    assert log.events["size"].tolist() == ["1", "01", "001"]
    assert log.events["age"].tolist() == ["30", "31", "32"]
    log = read_events(path, context={"age": "number"})
    assert log.events["age"].tolist() == [30.0, 31.0, 32.0]


def test_what_is_no_clear_table_in_memory_is_refused():
    frame = pd.DataFrame({"user": [1], "item": [2], "ts": [NOON]})
    with pytest.raises(ValueError, match="`frame` must be a pandas DataFrame.*type=dict"):
        from_frame({"user": [1]})
    with pytest.raises(ValueError, match="Columns `item` stand twice.*columns="):
        from_frame(pd.concat([frame, frame[["item"]]], axis=1))
    with pytest.raises(ValueError, match=r"`mine` has no column \['uid'\]"):
        from_frame(frame, user="uid", name="mine")
    with pytest.raises(ValueError, match="has a header and no rows"):
        from_frame(frame[:0])
    with pytest.raises(ValueError, match="`ts`.*missing times.*in row 0"):
        from_frame(frame.assign(ts=pd.NaT))


IDS = ("12", "12.0", "007", "-5", "a", "Ａ1", "NA", " b ", "Up, the (2009)", 'say "hi"', "x;y")
TIMES = (
    lambda n: str(NOON + n),
    lambda n: f"{n % 28 + 1:02d}.{n % 12 + 1:02d}.2021",
    lambda n: f"2021{n % 12 + 1:02d}{n % 28 + 1:02d}",
)


def _or_error(read, *args, **options):
    """The events as lists, or the error without its place."""
    try:
        events = read(*args, **options, verbose=False).events
    except ValueError as error:
        return str(error).split(" Received")[0]
    return events.astype(object).where(events.notna(), None).to_dict("list")


@pytest.mark.parametrize("seed", range(12))
def test_a_table_and_its_files_become_the_same_log(tmp_path, seed):
    rng = np.random.default_rng(seed)
    written = rng.choice(IDS, rng.integers(1, 4), replace=False)
    count, when = rng.integers(1, 9), TIMES[rng.integers(len(TIMES))]
    frame = pd.DataFrame(
        {
            "user": rng.choice(written, count),
            "item": rng.choice(written[::-1], count),
            "at": [when(int(n)) for n in rng.integers(0, 99, count)],
            "action": rng.choice(["buy", "", "NA"], count),
            "rating": rng.choice(["4", "2.5", ""], count),
            "city": rng.choice(["Rome", "", " 01"], count),
        },
        dtype="str",
    )
    frame.to_csv(tmp_path / "log.csv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "log.parquet")
    named = dict(user="user", item="item", timestamp="at", action="action", value="rating")
    expected = _or_error(from_frame, frame, **named, context=["city"])
    for name in ("log.csv", "log.parquet"):
        assert _or_error(read_events, tmp_path / name, **named, context=["city"]) == expected


def test_an_index_named_like_a_column_is_refused():
    frame = pd.DataFrame({"user": [1], "item": [1], "time": [NOON]}).set_index("user", drop=False)
    with pytest.raises(ValueError, match="Columns `user` stand twice"):
        from_frame(frame)
