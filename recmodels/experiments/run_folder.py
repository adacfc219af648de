"""The folder of `recmodels run` and the choices stored in it."""

import json
from pathlib import Path

from recmodels.data.files import written_whole
from recmodels.data.registry import SOURCES
from recmodels.experiments.results import write_json
from recmodels.features.checks import digest

SOURCE = "dataset.txt"  # In a folder of a run: whose folder it is.
PACKED = (".gz", ".bz2", ".zip")


def run_folder(runs: Path, dataset: str) -> Path:
    """The folder of a data set's run: that of its name, unless another data set has it.

    Args:
        runs: the folder of all runs.
        dataset: a name `load` knows, or the path of a file.

    Example: `sales.2023.csv` has `runs/sales.2023`; another file of that name elsewhere has
    `runs/sales.2023-` followed by eight digits or letters that depend on its path.
    """
    name = Path(dataset).name
    if dataset not in SOURCES and not Path(dataset).is_dir():
        while Path(name).suffix in PACKED:
            name = Path(name).stem
        name = Path(name).stem
    folder, source = runs / name, full_name(dataset)
    note = folder / SOURCE
    if folder.exists() and not (note.is_file() and note.read_text("utf-8") == source):
        return runs / f"{name}-{digest([source])[:8]}"
    return folder


def full_name(dataset: str) -> str:
    """A known name, or the full path of a file or folder."""
    known = dataset in SOURCES or not Path(dataset).exists()
    return dataset if known else str(Path(dataset).resolve())


def take_folder(folder: Path, dataset: str) -> None:
    """Record the data set of a folder."""
    with written_whole(folder / SOURCE) as unfinished:
        unfinished.write_text(full_name(dataset), "utf-8")


class Choices:
    """The choices of a run, stored in a JSON file so that an interrupted run can continue.

    Args:
        path: of the file. One of another run, or that cannot be read, counts as empty.
        identity: of the run: its data and whatever decides its choices.

    Example:
        >>> choices = Choices(folder / "choices.json", identity)
        >>> choices.keep("ease", {"regularisation": 500.0})
        >>> choices.get("ease")
        {'regularisation': 500.0}
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.content = {"identity": identity}
        try:
            stored = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return
        if isinstance(stored, dict) and stored.get("identity") == identity:
            self.content = stored

    def get(self, key: str):
        """What was kept under a name, or None."""
        return self.content.get(key)

    def keep(self, key: str, value) -> None:
        """Add a value that JSON can hold and write the file."""
        self.content[key] = value
        write_json(self.path, self.content)

    def settle(self, key: str, value):
        """What was kept under a name by an interrupted run, or else the value, which is kept."""
        if self.get(key) is None:
            self.keep(key, value)
        return self.get(key)
