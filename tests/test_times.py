"""Times in every form that people bring, and those that are refused."""

from datetime import date, datetime, time, timedelta
from datetime import timezone as fixed

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from recmodels.data.times import TimeOptions, moment_seconds, to_seconds

# 2020-09-13 12:26:40 UTC is 1,600,000,000 seconds after 1970.
NOON = 1_600_000_000
DAY = "2020-09-13"
CHINA = fixed(timedelta(hours=8))


def _read(values, **options):
    values = values if isinstance(values, pd.Series) else pd.Series(values)
    seconds, exact, reading = to_seconds(values.rename("when"), TimeOptions(**options))
    assert seconds.dtype == np.int64
    return [str(pd.Timestamp(int(second), unit="s")) for second in seconds], exact, reading


def _objects(*values):
    return pd.Series(values, dtype=object)


def _arrow(value, kind):
    return pd.Series([value], dtype=pd.ArrowDtype(kind))


# What is read without an argument: values, the times as UTC, and a part of the reading.
READ = {
    "seconds": ([NOON], [f"{DAY} 12:26:40"], "s since 1970, UTC"),
    "milliseconds": ([NOON * 1000 + 999], [f"{DAY} 12:26:40"], "ms since"),
    "microseconds": ([NOON * 10**6], [f"{DAY} 12:26:40"], "us since"),
    "nanoseconds": ([NOON * 10**9], [f"{DAY} 12:26:40"], "ns since"),
    "fractions": ([NOON + 0.75], [f"{DAY} 12:26:40"], "s since"),
    "text": (["1600000000", "1600000005.5"], [f"{DAY} 12:26:40", f"{DAY} 12:26:45"], "s since"),
    "day digits": ([20200913], [f"{DAY} 00:00:00"], "%Y%m%d"),
    "hour digits": ([2020091312], [f"{DAY} 12:00:00"], "%Y%m%d%H"),
    "minute digits": (["202009131226"], [f"{DAY} 12:26:00"], "%Y%m%d%H%M"),
    "second digits": ([20200913122640], [f"{DAY} 12:26:40"], "%Y%m%d%H%M%S"),
    "ISO": (
        ["2020-09-13T12:26:40Z", "2020-09-13T14:26:40.5+02:00"],
        [f"{DAY} 12:26:40"] * 2,
        "own",
    ),
    "ISO, basic": (["20200913T122640Z"], [f"{DAY} 12:26:40"], "own zones"),
    "no zone": (
        ["2020-09-13 12:26", "2020-9-13"],
        [f"{DAY} 12:26:00", f"{DAY} 00:00:00"],
        "UTC, since",
    ),
    "west of Greenwich": (["2020-09-13T09:56:40-02:30"], [f"{DAY} 12:26:40"], "own zones"),
    "UTC spelled out": (["2020-09-13 12:26:40 UTC"], [f"{DAY} 12:26:40"], "own zones"),
    "slashes, year first": (["2020/9/13 1:02:03"], [f"{DAY} 01:02:03"], "year, month, day"),
    "dots": (
        ["03.02.2023", "04.02.2023"],
        ["2023-02-03 00:00:00", "2023-02-04 00:00:00"],
        "day.month",
    ),
    "slashes, a day above 12": (
        ["03/02/2023", "13/02/2023"],
        ["2023-02-03 00:00:00", "2023-02-13 00:00:00"],
        "day.month",
    ),
    "slashes, month first": (
        ["03/02/2023", "03/13/2023 1:05 PM"],
        ["2023-03-02 00:00:00", "2023-03-13 13:05:00"],
        "month/day",
    ),
    "equal in both orders": (["05/05/2023"], ["2023-05-05 00:00:00"], ""),
    "short year, dots": (["31.12.99"], ["1999-12-31 00:00:00"], "day.month"),
    "short year, month first": (["01/31/23"], ["2023-01-31 00:00:00"], "month/day"),
    "month and comma": (["09 13, 2020"], [f"{DAY} 00:00:00"], "month/day"),
    "names of months": (
        ["13 September 2020", "5 Sept. 2020"],
        [f"{DAY} 00:00:00", "2020-09-05 00:00:00"],
        "",
    ),
    "American": (["Sep 13, 2020 12:26 AM"], [f"{DAY} 00:26:00"], ""),
    "mail": (["Sun, 13 Sep 2020 12:26:40 GMT"], [f"{DAY} 12:26:40"], "own zones"),
    "Twitter": (["Sun Sep 13 12:26:40 +0000 2020"], [f"{DAY} 12:26:40"], "own zones"),
    "server log": (["13/Sep/2020:12:26:40 +0200"], [f"{DAY} 10:26:40"], "own zones"),
    "browser": (
        ["Sun Sep 13 2020 12:26:40 GMT+0800 (China Standard Time)"],
        [f"{DAY} 04:26:40"],
        "",
    ),
    "Chinese": (
        ["2020年9月13日 12:26", "2020年09月13日 下午3时5分", "2020年9月13日 星期日 8点"],
        [f"{DAY} 12:26:00", f"{DAY} 15:05:00", f"{DAY} 08:00:00"],
        "",
    ),
    "datetimes": (pd.Series(pd.to_datetime([DAY])), [f"{DAY} 00:00:00"], "UTC, since"),
    "datetimes with a zone": (
        pd.Series(pd.to_datetime([f"{DAY}T20:26:40+08:00"])),
        [f"{DAY} 12:26:40"],
        "own",
    ),
    "days": (_objects(date(2020, 9, 13)), [f"{DAY} 00:00:00"], ""),
    "objects with a zone": (
        _objects(datetime(2020, 9, 13, 20, tzinfo=CHINA)),
        [f"{DAY} 12:00:00"],
        "own",
    ),
    "periods": (
        pd.Series(pd.period_range("2020-09-13", periods=1, freq="D")),
        [f"{DAY} 00:00:00"],
        "",
    ),
    "Arrow times": (_arrow(datetime(2020, 9, 13, 12), pa.timestamp("ms")), [f"{DAY} 12:00:00"], ""),
    "Arrow days": (_arrow(date(2020, 9, 13), pa.date32()), [f"{DAY} 00:00:00"], ""),
    "categories": (pd.Series([DAY], dtype="category"), [f"{DAY} 00:00:00"], ""),
}


