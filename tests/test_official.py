"""Logs of public contests and shops in the layout of their publishers; the rows are made up."""

import gzip

import pandas as pd
import pytest

from recmodels.data.registry import SOURCES, load

T = 1_400_000_000  # 2014-05-13 16:53:20 UTC.
REES46 = (
    "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
)
BRAND = """user_id,brand_id,type,visit_datetime
7,21,0,6月4日
7,20,3,4月15日
5,20,1,6月4日
7,22,2,6月4日
"""
# By set: its files, and the events that must come out as (user, item, timestamp, action or value).
SETS = {
    "tianchi-brand": (
        {"t_alibaba_data.csv": BRAND.encode("gb18030")},
        [
            (5, 20, 1_370_304_000, "buy"),
            (7, 20, 1_365_984_000, "cart"),
            (7, 21, 1_370_304_000, "click"),  # The order inside a day is that of the file.
            (7, 22, 1_370_304_000, "favourite"),
        ],
    ),
    "retailrocket": (
        {
            "events.csv": "timestamp,visitorid,event,itemid,transactionid\n"
            f"{T}900,1,transaction,9,44\n{T}100,1,addtocart,9,\n{T}050,1,view,8,\n"
        },
        [(1, 8, T, "view"), (1, 9, T, "cart"), (1, 9, T, "buy")],
    ),
    "rees46": (
        {
            "2019-Oct.csv": REES46 + "2019-10-31 23:59:59 UTC,view,5,20,a.b,acme,1.50,8,s-1\n",
            "2019-Oct.csv.gz": REES46,  # The same month again.
            "2019-Nov.csv.gz": REES46 + "2019-11-01 00:00:00 UTC,purchase,5,20,,,1.50,8,s-1\n",
        },
        [(8, 5, 1_572_566_399, "view"), (8, 5, 1_572_566_400, "buy")],
    ),
    "cosmetics": (
        {
            "2020-Jan.csv": REES46 + "2020-01-01 00:00:01 UTC,cart,5,20,,,1,8,\n",
            "2019-Dec.csv": REES46 + "2019-12-31 00:00:00 UTC,remove_from_cart,5,20,,,-1,8,s\n",
        },
        [(8, 5, 1_577_750_400, "remove from cart"), (8, 5, 1_577_836_801, "cart")],
    ),
    "yoochoose": (
        {
            "yoochoose-clicks.dat": "3,2014-05-13T16:53:20.500Z,11,0\n"
            "3,2014-05-13T16:53:19.000Z,12,S\n",
            "yoochoose-buys.dat": "3,2014-05-13T16:53:20.100Z,12,1046,1\n",
        },
        [(3, 12, T - 1, "click"), (3, 12, T, "buy"), (3, 11, T, "click")],
    ),
    "otto": (
        {
            "train.jsonl": f'{{"session":4,"events":[{{"aid":9,"ts":{T}500,"type":"orders"}},'
            f'{{"aid":8,"ts":{T}100,"type":"carts"}}]}}\n{{"session":3,"events":[]}}\n'
        },
        [(4, 8, T, "cart"), (4, 9, T, "buy")],
    ),
    "video-games-2014": (
        {"ratings_Video_Games.csv": f"AB1,0439381673,5.0,{T}\nAB1,5555991584,1.0,{T - 1}\n"},
        [("AB1", "5555991584", T - 1, 1.0), ("AB1", "0439381673", T, 5.0)],
    ),
    "video-games-2018": (
        {"Video_Games.csv": f"0439381673,AB1,5.0,{T}\n5555991584,AB1,1.0,{T - 1}\n"},
        [("AB1", "5555991584", T - 1, 1.0), ("AB1", "0439381673", T, 5.0)],
    ),
    "video-games-2023": (
        {
            "Video_Games.csv": "user_id,parent_asin,rating,timestamp\n"
            f"AE2,B01,5.0,{T}900\nAE2,B02,4.0,{T}100\n"
        },
        [("AE2", "B02", T, 4.0), ("AE2", "B01", T, 5.0)],
    ),
}


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


@pytest.mark.parametrize("name", SETS)
def test_events_come_out_in_time_order_under_our_names(tmp_path, name):
    files, expected = SETS[name]
    write(tmp_path / name, files)
    log = load(name, tmp_path)
    columns = ["user", "item", "timestamp", "action" if "action" in log.events else "value"]
    assert list(log.events[columns].itertuples(index=False, name=None)) == expected
    assert (log.name, log.order) == (name, "timed")


