"""Where files stand on this machine, and how they are written: whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DATA_VARIABLE = "RECMODELS_DATA"


def find_file(folder: Path, *names: str) -> Path | None:
    """The first of `names`, which may be patterns, that a folder holds, plain or gzipped."""
    for pattern in (f"{name}{packed}" for name in names for packed in ("", ".gz")):
        for candidate in sorted(folder.glob(pattern)):
            if candidate.is_file():
                return candidate
    return None


def data_roots() -> list[Path]:
    """Folders that may hold data sets, in the order to look: `RECMODELS_DATA`, then `data/`.

    Raises:
        ValueError: `RECMODELS_DATA` names a folder that does not exist.
    """
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        return [project_data()]
    if not Path(named).is_dir():
        raise ValueError(
            f"The environment variable `{DATA_VARIABLE}` must name a folder. Received: {named!r}"
        )
    return [Path(named), project_data()]


def project_data() -> Path:
    """The `data/` folder of the project one works in, from its top folder or from inside it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "data" / "README.md").is_file():
            return folder / "data"
    return here / "data"


@contextmanager
def written_whole(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary name to write under; the file takes its own name when the block ends well.

    A kill or a full disk leaves what was there before. The folder is made where it is missing.

    Example:
        >>> with written_whole("results/table.md") as unfinished:
        ...     unfinished.write_text("| model | ndcg@10 |")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
