"""Any file that people have becomes the table that stands in it, or a sentence says why not."""

import bz2
import gzip
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from recmodels.data.sources import Budget
from recmodels.data.tables import read_table

HEAD = "user,item,timestamp\n"
ROWS = "1,tea,1600000000\n2,cup,1600000001\n"
EXPECTED = {"user": [1, 2], "item": ["tea", "cup"], "timestamp": [1_600_000_000, 1_600_000_001]}


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="log.csv", encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write_file


def lists(path, **options):
    """The columns as lists in which None is missing."""
    frame = read_table(path, **options).frame
    return frame.astype(object).where(frame.notna(), None).to_dict("list")


# Fields


def test_only_the_empty_field_is_missing_and_text_stays_as_written(write):
    text = "user,item,code,n\n1,NA,01,-0\n2,null,1,+5\n3,None,001,7\n4,,1e3,0x10\n"
    assert lists(write(text)) == {
        "user": [1, 2, 3, 4],
        "item": ["NA", "null", "None", None],
        "code": ["01", "1", "001", "1e3"],
        "n": ["-0", "+5", "7", "0x10"],
    }


def test_blanks_at_the_ends_are_no_part_of_names_and_fields(write):
    text = "user ,\u3000item,\u00a0note\n 1,tea\u3000, \n1 ,\u00a0cup,a b\n"
    assert lists(write(text)) == {"user": [1, 1], "item": ["tea", "cup"], "note": [None, "a b"]}


def test_a_column_becomes_text_where_one_late_field_is_no_number(write):
    count = 5_000  # Two blocks, of which only the last one holds the text.
    rows = [f"{n},5,{'x' * 1000}\n" for n in range(count)]
    frame = read_table(write("user,item,note\n" + "".join(rows) + "007,6,x\n")).frame
    assert [str(dtype) for dtype in frame.dtypes] == ["str", "int64", "str"]
    assert frame["user"].iloc[[1, count]].tolist() == ["1", "007"]


def test_numbers_beyond_64_bits_stay_text(write):
    big = str(2**63)
    assert lists(write(f"user,item\n{2**63 - 1},{big}\n"))["user"] == [2**63 - 1]
    assert lists(write(f"user,item\n1,{big}\n"))["item"] == [big]


# Quotes


@pytest.mark.parametrize(("size", "odd"), [(12, (3, 9)), (6000, (4500, 5800)), (9, (4,))])
def test_lone_quotes_are_text_and_swallow_no_row(write, size, odd):
    queries = ['"big tv' if n in odd else "cup" for n in range(size)]
    rows = [f"u{n}\t{query}\ti{n}\t{n}\n" for n, query in enumerate(queries)]
    table = read_table(write("user\tquery\titem\ttime\n" + "".join(rows)))
    assert table.frame["item"].tolist() == [f"i{n}" for n in range(size)]
    assert table.frame["query"][odd[0]] == '"big tv'
    assert table.assumed["quotes"] == "part of the text"


def test_a_field_that_would_run_over_whole_rows_is_text(write):
    text = 'user\tquery\ttime\n1\t"big tv\t7\n2\tcup\t8\n3\ttv big"\t9\n4\ttea\t9\n'
    assert lists(write(text))["query"] == ['"big tv', "cup", 'tv big"', "tea"]


def test_a_quote_that_swallows_a_field_of_its_line_is_text(write):
    path = write('user\tquery\titem\tn\n1\t"19 in\t24"\t"Up" again\n1\tx\ty\tz\n')
    assert lists(path)["n"] == ['"Up" again', "z"]
    assert lists(write('user\tq\titem\n1\t"19 in\t24"\n2\tx\ty\n'))["q"] == ['"19 in', "x"]


def test_quoted_fields_hold_delimiters_lines_and_quotes(write):
    text = '"user","note","item"\n1,"a, ""b""\n\nc",5\n1,"d\r\ne, f",6\n'
    expected = {"user": [1, 1], "note": ['a, "b"\n\nc', "d\r\ne, f"], "item": [5, 6]}
    assert lists(write(text)) == expected
    assert read_table(write(text)).line_of(1) == 5


