"""Read JSON lines, and lines of a user followed by items, as columns of text or whole numbers."""

import itertools
import json
import math
import re
from collections.abc import Iterator

import pyarrow as pa

from recmodels.data.columns import USUAL_NAMES
from recmodels.data.encodings import survey
from recmodels.data.errors import invalid, require
from recmodels.data.sources import Part
from recmodels.data.text_tables import Format, Opened, tidy

BATCH_LINES = 10_000
USER_NAMES = USUAL_NAMES["user"]
# Quotes, brackets and `item:number` in a line: it holds more than ids.
OTHER_FORM = re.compile(r"[\"\[\]{}]|(?:^|[\s,])[^\s,:]+:(?:\d+(?:\.\d+)?)?(?:[\s,]|$)")


def open_sequences(part: Part, given: Format) -> Opened:
    """A file with one user per line, followed by the items in order."""
    seen = survey(part, given.encoding)
    split = re.compile(re.escape(given.delimiter) if given.delimiter else r"[\s,]+").split

    message = "`header` and `names` have no meaning for form='sequences': leave them out"
    unused = not given.header and given.names is None
    require(unused, message, header=given.header, names=given.names)

    def lines() -> Iterator[tuple[str, list[str]]]:
        with part.text(seen.encoding) as file:
            for number, line in enumerate(file, 1):
                user, *items = split(line.strip())
                other = not items or OTHER_FORM.search(line) or user.lower() in USER_NAMES
                require(
                    not (user and other),
                    f"Line {number} of `{part.name}` must hold a user followed by items, as plain "
                    "ids: no names of columns, quotes, brackets, or numbers behind colons",
                    form="sequences",
                    line=line.strip()[:80],
                )
                yield user, items

    def blocks(columns: list[str]) -> Iterator[pa.Table]:
        for batch in _batched(lines()):
            users = [user for user, items in batch for _ in items]
            table = {"user": users, "item": [item for _, items in batch for item in items]}
            yield pa.table({c: tidy(pa.array(table[c], pa.string())) for c in columns})

    assumed = {"encoding": seen.encoding.removesuffix("-sig"), "form": "sequences"}
    assumed["delimiter"] = repr(given.delimiter or "blanks and commas")
    return Opened(["user", "item"], assumed, blocks)


def open_json(part: Part, given: Format) -> Opened:
    """A file with one JSON object per line; numbers stay as they are written."""
    seen = survey(part, given.encoding)

    def parsed() -> Iterator[dict]:
        with part.text(seen.encoding) as file:
            yield from (_parse(part, n, line) for n, line in enumerate(file, 1) if line.strip())

    names: dict[str, None] = {}
    for row in parsed():
        names.update(dict.fromkeys(row))

    def blocks(columns: list[str]) -> Iterator[pa.Table]:
        for batch in _batched(parsed()):
            lists = {name: [row.get(name) for row in batch] for name in columns}
            yield pa.table({c: _json_column(part, c, values) for c, values in lists.items()})

    assumed = {"encoding": seen.encoding.removesuffix("-sig"), "form": "JSON lines"}
    return Opened(list(names), assumed, blocks)


def _batched(rows: Iterator) -> Iterator[list]:
    while batch := list(itertools.islice(rows, BATCH_LINES)):
        yield batch


def _parse(part: Part, number: int, line: str) -> dict:
    try:
        as_written = dict.fromkeys(("parse_int", "parse_float", "parse_constant"), str)
        row = json.loads(line, object_pairs_hook=distinct_names, **as_written)
        if isinstance(row, dict):
            return row
        raise ValueError("it is no object")
    except ValueError as error:
        must = f"Line {number} of `{part.name}` must be one JSON object: {error}"
        raise invalid(must, line=line.strip()[:80]) from error


def distinct_names(pairs: list[tuple]) -> dict:
    """The object of some pairs, for `object_pairs_hook` of `json`; a `ValueError` for repeats."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"a name stands twice among {names[:10]}")
    return dict(pairs)


def _json_column(part: Part, name: str, values: list) -> pa.Array:
    """A column of text, or of lists of text."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {str, bool}:
        return tidy(pa.array([_text(value) for value in values], pa.string()))
    plain = (str, bool, type(None))
    if kinds == {list} and all(isinstance(v, plain) for row in values for v in row or ()):
        lists = [None if row is None else [_text(value) for value in row] for row in values]
        return pa.array(lists, pa.list_(pa.string()))
    must = "must hold numbers and text, or lists of them, in all rows"
    types = sorted(kind.__name__ for kind in kinds)
    raise invalid(f"Column {name!r} of `{part.name}` {must}", types=types)


def _text(value: str | bool | None) -> str | None:
    return str(value).lower() if isinstance(value, bool) else value


def parse_json(text: str | bytes):
    """JSON as the standard has it: finite numbers of 64 bits, every name once.

    Raises:
        ValueError: it is not.
    """

    def bounded(digits: str) -> int:
        number = int(digits)
        if not -(2**63) <= number < 2**63:
            raise ValueError(f"{digits[:40]} does not fit into 64 bits")
        return number

    def finite(digits: str) -> float:
        number = float(digits)
        if not math.isfinite(number):
            raise ValueError(f"{digits[:40]} is no finite number")
        return number

    numbers = {"parse_int": bounded, "parse_float": finite, "parse_constant": finite}
    return json.loads(text, object_pairs_hook=distinct_names, **numbers)