@pytest.mark.parametrize("case", READ)
def test_clear_times_become_utc_seconds(case):
    values, expected, part = READ[case]
    times, _, reading = _read(values)
    assert times == expected
    assert part in reading


# What an argument makes readable: values, arguments, the times as UTC.
TOLD = {
    "relative": (
        [0, 5, 12],
        {"unit": "s"},
        ["1970-01-01 00:00:00", "1970-01-01 00:00:05", "1970-01-01 00:00:12"],
    ),
    "days": ([18518], {"unit": "days"}, [f"{DAY} 00:00:00"]),
    "spreadsheet": (
        [44087.5, 44087.4375],
        {"unit": "excel"},
        [f"{DAY} 12:00:00", f"{DAY} 10:30:00"],
    ),
    "day first": (["03/02/2023"], {"dayfirst": True}, ["2023-02-03 00:00:00"]),
    "month first": (["03/02/2023"], {"dayfirst": False}, ["2023-03-02 00:00:00"]),
    "short year": (["13/02/23"], {"dayfirst": True}, ["2023-02-13 00:00:00"]),
    "format": (["23/02/13"], {"date_format": "%y/%m/%d"}, ["2023-02-13 00:00:00"]),
    "format of digits": (
        [9102100, 14102123],
        {"date_format": "%y%m%d%H"},
        ["2009-10-21 00:00:00", "2014-10-21 23:00:00"],
    ),
    "format with a zone": (
        ["13.9.2020 20:26 +0800"],
        {"date_format": "%d.%m.%Y %H:%M %z"},
        [f"{DAY} 12:26:00"],
    ),
    "year": (["09-13", "12-31"], {"year": 2020}, [f"{DAY} 00:00:00", "2020-12-31 00:00:00"]),
    "leap year": (["2月29日"], {"year": 2020}, ["2020-02-29 00:00:00"]),
    "year and order": (["06/04"], {"year": 2013, "dayfirst": True}, ["2013-04-06 00:00:00"]),
    "year and format": (["0913"], {"year": 2020, "date_format": "%m%d"}, [f"{DAY} 00:00:00"]),
    "zone": ([f"{DAY} 20:26:40"], {"timezone": "Asia/Shanghai"}, [f"{DAY} 12:26:40"]),
    "zone of some": (
        [f"{DAY}T12:26:40Z", f"{DAY} 20:26:40"],
        {"timezone": "Asia/Shanghai"},
        [f"{DAY} 12:26:40"] * 2,
    ),
    "zone of datetimes": (
        pd.to_datetime([f"{DAY} 20:26:40"]),
        {"timezone": "Asia/Shanghai"},
        [f"{DAY} 12:26:40"],
    ),
    "decimal comma": (["1600000000,5"], {"decimal": ","}, [f"{DAY} 12:26:40"]),
}


@pytest.mark.parametrize("case", TOLD)
def test_arguments_replace_guesses(case):
    values, options, expected = TOLD[case]
    assert _read(values, **options)[0] == expected


def test_text_in_several_blocks_is_read_as_one():
    blocks = pd.concat([pd.Series([f"{DAY} 12:26:40"], dtype="str")] * 3, ignore_index=True)
    assert blocks.array._pa_array.num_chunks == 3
    assert _read(blocks)[0] == [f"{DAY} 12:26:40"] * 3


