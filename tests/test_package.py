"""The package: its wheel, its declared dependencies and the names that editors complete.

python tests/test_package.py    writes recmodels/__init__.pyi
"""

import ast
import importlib
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import recmodels

ROOT = Path(__file__).resolve().parent.parent
STUB = ROOT / "recmodels" / "__init__.pyi"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# Loaded where Keras runs on them, or to see whether it does.
BACKENDS = {"jax", "torch"}


def stub() -> str:
    """Text of `recmodels/__init__.pyi`: the lazy names of `recmodels` as imports."""
    lines = [f"from {home} import {n} as {n}" for n, home in recmodels._HOMES.items()]
    lines += [f"from recmodels import {name} as {name}" for name in recmodels._PACKAGES]
    # As ruff sorts: by module, then constants such as HSTU before classes.
    lines.sort(key=lambda line: (line.split()[1], not line.split()[3].isupper(), line))
    return "\n".join([*lines, "", "__version__: str"]) + "\n"


def names(requirements):
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def test_editors_complete_the_lazy_names():
    assert STUB.read_text("utf-8") == stub(), "run `python tests/test_package.py`"


@pytest.mark.parametrize("name", recmodels._PACKAGES)
def test_packages_are_loaded_on_first_use(name):
    assert recmodels.__getattr__(name) is importlib.import_module(f"recmodels.{name}")
    assert name in dir(recmodels)


def imported_modules():
    """Top-level modules that the library imports, and those it imports for an extra."""
    always, optional = set(), set()
    for path in (ROOT / "recmodels").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                always |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                always.add(node.module.split(".")[0])
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_extra":
                module, extra = (argument.value for argument in node.args)
                optional.add((module.split(".")[0], extra))
    return always - sys.stdlib_module_names - {"recmodels"} - BACKENDS, optional


def test_every_imported_package_is_declared():
    always, optional = imported_modules()
    homes = packages_distributions()
    declared = names(PROJECT["dependencies"])
    assert not {m for m in always if not declared & set(map(canonicalize_name, homes[m]))}
    assert optional
    for module, extra in optional:
        assert names(EXTRAS[extra]) & set(map(canonicalize_name, homes.get(module, [module])))


def pins_of(path):
    """Pinned versions by package; every pin has a hash."""
    pins = {}
    for entry in path.read_text("utf-8").replace("\\\n", " ").splitlines():
        requirement, *hashes = entry.split(" --hash=sha256:")
        assert hashes, f"{path.name} holds a line without a hash: {entry}"
        requirement = Requirement(requirement.strip())
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        pins[canonicalize_name(requirement.name)] = specifier.version
    return pins


def test_pins_are_within_the_declared_ranges():
    pins = {}
    for path in ROOT.glob("requirements*.txt"):
        pins |= pins_of(path)
    lists = [PROJECT["dependencies"], *(EXTRAS[e] for e in EXTRAS if e != "torch")]
    for requirement in map(Requirement, [line for lines in lists for line in lines]):
        name = canonicalize_name(requirement.name)
        if name != "recmodels":
            assert pins[name] in requirement.specifier, f"{name}: run `make lock`"


@pytest.mark.slow
def test_the_wheel_runs_the_example_in_an_empty_environment(tmp_path, readme_example):
    source = tmp_path / "source"  # A build leaves files behind, which the next would take in.
    shutil.copytree(ROOT / "recmodels", source / "recmodels")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = zipfile.ZipFile(wheel).namelist()
    folders = {Path(name).parts[0] for name in inside}
    assert folders == {"recmodels", f"recmodels-{recmodels.__version__}.dist-info"}
    assert {"recmodels/__init__.pyi", "recmodels/py.typed"} < set(inside)
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, *pip[1:], "install", "--no-compile", wheel], check=True)
    subprocess.run([python, "-m", "pip", "check"], check=True)
    # Isolated (-I), so that the package comes from the wheel, not from the current folder.
    ran = subprocess.run([python, "-I", "-c", readme_example], check=True, capture_output=True)
    assert b"SASRec" in ran.stdout


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
