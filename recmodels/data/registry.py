"""Find and read data sets by name."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from recmodels.data.download import download_folder
from recmodels.data.errors import invalid
from recmodels.data.events import read_events
from recmodels.data.files import DATA_VARIABLE, data_roots, find_file, project_data
from recmodels.data.interactions import Interactions
from recmodels.data.public_sets import SOURCES, Source

if TYPE_CHECKING:
    from recmodels.data.shop import Shop
    from recmodels.data.shop_behaviour import BehaviourShop


def load(name: str, folder: str | Path | None = None) -> Interactions:
    """Load a known data set by its name.

    Looks in `folder`. Without one it looks in the folder that the environment variable
    `RECMODELS_DATA` names, then in the project's `data/`, to which missing files are downloaded.

    Args:
        name: one of `SOURCES`.
        folder: that of the data set itself, or one with data sets in it. No other folder is
            searched.

    Raises:
        ValueError: the name is not known, a file is not in the layout of its publisher, or a
            download arrived broken.
        FileNotFoundError: the files are not there and cannot be downloaded.

    Example:
        >>> load("shop").is_sequential
        True
    """
    if name not in SOURCES:
        near = difflib.get_close_matches(str(name).lower(), SOURCES, n=3)
        meant = f". Did you mean {' or '.join(map(repr, near))}?" if near else ""
        known = f"`name` must be one of {', '.join(SOURCES)}"
        raise invalid(f"{known}; read a file of your own with `read_events`{meant}", name=name)
    source = SOURCES[name]
    if not source.layouts:
        return open_log(name, {})[0]
    place = _locate(name, source, folder)
    missing = source.instead and not find_file(place, source.layouts[0].files)
    layouts = (source.instead,) if missing else source.layouts
    events = source.read(place, layouts, name)
    tables = source.items(place, events), source.users(place, events)
    return Interactions(events, layouts[0].order, name, *tables)


def open_log(
    dataset: str, columns: dict[str, str]
) -> tuple[Interactions, "Shop | BehaviourShop | None"]:
    """Open a known data set or the user's own file; a simulated shop is returned with its truth.

    Args:
        dataset: one of `SOURCES`, or the path of a file, folder or pattern of files.
        columns: arguments of `read_events` for files.
    """
    if dataset in SOURCES and not SOURCES[dataset].layouts:
        from recmodels.data.shops import SHOPS  # Here: files are read without it.

        shop = SHOPS[dataset]()
        return shop.interactions, shop
    is_path = Path(dataset).suffix or Path(dataset).exists() or set(dataset) & set("/*?~")
    if dataset in SOURCES or not is_path:
        return load(dataset), None
    return read_events(dataset, **columns), None


def _locate(name: str, source: Source, folder: str | Path | None) -> Path:
    """The folder with the files of a source, downloaded if need be."""
    roots = data_roots() if folder is None else [Path(folder)]
    folders = [name, *source.aliases]
    inside = [root / place for root in roots for place in folders]
    for place in inside if folder is None else [Path(folder), *inside]:
        if find_file(place, *source.files):
            return place
    target = project_data() / name
    if folder is None and source.downloads:
        return download_folder(source.downloads, target, source.files)
    home = f"get them from {source.by_hand}" if source.by_hand else "leave `folder` out to download"
    raise FileNotFoundError(
        f"The files of {name!r} ({' or '.join(source.files)}) are not there: {home} and put them "
        f"into {target if folder is None else folder}, or name their folder in `folder` or "
        f"{DATA_VARIABLE}. Received: name={name!r}, looked in {[str(place) for place in inside]}"
    )