def test_every_set_has_an_example_here_or_in_the_tests_of_the_registry():
    others = {"ml-100k", "ml-1m", "ml-1m-sasrec", "ml-latest-small"}
    others |= {"beauty", "sports", "deskdrop", "taobao"}
    assert set(SETS) | others == {name for name, source in SOURCES.items() if source.layouts}


def test_further_columns_keep_their_types(tmp_path):
    write(tmp_path / "yoochoose", SETS["yoochoose"][0])
    events = load("yoochoose", tmp_path).events
    assert events["price"].tolist()[1] == 1046 and pd.isna(events["price"][0])
    assert events["category"][0] == "S" and pd.isna(events["category"][1])
    write(tmp_path / "rees46", SETS["rees46"][0])
    events = load("rees46", tmp_path).events
    assert events[["category", "brand", "price"]].iloc[0].tolist() == ["a.b", "acme", 1.5]


def test_only_clicks_are_read_without_the_buys(tmp_path):
    write(tmp_path, {"yoochoose-clicks.dat": SETS["yoochoose"][0]["yoochoose-clicks.dat"]})
    assert load("yoochoose", tmp_path).events["action"].tolist() == ["click", "click"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("tianchi-brand", b",2,", b",7,"),
        ("retailrocket", "addtocart", "addtolist"),
        ("cosmetics", "remove_from_cart", "removed"),
        ("otto", "carts", "cart"),
    ],
)
def test_an_unknown_action_is_refused_by_its_code(tmp_path, name, old, new):
    write(tmp_path, {file: text.replace(old, new) for file, text in SETS[name][0].items()})
    code = (new if isinstance(new, str) else new.decode()).strip(",")
    with pytest.raises(ValueError, match=rf"`action` of '{name}'.*Received: action=\['{code}'\]"):
        load(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("tianchi-brand", b"4\xd4\xc215", b"4\xd4\xc231"),  # The 31st of April.
        ("retailrocket", f"{T}050", ""),
        ("cosmetics", "2019-12-31", "31.12.2019"),
        ("yoochoose", "2014-05-13T16:53:20.500Z", ""),
        ("otto", f"{T}500", "null"),
        ("otto", f"{T}500", str(T)),  # Seconds among milliseconds.
        ("retailrocket", f"{T}050", str(T)),
        ("video-games-2023", f"{T}900", str(T)),
    ],
)
def test_times_that_cannot_be_read_are_refused(tmp_path, name, old, new):
    write(tmp_path, {file: text.replace(old, new) for file, text in SETS[name][0].items()})
    with pytest.raises(ValueError, match=f"`timestamp` of '{name}' must hold times"):
        load(name, tmp_path)


def test_video_games_of_another_year_are_not_read_with_swapped_columns(tmp_path):
    write(tmp_path / "video-games-2018", SETS["video-games-2023"][0])
    write(tmp_path / "video-games-2023", SETS["video-games-2018"][0])
    for name in ("video-games-2018", "video-games-2023"):
        with pytest.raises(ValueError, match="first row of `Video_Games.csv`"):
            load(name, tmp_path)
    write(tmp_path / "video-games-2018", SETS["video-games-2014"][0])
    old = tmp_path / "video-games-2018" / "ratings_Video_Games.csv"
    old.rename(old.with_name("Video_Games.csv"))
    with pytest.raises(ValueError, match="`user` of 'video-games-2018' must.*begin with A"):
        load("video-games-2018", tmp_path)


def test_ids_and_numbers_are_read_as_in_other_logs(tmp_path):
    rows = f"timestamp,visitorid,event,itemid,transactionid\n{T}1,7,view,9,\n{T}2,7.0,view,9,\n"
    write(tmp_path / "retailrocket", {"events.csv": rows.replace(f"{T}", f"{T}00")})
    assert load("retailrocket", tmp_path).num_users == 1
    files = {"2019-Oct.csv": REES46 + "2019-10-31 23:59:59 UTC,view,5,20,,,inf,8,s\n"}
    write(tmp_path / "rees46", files)
    with pytest.raises(ValueError, match="Column `price`.*'inf' in row 0"):
        load("rees46", tmp_path)