@pytest.mark.parametrize(
    "text",
    [
        'user,item,n\n1,"a,b",1\n2,"tv,2\n3,cup,3\n4,"tv,4\n',  # Both kinds in one file.
        'user,item,n\n1,"a",1\n2,"tv,2\n3,cup,3\n',
        'user,item,n\n1,"a" b,1\n2,"c",2\n',
        'user,item,n\n1,"a\\"b, c",1\n',  # Escaped by a backslash.
    ],
)
def test_quotes_that_fit_no_reading_are_refused_with_the_line(write, text):
    with pytest.raises(ValueError, match=r"Quotes do not match in line [23] of `log.csv`"):
        read_table(write(text))


# Rows


@pytest.mark.parametrize("row", ["1,2", "1,2,3,4", "1,2,3,"])
@pytest.mark.parametrize("before", [1, 100_000])
def test_a_row_with_too_few_or_many_fields_is_refused_with_its_line(write, row, before):
    text = "user,item,time\n" + "1,2,3\n" * before + "\n" + row + "\n" + "1,2,3\n" * 9
    count = row.count(",") + 1
    with pytest.raises(ValueError, match=f"Line {before + 3} of `log.csv` has {count} fields"):
        read_table(write(text))


def test_lines_are_counted_as_an_editor_does(write):
    table = read_table(write("\n\nuser,item\n1,2\n\n3,4\n"))
    assert table.frame["user"].tolist() == [1, 3]
    assert [table.line_of(row) for row in (0, 1)] == [4, 6]


# Delimiters

DELIMITED = {
    "blanks in names": ("User ID,Item ID,Time Stamp\n1,5,16\n2,6,17\n", "','"),
    "blanks in times": ("user,item,time\n1,5,2020-01-01 10:00\n2,6,2020-01-02 11:00\n", "','"),
    "decimal commas": ("user;item;price\n1;5;3,5\n2;6;4,5\n", "';'"),
    "commas in titles": ("user\titem\n1\ttea, green\n2\tcup, blue\n", "'\\t'"),
    "two colons": ("user::item::at\n1::5::10:30\n2::6::11:30\n", "'::'"),
    "aligned": ("user   item   time\n   1      5   16\n  20     6   17\n", "blanks"),
    "one blank": ("user item time\n1 5 16\n2 6 17\n", "' '"),
}


@pytest.mark.parametrize("case", DELIMITED)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_delimiter_fits_all_rows(write, case, end):
    text, delimiter = DELIMITED[case]
    table = read_table(write(text.replace("\n", end)))
    assert table.assumed["delimiter"] == delimiter
    assert [name.lower().replace(" id", "") for name in table.columns[:2]] == ["user", "item"]
    assert len(table.frame) == 2 and table.frame.notna().all(axis=None)


def test_tabs_outrank_commas_that_fit_as_well(write):
    path = write("1\ttea, green\n2\tcup, blue\n")
    assert lists(path, names=["user", "item"])["item"] == ["tea, green", "cup, blue"]


def test_two_fitting_delimiters_are_refused_and_one_is_taken_when_named(write):
    path = write("1;5;3,5\n2;6;4,5\n")
    with pytest.raises(ValueError, match=r"`delimiter` must be given.*\[';', ','\]"):
        read_table(path, names=["user", "item", "price"])
    named = lists(path, names=["user", "item", "price"], delimiter=";")
    assert named["price"] == ["3,5", "4,5"]
    with pytest.raises(ValueError, match="`delimiter` must be what stands.*delimiter='#'"):
        read_table(path, delimiter="#", header=True)


# Headers


@pytest.mark.parametrize(
    "text",
    [
        "1,5,1600000000\n1,6,1600000001\n",
        "u1,i5\nu2,i6\n",
        "tom,tea,2020-01-01\ntim,cup,2020-01-02\n",
        "tom,tea\ntim,cup\ntom,cup\n",
        "tom,tea\ntim,cup\n",
        "A3EB,5555,5.0\nB7,66,4.0\n",
        "tom,tea,6月4日\ntim,cup,6月5日\n",
        "tom,tea,none\ntim,cup,5\ntom,pot,7\n",
        "u1,tea,none\nu2,cup,5\nu3,pot,7\n",
    ],
)
def test_no_first_event_is_lost_as_a_header(write, text):
    path = write(text)
    with pytest.raises(ValueError, match="first row of.*header=True or header=False.*`names`"):
        read_table(path)
    names = ["user", "item", "more"][: text.split("\n")[0].count(",") + 1]
    assert len(read_table(path, names=names, header=False).frame) == text.count("\n")
    assert len(read_table(path, header=True).frame) == text.count("\n") - 1


