"""The environments of `make bench` can be installed: what is pinned is what the peers accept."""

import json
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

from benchmarks.competitors import PEERS

FILES = sorted(PEERS.glob("requirements*.txt"))
PYTHONS = ("3.11", "3.12", "3.13")  # As in pyproject.toml.
LARGE = ("torch",)  # Older versions of pip fetch the whole file for its requirements.


def requirements_in(path):
    """All requirements of a file and of those it includes."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("-r "):
            found += requirements_in(path.parent / line.removeprefix("-r ").strip())
        elif line:
            found.append(Requirement(line))
    return found


@pytest.fixture(scope="module")
def declared(tmp_path_factory):
    """What each pinned peer requires, by its name, from the package index; nothing is installed."""
    asked = {str(r) for path in FILES for r in requirements_in(path) if r.name not in LARGE}
    asked = {line for line in asked if not line.startswith("numpy")}
    report = tmp_path_factory.mktemp("pip") / "report.json"
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--quiet"]
    command += ["--ignore-installed", "--only-binary=:all:", "--retries=0", "--timeout=10"]
    ended = subprocess.run(
        [*command, "--report", str(report), *asked], capture_output=True, text=True
    )
    if "from versions: none" in ended.stderr:
        pytest.skip("No package index can be reached, so that nobody can say what peers require.")
    assert ended.returncode == 0, ended.stderr
    packages = [package["metadata"] for package in json.loads(report.read_text())["install"]]
    return {
        package["name"].lower(): [Requirement(line) for line in package["requires_dist"]]
        for package in packages
    }


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_pins_are_what_the_peers_accept(path, python, declared):
    """Each version in the file lies in the range that the other packages of the file ask for."""
    this = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    asked = [r for r in requirements_in(path) if r.marker is None or r.marker.evaluate(this)]
    pins = {r.name: next(iter(r.specifier)).version for r in asked}
    assert len(pins) == len(asked), "each package is pinned once"
    compared = 0
    for package in asked:
        for extra in package.extras or {""}:
            for needed in declared.get(package.name, ()):
                counts = needed.marker is None or needed.marker.evaluate({**this, "extra": extra})
                if counts and needed.name in pins:
                    message = f"{package.name} needs {needed}, {path.name} pins {pins[needed.name]}"
                    assert needed.specifier.contains(pins[needed.name]), message
                    compared += 1
    assert compared or "rectools" not in pins, "RecTools says what NumPy and PyTorch it needs"
