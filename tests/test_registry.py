import gzip
import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from recmodels.data import registry
from recmodels.data.download import Download
from recmodels.data.registry import SOURCES, load

# One row a file is enough where only its place matters.
U_DATA = "196\t242\t3\t881250949\n186\t302\t5\t881250950\n"
FILED = [name for name, source in SOURCES.items() if source.layouts]
AT_HAND = ["ml-100k", "ml-1m", "ml-1m-sasrec", "ml-latest-small", "beauty", "sports", "deskdrop"]


def _write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Each test starts in an empty folder, with no data named and nothing to download."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("RECMODELS_DATA", raising=False)
    monkeypatch.setattr(registry, "download_folder", _no_download)


def _no_download(downloads, target):
    raise AssertionError(f"tried to download {downloads[0].url}")


def test_unknown_name_lists_the_known_and_the_near():
    with pytest.raises(ValueError, match=r"ml-latest-small.*mean 'ml-1m'.*Received: name='ML_1M'"):
        load("ML_1M")


def test_looks_in_folder_then_variable_then_project(tmp_path, monkeypatch):
    for place, events in (("named", 1), ("env", 2), ("work/data", 1)):
        lines = U_DATA.splitlines(keepends=True)[:events]
        _write(tmp_path / place / "ml-100k" / "u.data", "".join(lines))
    assert len(load("ml-100k")) == 1
    monkeypatch.setenv("RECMODELS_DATA", str(tmp_path / "env"))
    assert len(load("ml-100k")) == 2
    assert len(load("ml-100k", tmp_path / "named")) == 1
    assert len(load("ml-100k", tmp_path / "named" / "ml-100k")) == 1


def test_explicit_folder_is_the_only_one_looked_in(tmp_path):
    _write(tmp_path / "work" / "data" / "ml-100k" / "u.data", U_DATA)
    with pytest.raises(FileNotFoundError, match="u.data.*leave `folder` out to download"):
        load("ml-100k", tmp_path / "nowhere")


def test_project_data_is_found_from_a_folder_inside_the_project(tmp_path, monkeypatch):
    _write(tmp_path / "work" / "data" / "README.md", "# Data\n")
    _write(tmp_path / "work" / "data" / "ml-100k" / "u.data", U_DATA)
    (tmp_path / "work" / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "work" / "notebooks")
    assert len(load("ml-100k")) == 2


def test_missing_data_folder_is_an_error_not_a_download(tmp_path, monkeypatch):
    monkeypatch.setenv("RECMODELS_DATA", str(tmp_path / "gone"))
    with pytest.raises(ValueError, match="RECMODELS_DATA.*must name a folder"):
        load("ml-100k")


def test_set_without_open_address_says_where_to_get_it():
    with pytest.raises(FileNotFoundError, match=r"kaggle\.com.*put them into .*data/deskdrop"):
        load("deskdrop")