def test_names_beside_a_header_must_say_which_row_is_what(write):
    path = write(HEAD + ROWS)
    with pytest.raises(ValueError, match="first row.*like names.*header=True"):
        read_table(path, names=["a", "b", "c"])
    assert lists(path, names=["a", "b", "c"], header=True)["b"] == ["tea", "cup"]
    with pytest.raises(ValueError, match="`names` must name all 3 columns"):
        read_table(path, names=["a"])
    with pytest.raises(ValueError, match="`names` must be given"):
        read_table(path, header=False)


@pytest.mark.parametrize(
    "header", [",user,item", "user,item,feature1", "客户,货品,n", "who,what,rating", "c1,c2,c3"]
)
def test_rows_of_names_are_headers(write, header):
    assert read_table(write(header + "\n1,5,0.5\n2,6,0.7\n")).columns == header.split(",")


def test_a_header_in_the_middle_is_refused_and_its_words_are_not(write):
    with pytest.raises(ValueError, match="names of its columns in more than one row"):
        read_table(write("user,item,n\na,b,1\n user,item,n\nc,d,2\n"))
    assert lists(write("user,item,n\na,item,1\nuser,b,2\n"))["item"] == ["item", "b"]


def test_one_name_twice_is_refused(write):
    with pytest.raises(ValueError, match="Two columns.*'user', 'item', 'item'"):
        read_table(write("user,item, item\n1,2,3\n"), columns=["user"])


def test_only_wanted_columns_are_read(write):
    path = write(HEAD + ROWS)
    assert list(lists(path, columns=["timestamp", "user"])) == ["timestamp", "user"]
    assert list(lists(path, columns=lambda names: names[1:2])) == ["item"]
    with pytest.raises(ValueError, match=r"no column \['sku'\].*'user', 'item'"):
        read_table(path, columns=["sku"])


def test_recbole_headers_lose_their_types_and_lists_are_refused(write):
    path = write("user_id:token\titem_id:token\tpast:token_seq\n1\ti5\t7 8\n")
    table = read_table(path, columns=["user_id", "item_id"])
    assert table.columns == ["user_id", "item_id", "past"]
    assert table.assumed["header"] == "first row, RecBole types"
    with pytest.raises(ValueError, match=r"list in each row of \['past'\]"):
        read_table(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"header": "no"}, "`header` must be True or False"),
        ({"header": 0}, "`header` must be True or False"),
        ({"names": "user,item"}, "`names` must be a list"),
        ({"names": [1, 2]}, "`names` must be a list"),
        ({"delimiter": ""}, "`delimiter` must be text"),
        ({"delimiter": [","]}, "`delimiter` must be text"),
        ({"delimiter": '"'}, "`delimiter` must be text"),
        ({"encoding": 5}, "`encoding` must be one"),
        ({"encoding": "base64"}, "`encoding` must be one"),
    ],
)
def test_options_of_other_types_are_refused(write, options, message):
    with pytest.raises(ValueError, match=message):
        read_table(write(HEAD + ROWS), **options)


def test_any_letter_may_be_the_delimiter(write):
    assert lists(write("user¦item\n1¦a,b\n2¦c\n"), delimiter="¦")["item"] == ["a,b", "c"]


