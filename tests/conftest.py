"""What several test modules share."""

import functools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import eager_training

from recmodels.data.interactions import Interactions
from recmodels.data.registry import load

REAL_DATA = os.environ.get("RECMODELS_DATA") and Path(os.environ["RECMODELS_DATA"]).resolve()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: trains long or starts Python; runs with --slow only")
    config.addinivalue_line("markers", "backends: also run under JAX and PyTorch")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # The longest first, so that no worker is left alone with it at the end.
    items.sort(key=lambda item: "test_interruptions" not in item.nodeid)
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; without one the test is skipped."""
    if not REAL_DATA:
        pytest.skip("RECMODELS_DATA is not set")
    return REAL_DATA


@functools.cache
def _load_real(name: str, folder: Path) -> Interactions:
    return load(name, folder)


@pytest.fixture
def real_log(real_data: Path) -> Callable[[str], Interactions]:
    """Loads a real data set by name, once a session; never downloads.

    A set that is not in the folder is skipped on a laptop and fails where CI is set.
    """

    def read(name: str) -> Interactions:
        try:
            return _load_real(name, real_data)
        except FileNotFoundError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(error))

    return read


@pytest.fixture(scope="session")
def readme_example() -> str:
    """The example of the README, shortened to one epoch."""
    text = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shortened = example.replace("epochs=10", "epochs=1, verbose=False")
    assert shortened != example
    return shortened


@pytest.fixture
def eagerly() -> Iterator[None]:
    """See `eager_training`."""
    with eager_training():
        yield