def test_downloads_and_unpacks_into_the_project(tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.delenv("RECMODELS_DATA", raising=False)
    with zipfile.ZipFile(tmp_path / "ml-100k.zip", "w") as archive:
        archive.writestr("ml-100k/u.data", U_DATA)
    sha256 = hashlib.sha256((tmp_path / "ml-100k.zip").read_bytes()).hexdigest()
    source = SOURCES["ml-100k"]
    address = Download((tmp_path / "ml-100k.zip").as_uri(), sha256)
    changed = replace(source, downloads=(address,))
    monkeypatch.setitem(SOURCES, "ml-100k", changed)
    assert len(load("ml-100k")) == 2
    assert (tmp_path / "work" / "data" / "ml-100k" / "u.data").read_text() == U_DATA


@pytest.mark.parametrize("name", FILED)
def test_every_file_set_says_how_to_get_it(name):
    source = SOURCES[name]
    assert bool(source.downloads) != bool(source.by_hand)
    assert all(d.url.startswith("https://") and len(d.sha256) == 64 for d in source.downloads)
    assert set(source.published) <= {"users", "items", "events"}


def test_ml_1m_with_four_columns_is_timed(tmp_path):
    _write(tmp_path / "ml-1m" / "ratings.dat", "1::10::5::978300760\n1::20::3::978300700\n")
    _write(tmp_path / "ml-1m" / "movies.dat", "10::Caf\xe9: A (1995)::Comedy|War\n", "latin-1")
    log = load("ml-1m", tmp_path)
    assert log.order == "timed"
    assert log.events["item"].tolist() == [20, 10]  # Time order, not file order.
    assert log.events["value"].tolist() == [3.0, 5.0]
    assert log.items.loc[10].tolist() == ["Caf\xe9: A (1995)", "Comedy|War"]


def test_ml_1m_with_three_columns_is_unordered(tmp_path):
    _write(tmp_path / "ratings_without_timestamps.dat.gz", "1::10::5\n1::20::3\n")
    log = load("ml-1m", tmp_path)
    assert log.order == "unordered"
    assert "timestamp" not in log.events


def test_ml_100k_genres_are_named(tmp_path):
    _write(tmp_path / "u.data", U_DATA)
    flags = [0] * 19
    flags[1] = flags[18] = 1  # Action and Western.
    row = "|".join(["242", "Kolya (1996)", "24-Jan-1997", "", "http://x", *map(str, flags)])
    _write(tmp_path / "u.item", row + "\n")
    assert load("ml-100k", tmp_path).items.loc[242].tolist() == ["Kolya (1996)", "Action|Western"]


def test_ml_latest_small_reads_its_headers(tmp_path):
    _write(tmp_path / "ratings.csv", "userId,movieId,rating,timestamp\n1,7,4.5,964982703\n")
    _write(tmp_path / "movies.csv", 'movieId,title,genres\n7,"Sabrina, (1995)",Comedy\n')
    log = load("ml-latest-small", tmp_path)
    assert log.events.iloc[0].tolist() == [1, 7, 4.5, 964982703]
    assert log.items.loc[7, "title"] == "Sabrina, (1995)"


def test_benchmark_file_keeps_its_order_and_reads_titles_from_its_folder(tmp_path):
    _write(tmp_path / "sasrec" / "ml-1m.txt.gz", "1 2\n1 1\n2 1\n")
    _write(tmp_path / "sasrec" / "sas_to_original_items.txt", "1 900\n2 50\n")
    _write(tmp_path / "ml-1m" / "movies.dat", "50::Usual Suspects::Crime\n900::An American::War\n")
    log = load("ml-1m-sasrec", tmp_path)
    assert (log.order, log.events["item"].tolist()) == ("ordered", [2, 1, 1])
    assert log.items.loc[[1, 2], "title"].tolist() == ["An American", "Usual Suspects"]


def test_beauty_from_its_sequences_alone_is_ordered(tmp_path):
    _write(tmp_path / "s3rec" / "Beauty.txt", "1 5 9 5\n2 9\n")
    log = load("beauty", tmp_path)
    assert log.order == "ordered"
    assert log.events.to_numpy().tolist() == [[1, 5], [1, 9], [1, 5], [2, 9]]


def test_sports_is_read_from_its_sequences(tmp_path):
    _write(tmp_path / "Sports_and_Outdoors.txt", "1 4 2\n2 2 9 4\n")
    log = load("sports", tmp_path)
    assert (log.name, log.order) == ("sports", "ordered")
    assert log.events[["user", "item"]].to_numpy().tolist() == [
        [1, 4], [1, 2], [2, 2], [2, 9], [2, 4]
    ]  # fmt: skip


def test_beauty_items_have_category_names_once(tmp_path):
    _write(tmp_path / "events.csv", "user_id,item_id,timestamp\n1,1,1318896000\n")
    line = '{"item_id": 1, "title": null, "categories": [["Beauty", "A", "B"], ["Beauty", "A"]]}\n'
    _write(tmp_path / "items.jsonl", line)
    assert load("beauty", tmp_path).items.loc[1].tolist() == ["", "A|B"]


def test_deskdrop_ids_are_text_and_actions_named(tmp_path):
    header = "timestamp,eventType,contentId,personId,sessionId,userAgent,userRegion,userCountry\n"
    _write(tmp_path / "users_interactions.csv", header + "1465413032,COMMENT CREATED,-3,-8,1,,,\n")
    _write(tmp_path / "shared_articles.csv", "contentId,title\n-3,Old\n-3,New\n")
    log = load("deskdrop", tmp_path)
    assert log.events[["user", "item", "action"]].iloc[0].tolist() == ["-8", "-3", "comment"]
    assert log.items.loc["-3", "title"] == "New"
    _write(tmp_path / "users_interactions.csv", header + "1465413032,SHARED,-3,-8,1,,,\n")
    with pytest.raises(ValueError, match=r"`action` of 'deskdrop'.*\['SHARED'\]"):
        load("deskdrop", tmp_path)


def test_taobao_leaves_out_impossible_times_and_says_so(tmp_path):
    rows = "1,10,100,pv,1511544070\n1,10,101,fav,1511544071\n1,11,100,buy,-2134949234\n"
    _write(tmp_path / "UserBehavior.csv", rows)
    with pytest.warns(UserWarning, match="left out 1 row "):
        log = load("taobao", tmp_path)
    assert log.events["action"].tolist() == ["view", "favourite"]
    assert log.items.loc[10, "category"] == "100|101"


@pytest.mark.parametrize("name", AT_HAND)
def test_real_counts_are_the_published(real_log, name):
    log = real_log(name)
    counts = {"users": log.num_users, "items": log.num_items, "events": len(log)}
    assert counts == SOURCES[name].published


def test_real_taobao_head(real_log):
    log = real_log("taobao")
    assert (log.num_users, log.num_items, len(log)) == (815, 55_368, 84_475)
    actions = log.events["action"].value_counts().to_dict()
    assert actions == {"view": 75_872, "cart": 4_497, "favourite": 2_356, "buy": 1_750}


def test_real_beauty_by_time_is_the_published_order(real_log, real_data):
    timed = real_log("beauty")
    published = load("beauty", real_data / "s3rec")
    assert (timed.order, published.order) == ("timed", "ordered")
    for column in ("user", "item"):
        assert (timed.events[column] == published.events[column]).all()


@pytest.mark.parametrize("name", ["ml-100k", "ml-1m", "ml-1m-sasrec", "ml-latest-small", "beauty"])
def test_real_items_all_have_titles_and_categories(real_log, name):
    log = real_log(name)
    texts = log.items.loc[log.events["item"].unique()]
    assert texts[["title", "category"]].notna().all(axis=None)


def test_the_data_page_has_every_set_and_checksum():
    page = (Path(__file__).parents[1] / "data" / "README.md").read_text(encoding="utf-8")
    for name in FILED:
        source = SOURCES[name]
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        assert all(f"`{part}`" in row for part in (name, *source.aliases, source.files[0]))
        assert all(f" {count:,} |" in row for count in source.published.values())
        for download in source.downloads:
            assert f"| `{download.filename}` | `{download.sha256}` |" in page
        assert (source.by_hand.split(" ")[0] or "Checksums") in page


def test_people_of_ml_100k_are_read_where_they_are(tmp_path):
    _write(tmp_path / "ml-100k" / "u.data", U_DATA)
    assert load("ml-100k", tmp_path).users is None
    _write(tmp_path / "ml-100k" / "u.user.gz", "196|49|M|writer|55105\n305|23|F|student|94086\n")
    log = load("ml-100k", tmp_path)
    assert log.users.loc[196].tolist() == [49, "M", "writer"]
    assert log.select([0]).users is log.users