@pytest.mark.parametrize("blank", ["\n", "   \n", "\t\n", "\u3000\r\n"])
def test_lines_of_blanks_are_no_rows(write, blank):
    text = HEAD + "1,tea,1600000000\n" + blank + "2,cup,1600000001\n" + blank * 3
    table = read_table(write(blank + text))
    assert table.frame.to_dict("list") == EXPECTED
    assert table.line_of(1) == 5


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_byte_order_mark_are_detected(write, encoding):
    expected = {"user": ["Amélie", "张三"], "item": [1, 2]}
    assert lists(write("user,item\nAmélie,1\n张三,2\n", encoding=encoding)) == expected


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("latin-1", "Amélie"), ("cp1252", "café|"), ("cp1251", "чай"), ("big5", "張三"),
        ("shift_jis", "田中"), ("euc_kr", "김철수"), ("gb18030", "张三"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", [1, 60_000])
def test_unclear_encodings_are_refused_and_read_when_named(write, encoding, text, rows):
    path = write("user|item|n\n" + "1|x|2\n" * rows + f"1|{text.strip('|')}|2\n", "f", encoding)
    with pytest.raises(ValueError, match="`encoding` must be given.*Received: encoding=None"):
        read_table(path)
    frame = read_table(path, encoding=encoding).frame
    assert frame.iloc[-1].tolist() == [1, text.strip("|"), 2]


def test_a_chinese_header_settles_gb18030_for_every_row(write):
    path = write("用户|商品|n\n" + "1|x|2\n" * 90_000 + "1|茶\ue000|2\n", encoding="gb18030")
    table = read_table(path)
    assert table.frame["商品"].iloc[-1] == "茶\ue000" and table.assumed["encoding"] == "gb18030"


def test_escapes_of_another_encoding_are_refused(write):
    path = write(HEAD + "1,田中,3\n", encoding="iso2022_jp")
    with pytest.raises(ValueError, match="escapes.*`encoding` must be given"):
        read_table(path)
    assert lists(path, encoding="iso2022_jp")["item"] == ["田中"]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "utf-16", "klingon"])
def test_a_wrong_encoding_is_named(write, encoding):
    path = write(HEAD + "1,café,3\n", encoding="latin-1")
    with pytest.raises(ValueError, match=f"`encoding` must be.*encoding='{encoding}"):
        read_table(path, encoding=encoding)


# Forms


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_packed_files_read_like_plain_ones_whatever_they_are_called(write, tmp_path, monkeypatch):
    text = (HEAD + ROWS).encode()
    zipped(tmp_path / "c.zip", {"a/log.csv": text, "__MACOSX/a/._log.csv": "x", "a/.DS": "y"})
    for name, data in (("a.gz", gzip.compress(text)), ("b.txt", bz2.compress(text))):
        assert lists(write(data, name)) == EXPECTED
    monkeypatch.setenv("HOME", str(tmp_path))
    assert lists("~/c.zip") == EXPECTED


def test_an_archive_of_several_files_needs_one_named(tmp_path):
    path = zipped(tmp_path / "log.zip", {"a.csv": HEAD + ROWS, "b.csv": HEAD + "7,pot,5\n"})
    with pytest.raises(ValueError, match=r"one file of the archive.*\['a.csv', 'b.csv'\]"):
        read_table(path)
    assert lists(path / "b.csv")["item"] == ["pot"]
    with pytest.raises(ValueError, match="one file of the archive"):
        read_table(path / "c.csv")


@pytest.mark.parametrize("data", [b"PK\x03\x04junk", b"\x1f\x8bjunk", b"BZhjunk", b"PAR1junk"])
def test_damaged_files_are_one_sentence(write, data):
    with pytest.raises(ValueError, match="`log.csv` cannot be read as a table"):
        read_table(write(data * 9))


def test_workbooks_are_named_as_such(tmp_path):
    path = zipped(tmp_path / "log.xlsx", {"[Content_Types].xml": "x", "xl/workbook.xml": "y"})
    with pytest.raises(ValueError, match="workbook of a spreadsheet.*Save it as a CSV"):
        read_table(path)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_parts_of_a_folder_are_one_table(write, tmp_path, kind):
    for day, user in (("02", "b7"), ("01", "8")):
        folder = tmp_path / "logs" / f"day=2024-{day}"
        folder.mkdir(parents=True)
        frame = pd.DataFrame({"user": [user], "item": [int(day)]})
        getattr(frame, f"to_{kind}")(folder / f"part-0.{kind}", index=False)
    write("", "logs/_SUCCESS")
    write("junk", "logs/.part.crc")
    expected = {"user": ["8", "b7"], "item": [1, 2], "day": ["2024-01", "2024-02"]}
    assert lists(tmp_path / "logs") == expected
    assert lists(tmp_path / "logs" / "*" / f"*.{kind}", columns=["item"]) == {"item": [1, 2]}


def test_an_empty_path_is_not_the_folder_where_one_is(write, tmp_path, monkeypatch):
    write(HEAD + ROWS)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="`path` must name a file or folder"):
        read_table("")


