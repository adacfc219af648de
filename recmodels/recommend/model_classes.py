"""The classes that files of a bundle may name, and the archives that are allowed."""

import importlib
import inspect
import re
import types
import typing
import zipfile
from pathlib import Path

from recmodels.recommend.checks import check_json, malformed, reading

PACKAGE = "recmodels."
# Modules that may be imported because a file names them: they hold classes and do nothing else.
_MODULES = re.compile(r"recmodels\.(layers|models|tasks)\.\w+")


class UnknownClass(Exception):
    """A file names a class that is none of this package, and not registered with Keras."""


def own_class(module: str, name: str) -> type:
    """A class of this package; no module is imported that it does not define."""
    if not _MODULES.fullmatch(module):
        raise UnknownClass(f"module={module!r}, class={name!r}")
    try:
        kind = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        raise UnknownClass(f"module={module!r}, {error}") from error
    if not isinstance(kind, type) or kind.__module__ != module:
        raise UnknownClass(f"module={module!r}, class={name!r}")
    return kind


def check_options(kind: type, options: dict, path: Path, field: str) -> None:
    """Check that options of a constructor have the types that it names, where these are plain."""
    for name, parameter in inspect.signature(kind).parameters.items():
        wanted = parameter.annotation
        choices = typing.get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
        if name in options and set(choices) <= {int, float, bool, str, type(None)}:
            allowed = (*choices, int) if float in choices else choices
            check_json(options[name], allowed, path, f"{field}.{name}")


def check_archive(path: Path, wanted: list[str] | None = None) -> None:
    """Check that an archive has each name once and no compressed file, which could be huge."""
    with reading(path, "content"), zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    names = sorted(entry.filename for entry in entries)
    if len(set(names)) < len(names) or names != (wanted or names):
        raise malformed(path, "content", f"be {wanted or 'distinct files'}", names)
    packed = [entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
    if packed:
        raise malformed(path, packed[0], "not be compressed", packed)