def test_hours_that_a_clock_skips_or_doubles_are_counted():
    # New York skips 2:00 to 3:00 on 12 March and shows 1:00 to 2:00 twice on 5 November.
    times, _, reading = _read(
        ["2023-03-12 02:30", "2023-11-05 01:30", "2023-07-01 01:00"], timezone="America/New_York"
    )
    assert times == ["2023-03-12 07:00:00", "2023-11-05 05:30:00", "2023-07-01 05:00:00"]
    assert "1 in a skipped hour moved" in reading and "1 in a doubled hour" in reading


def test_exact_times_order_events_inside_a_second():
    assert _read([NOON, NOON + 1])[1] is None
    assert _read([f"{DAY} 12:26"])[1] is None
    for values in ([NOON * 1000 + 2, NOON * 1000 + 1], [f"{DAY}T12:26:40.2", f"{DAY}T12:26:40.1"]):
        times, exact, _ = _read(values)
        assert times[0] == times[1] and exact[0] > exact[1]


REFUSED = {
    "relative": ([0, 5, 12], "another start.*`unit`.*order='ordered'"),
    "years": ([2021, 2023], "look like a year.*date_format='%Y'"),
    "months": ([202212, 202301], "a year and a month.*date_format='%Y%m'"),
    "six digits": ([230115], "six digits.*date_format='%y%m%d'"),
    "short year and hour": ([14102100, 14102101], "eight digits.*date_format='%y%m%d%H'"),
    "day first digits": (["13092020"], "eight digits.*date_format='%d%m%Y'"),
    "spreadsheet": ([44927.5, 44928.25], "spreadsheet.*unit='excel'"),
    "days": ([19358], "days since 1970.*unit='days'"),
    "ticks since the year 1": ([638_000_000_000_000_000], "another start"),
    "ticks since 1601": ([133_000_000_000_000_000], "another start"),
    "rounded": (["1.58E+12", "1.59E+12"], "lost digits.*'1.58E\\+12' in row 0"),
    "short floats": (np.array([NOON], "float32"), "lost digits"),
    "mixed units": ([NOON, NOON * 1000, NOON], f"in s, the unit of most.*{NOON}000 in row 1"),
    "zero for unknown": ([NOON, NOON, 0], "between 1995 and 2100.*unit='s'.*0 in row 2"),
    "negative": ([NOON, -5], "outside 1970 to 2100.*-5 in row 1"),
    "endless": ([float(NOON), np.inf], "outside 1970 to 2100.*inf in row 1"),
    "no such day among digits": ([20230115, 20231315, 20230116], "%Y%m%d.*20231315 in row 1"),
    "junk among numbers": ([str(NOON), str(NOON), "soon"], "not numbers.*'soon' in row 2"),
    "junk": (["yesterday"], "cannot be read as a date.*`date_format`.*'yesterday' in row 0"),
    "junk among dates": ([DAY, "NA"], "like the first row.*'NA' in row 1"),
    "time of day": (["10:30", "10:31"], "times of day without a date.*'10:30' in row 0"),
    "month": (["2023-01"], "cannot be read as a date"),
    "no such zone": ([f"{DAY}T10:30+99:00"], "cannot be read as a date"),
    "letters for a zone": ([f"{DAY} 10:30 CST"], "cannot be read as a date"),
    "slashes": (
        ["03/02/2023", "04/02/2023"],
        "2023-02-03 as day.*2023-03-02 as month.*`dayfirst=True`",
    ),
    "hyphens": (["03-02-2023"], "`dayfirst=True`"),
    "comma": (["09 3, 2009"], "`dayfirst=True`"),
    "short year": (["13/02/23", "14/02/23"], "2023-02-13 as day.*2013-02-23 as year"),
    "no order fits": (["13/02/2023", "02/13/2023"], "do not exist.*'02/13/2023' in row 1"),
    "two forms": ([DAY, "13.01.2020"], "like the first row.*'13.01.2020' in row 1"),
    "two separators": (["13.01.2020", "13/01/2020"], "another separator.*'13/01/2020' in row 1"),
    "no such day": ([DAY, "2023-02-30"], "do not exist.*'2023-02-30' in row 1"),
    "hour 24": ([f"{DAY} 24:00"], "do not exist"),
    "hour 13 PM": ([f"{DAY} 13:00 PM"], "do not exist"),
    "no such month": (["13 Sol 2020"], "do not exist"),
    "no year": (["06-04", "06-05"], "no year.*`year`.*'06-04' in row 0"),
    "no year, Chinese": (["6月4日"], "no year.*'6月4日' in row 0"),
    "zones of some": (
        [f"{DAY}T12:26:40Z", f"{DAY} 12:26"],
        "without a time zone.*`timezone`.*row 1",
    ),
    "far future": ([DAY, "9999-12-31"], "outside 1970 to 2100.*row 1"),
    "missing number": (
        pd.Series([NOON, None], dtype="Int64"),
        "1 of 2 values that are missing.*row 1",
    ),
    "missing date": (pd.Series(pd.to_datetime([DAY, None])), "missing times.*NaT in row 1"),
    "empty": ([DAY, " "], "missing times.*row 1"),
    "truth values": ([True], "neither dates nor numbers"),
    "times of day as objects": (_objects(time(10, 3)), "neither dates nor numbers.*10:03:00"),
    "time differences": (pd.to_timedelta([5], unit="s"), "neither dates nor numbers"),
    "lists": (_objects([1]), "neither dates nor numbers"),
    "zones of some objects": (
        _objects(datetime(2020, 1, 1), datetime(2020, 1, 1, tzinfo=CHINA)),
        "neither",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_unclear_times_are_refused_with_what_to_give(case):
    values, message = REFUSED[case]
    with pytest.raises(ValueError, match=f"Column `when`.*{message}"):
        _read(values)


MISFITS = {
    "format": ([DAY, "soon"], {"date_format": "%Y-%m-%d"}, "not written as.*'soon' in row 1"),
    "digits of a format": (["2023011510"], {"date_format": "%Y%m%d%H%M"}, "12 digits"),
    "no format": ([DAY], {"date_format": "%Y%Q"}, "`date_format` must be written.*'%Y%Q'"),
    "format without a year": (["0604"], {"date_format": "%m%d"}, "`year` is needed"),
    "year of dates with one": ([DAY], {"year": 2020}, "have a year"),
    "no leap year": (["02-29"], {"year": 2013}, "do not exist"),
    "unit of dates": ([DAY], {"unit": "s"}, "`unit` has no meaning for a column of dates"),
    "zone of numbers": ([NOON], {"timezone": "UTC"}, "`timezone` has no meaning"),
    "order of numbers": ([NOON], {"dayfirst": True}, "`dayfirst` has no meaning"),
    "unknown zone": ([DAY], {"timezone": "Mars/Base"}, "`timezone` must be.*'Mars/Base'"),
    "order in words": ([DAY], {"dayfirst": "false"}, "`dayfirst` must be True or False.*'false'"),
    "year of two digits": (["06-04"], {"year": 13}, "`year` must lie in 1970 to 2100.*year=13"),
    "year in words": (["06-04"], {"year": "2013"}, "`year` must lie in.*'2013'"),
    "unknown unit": ([NOON], {"unit": "sec"}, "`unit` must be one of.*'sec'"),
    "unit too coarse": ([NOON], {"unit": "days"}, "outside 1970 to 2100"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_arguments_that_do_not_fit_are_refused(case):
    values, options, message = MISFITS[case]
    with pytest.raises(ValueError, match=message):
        _read(values, **options)


def test_moments_are_seconds_or_clear_dates():
    for moment in (NOON, np.int64(NOON), f"{DAY} 12:26:40", pd.Timestamp(NOON, unit="s")):
        assert moment_seconds(moment, "first") == NOON
    assert moment_seconds(date(2020, 9, 13), "first") == moment_seconds(DAY, "first")
    for moment in ("01/09/2020", "soon", "10:30", 2020, 20200913, NOON * 1000, True, None, 1.5):
        with pytest.raises(ValueError, match="`first` must be UTC seconds or a date.*first="):
            moment_seconds(moment, "first")


@pytest.mark.parametrize(
    "times",
    [
        pd.to_datetime([1_600_000_000, 1_600_000_001]),  # Seconds taken for nanoseconds.
        pd.to_datetime([1_600_000_000, 1_600_000_001], unit="ms"),
        ["1970-01-01 00:26:40", "1970-01-01 00:26:41"],
        ["2020-01-05", "1970-01-01", "2020-01-06"],  # What stands in for a missing time.
    ],
)
def test_dates_in_the_first_weeks_of_1970_are_refused(times):
    with pytest.raises(ValueError, match="first weeks of 1970.*`pd.to_datetime.*unit='s'"):
        to_seconds(pd.Series(times, name="at"))


def test_real_dates_of_1970_are_read_when_their_format_is_given():
    options = TimeOptions(date_format="%Y-%m-%d")
    assert to_seconds(pd.Series(["1970-01-02"]), options)[0].tolist() == [86_400]


def test_twelve_hours_need_to_say_which_half_of_the_day():
    with pytest.raises(ValueError, match="%I needs %p"):
        to_seconds(pd.Series(["2020-01-05 01:30"]), TimeOptions(date_format="%Y-%m-%d %I:%M"))