def test_parts_are_read_in_counting_order(write, tmp_path):
    for number in (2, 10, 9):
        write(f"user,item\n1,{number}\n", f"logs/part-{number}.csv")
    assert lists(tmp_path / "logs")["item"] == [2, 9, 10]


@pytest.mark.parametrize("copy", ["a.csv.gz", "a.csv~", "a.csv.bak", "b.csv"])
def test_copies_among_parts_are_refused(write, tmp_path, copy):
    write("user,item\n1,5\n", "logs/a.csv")
    write("user,item\n7,5\n", "logs/c.csv")
    write("user,item\n1,5\n", "logs/day=1/a.csv")
    write("user,item\n1,5\n", f"logs/{copy}")
    with pytest.raises(ValueError, match=f"'a.csv' and '{copy}', which look like copies"):
        read_table(tmp_path / "logs")


def test_names_of_folders_are_columns_of_all_parts_or_of_none(write, tmp_path):
    write("user,item\n1,5\n", "logs/day=1/a.csv")
    write("user,item\n1,6\n", "logs/z.csv")
    with pytest.raises(ValueError, match="same columns.*'day'.*'z.csv'"):
        read_table(tmp_path / "logs")
    write("user,item\n1,6\n", "other/user=2/a.csv")
    with pytest.raises(ValueError, match=r"Columns \['user'\] are in `a.csv` and in the names"):
        read_table(tmp_path / "other")


def test_parts_need_the_same_columns_in_any_order(write, tmp_path):
    write("user,item\n1,5\n", "logs/a.csv")
    write("item,user\n6,2\n", "logs/b.csv")
    assert lists(tmp_path / "logs") == {"user": [1, 2], "item": [5, 6]}
    write("user,sku\n1,5\n", "logs/c.csv")
    with pytest.raises(ValueError, match="same columns.*'a.csv'.*'c.csv'"):
        read_table(tmp_path / "logs")
    with pytest.raises(FileNotFoundError, match="`path` does not exist.*nothing"):
        read_table(tmp_path / "logs" / "nothing*.csv")


def test_json_lines_keep_what_is_written(write):
    text = '{"user": 1, "n": 1.50, "ok": true}\n\n{"n": 2e3, "user": 20000000000000000000}\n'
    expected = {"user": ["1", "20000000000000000000"], "n": ["1.50", "2e3"], "ok": ["true", None]}
    for encoding in ("utf-8-sig", "utf-16"):
        assert lists(write(text, "log.jsonl", encoding)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"user": 1}\n{"user": {"id": 2}}\n', "Column 'user'.*dict"),
        ('{"user": 1}\n[2]\n', "Line 2 of"),
        ('{"user": 1}\n{"user": 1\n', "Line 2 of"),
        ('{"user": 1, "user": 2}\n', "Line 1 of.*stands twice"),
        ('[{"user": 1}, {"user": 2}]', "JSON array"),
    ],
)
def test_json_that_is_no_table_is_refused(write, text, message):
    with pytest.raises(ValueError, match=message):
        read_table(write(text, "log.json"))


def test_sequences_are_users_followed_by_items(write):
    path = write("7 5 9 5\n8\t9,4\n")
    assert lists(path, form="sequences") == {"user": [7, 7, 7, 8, 8], "item": [5, 9, 5, 9, 4]}
    with pytest.raises(ValueError, match="form='sequences'"):
        read_table(write("7 5 9 5\n8 9\n"))
    with pytest.raises(ValueError, match="Line 2.*user followed by items"):
        read_table(write("7 5\n8\n"), form="sequences")
    with pytest.raises(ValueError, match="`form` must be one of"):
        read_table(path, form="rows")


@pytest.mark.parametrize(
    "line",
    [
        "user items",
        "Customer ID,item",
        'u1,"a,b"',
        "1 [2, 3]",
        '{"1": [2, 3]}',
        "1: 2 3",
        "1 2:1600000000 3:1600000001",
        "1,2:4.5",
    ],
)
def test_lines_that_hold_more_than_ids_are_no_sequences(write, line):
    with pytest.raises(ValueError, match="Line 2 of .*as plain ids"):
        read_table(write(f"u7 i8\n{line}\n"), form="sequences")


