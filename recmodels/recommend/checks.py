"""Check the content of a bundle's files before it is used."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from recmodels.threads import ForkedProcessError

SPARSE_PARTS = ("data", "indices", "indptr", "shape")
_NAMES = {str: "a text", bool: "true or false", int: "a whole number", dict: "an object"}


class MalformedBundle(ValueError):
    """A file of a bundle does not hold what it must."""


def malformed(path: Path, field: str, rule: str, received) -> MalformedBundle:
    """The error for a field of a file; `rule` goes on from "must"."""
    shown = repr(received)
    shown = shown if len(shown) <= 200 else f"{shown[:200]}..."
    return MalformedBundle(
        f"`{field}` of {path.name} in the bundle must {rule}. Copy the bundle again from where it "
        f"was made, or save it again. Received: {field}={shown} in {str(path)!r}"
    )


@contextlib.contextmanager
def reading(path: Path, field: str) -> Iterator[None]:
    """Name the file and the field in every error that is raised while they are read.

    Errors of the operating system, such as a file that is not there, stay as they are.
    """
    try:
        yield
    except (MalformedBundle, ForkedProcessError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise malformed(path, field, "be as it was written", error) from error


def check_json(value, shape, path: Path, field: str = "content") -> None:
    """Raise a `MalformedBundle` unless a value of a JSON file has a shape.

    Args:
        value: from `parse_json`.
        shape: a type; a tuple of types and values, of which it must be one; or a dict with the
            shape of each field that an object must have.
        path: of the file.
        field: where in the file the value stands.
    """
    options = dict if isinstance(shape, dict) else shape
    options = options if isinstance(options, tuple) else (options,)
    # Types are compared exactly, so that True is no whole number.
    equal = (type(value) is type(option) and value == option for option in options)
    if type(value) not in options and not any(equal):
        wanted = [_NAMES.get(option, repr(option)) for option in options]
        raise malformed(path, field, f"be {' or '.join(wanted)}", value)
    for name, inner in shape.items() if isinstance(shape, dict) else ():
        inside = name if field == "content" else f"{field}.{name}"
        if name not in value:
            raise malformed(path, inside, "be there", sorted(value))
        check_json(value[name], inner, path, inside)


def check_array(array, axes: str, sizes: dict[str, int], path: Path, field: str) -> None:
    """Raise a `MalformedBundle` unless an array holds finite numbers and has a shape.

    Args:
        array: of any dtype and shape.
        axes: one character per axis: a digit is its length, a letter the key of its length.
        sizes: lengths by letter; letters that are met for the first time are added.
        path: of the file.
        field: name of the array in it.
    """
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise malformed(path, field, "hold finite numbers", array)
    _check_shape(array.shape, axes, sizes, path, field)


def _check_shape(shape: tuple, axes: str, sizes: dict[str, int], path: Path, field: str) -> None:
    wanted = [int(axis) if axis.isdigit() else sizes.get(axis) for axis in axes]
    fits = len(shape) == len(axes) and all(map(lambda w, n: w in (None, n), wanted, shape))
    if not fits:
        rule = f"have the shape ({', '.join('any' if w is None else str(w) for w in wanted)})"
        raise malformed(path, field, rule, shape)
    sizes |= {axis: n for axis, n in zip(axes, shape, strict=True) if axis.isalpha()}


def checked_sparse(parts: dict, axes: str, sizes: dict, path: Path, field: str) -> sparse.csr_array:
    """A sparse matrix from its stored parts, whose places all lie within it; see `check_array`."""
    for name in SPARSE_PARTS:
        part = f"{field}.{name}"
        if name not in parts:
            raise malformed(path, part, "be there", sorted(parts))
        check_array(parts[name], "2" if name == "shape" else "?", {}, path, part)
        if name != "data" and parts[name].dtype.kind != "i":
            raise malformed(path, part, "hold signed whole numbers", parts[name])
    shape = tuple(parts["shape"].tolist())
    _check_shape(shape, axes, sizes, path, f"{field}.shape")
    with reading(path, field):
        places = (parts["data"], parts["indices"], parts["indptr"])
        matrix = sparse.csr_array(places, shape=shape)
        matrix.check_format(full_check=True)  # The constructor looks at lengths alone.
    return matrix


def read_columns(path: Path, **rules: Callable[[pa.DataType], str | None]) -> pa.Table:
    """A Parquet file some of whose columns must be there, without missing values.

    Args:
        path: of the file.
        rules: for each of these columns, a function from its Arrow type to what it must hold
            instead, or None where it fits.
    """
    with reading(path, "content"):
        table = pq.read_table(path)
    for name, rule in rules.items():
        if table.column_names.count(name) != 1:
            raise malformed(path, name, "be one column", table.column_names)
        column = table[name]
        if (wanted := rule(column.type)) is not None:
            raise malformed(path, name, f"hold {wanted}", str(column.type))
        if column.null_count:
            raise malformed(path, name, "have no missing values", f"{column.null_count} missing")
    return table


def ids(kind: pa.DataType) -> str | None:
    """A rule of `read_columns`: raw ids."""
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return None if is_text or pa.types.is_integer(kind) else "texts or whole numbers"


def lists_of_items(kind: pa.DataType) -> str | None:
    """A rule of `read_columns`: item ids in lists."""
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return None if is_list and kind.value_type == pa.int32() else "lists of 32-bit whole numbers"