def test_uris_are_items_of_sequences_and_options_of_rows_are_refused(write):
    path = write("7 spotify:track:12 a:b\n")
    assert lists(path, form="sequences")["item"] == ["spotify:track:12", "a:b"]
    for options in ({"header": True}, {"names": ["user", "item"]}):
        with pytest.raises(ValueError, match="have no meaning for form='sequences'"):
            read_table(path, form="sequences", **options)


# Parquet


def test_lists_become_one_row_per_element(tmp_path):
    columns = {"user": [1, 2, 3], "item": [[5, 6], [], [5]], "at": [[7, 8], [], [9]]}
    parquet.write_table(pa.table(columns), tmp_path / "log.parquet")
    expected = {"user": [1, 1, 3], "item": [5, 6, 5], "at": [7, 8, 9]}
    assert lists(tmp_path / "log.parquet") == expected
    parquet.write_table(pa.table(columns | {"at": [[7], [], [9]]}), tmp_path / "odd.parquet")
    with pytest.raises(ValueError, match=r"equally long.*\['item', 'at'\]"):
        read_table(tmp_path / "odd.parquet")
    assert lists(tmp_path / "odd.parquet", columns=["user", "at"])["at"] == [7, 9]


def test_parquet_keeps_types_index_and_large_integers(tmp_path):
    frame = pd.DataFrame(
        {
            "user": [2**60 + 1, 5, 9],
            "item": pd.Categorical([" tea", "", "cup"]),
            "n": pd.array([2**60 + 1, None, 3], "Int64"),
            "m": pd.array([2**63 + 1, None, 3], "UInt64"),
            "at": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"]),
        }
    )
    frame.set_index("user").to_parquet(tmp_path / "log.parquet")
    table = read_table(tmp_path / "log.parquet")
    assert table.typed and table.line_of(0) is None
    assert table.frame["user"].tolist() == [2**60 + 1, 5, 9]
    assert table.frame["item"][0] == "tea" and pd.isna(table.frame["item"][1])
    for column, first in (("n", 2**60 + 1), ("m", 2**63 + 1)):
        assert table.frame[column][0] == first and pd.isna(table.frame[column][1])
    assert table.frame["at"].dtype.kind == "M"


def test_structs_are_refused_where_they_are_wanted(tmp_path):
    parquet.write_table(pa.table({"user": [1], "x": [{"a": 1}]}), tmp_path / "log.parquet")
    assert lists(tmp_path / "log.parquet", columns=["user"]) == {"user": [1]}
    with pytest.raises(ValueError, match="Column 'x'.*flatten"):
        read_table(tmp_path / "log.parquet")


# Memory


@pytest.mark.parametrize("kind", ["gz", "zip", "parquet"])
def test_a_small_file_with_a_huge_table_is_refused_before_it_is_read(tmp_path, kind, monkeypatch):
    count = 150_000
    path = tmp_path / f"log.{kind}"
    if kind == "parquet":
        long = pa.array(["x" * 1000]).dictionary_encode()
        column = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), long.dictionary)
        parquet.write_table(pa.table({"user": pa.array([1] * count), "note": column}), path)
    else:
        text = b"user,note\n" + b"1,x\n" * count
        path.write_bytes(gzip.compress(text))
        if kind == "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("log.csv", text)
    assert path.stat().st_size < 100_000
    monkeypatch.setenv("RECMODELS_MEMORY_GB", "0.003")
    with monkeypatch.context() as patch:
        if kind == "parquet":  # Its size is known before the first batch is read.
            patch.setattr(Budget, "spend", lambda self, count: pytest.fail("read too late"))
        with pytest.raises(ValueError, match=f"`log.{kind}` needs .* GB of.*RECMODELS_MEMORY"):
            read_table(path)
    assert len(read_table(path, columns=["user"]).frame) == count
    monkeypatch.setenv("RECMODELS_MEMORY_GB", "much")
    with pytest.raises(ValueError, match="`RECMODELS_MEMORY_GB` must be a number"):
        read_table(path)


def test_endless_lines_are_refused(write):
    with pytest.raises(ValueError, match="a line is longer than 2 MB"):
        read_table(write(gzip.compress(b"user,item\n" + b"0" * (7 << 20)), "log.gz"))
