"""What the code promises as a whole: directions, sizes, and who may import what."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

from recmodels.tasks.losses import LOSSES

PACKAGE = Path(__file__).resolve().parent.parent / "recmodels"
FILES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = (
    "threads", "extras", "data", "features", "layers", "models",
    "tasks", "training", "evaluation", "recommend", "plots", "course",
)  # fmt: skip
# Files at the top, and the folder of experiments, join all the others.
SEES_ALL = ("", "experiments")
# Besides TensorFlow through Keras: the adapter to TFRS, and what is served by TensorFlow alone.
MAY_IMPORT_TENSORFLOW = ("tasks/tfrs.py", "recommend/export.py", "recommend/export_columns.py")


def folder_of(path):
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imports_of(tree):
    """Names of the modules imported anywhere in a file, those in functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda p: str(p.relative_to(PACKAGE)))


@functools.cache
def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def own_lines(function):
    """Lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def functions(tree):
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_every_folder_has_its_place():
    found = {p.name for p in PACKAGE.iterdir() if p.is_dir() and list(p.glob("*.py"))}
    assert found <= {*FOLDERS, *SEES_ALL}


@named([path for path in FILES if folder_of(path) not in SEES_ALL])
def test_imports_point_left_only(path):
    allowed = FOLDERS[: FOLDERS.index(folder_of(path)) + 1]
    for module in imports_of(parse(path)):
        parts = module.split(".")
        if parts[0] == "recmodels":
            assert len(parts) > 1 and parts[1] in allowed, f"{path.name} imports {module}"


@named(FILES)
def test_sizes_and_docstrings(path):
    text, tree = path.read_text(encoding="utf-8"), parse(path)
    assert text.count("\n") <= 300
    long = {f.name: own_lines(f) for f in functions(tree) if own_lines(f) > 40}
    assert not long
    assert not text or ast.get_docstring(tree), "a module begins with what it is"


@named(FILES)
def test_backends_are_reached_through_keras_only(path):
    backends = {"tensorflow", "tf_keras", "tensorflow_recommenders", "jax", "torch"}
    if str(path.relative_to(PACKAGE)) in MAY_IMPORT_TENSORFLOW:
        return
    assert not {module.split(".")[0] for module in imports_of(parse(path))} & backends


@named([path for path in FILES if path.name not in ("cli.py", "__main__.py")])
def test_only_the_command_line_prints(path):
    calls = [node for node in ast.walk(parse(path)) if isinstance(node, ast.Call)]
    printed = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
    # Progress and warnings go to standard error, where they spoil nobody's output.
    assert all(any(k.arg == "file" for k in call.keywords) for call in printed)


@named(FILES)
def test_public_functions_have_docstrings(path):
    tree = parse(path)
    public = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name[0] != "_"]
    assert not [f.name for f in public if ast.get_docstring(f) is None]


def test_median_function_is_short():
    lengths = sorted(own_lines(f) for path in FILES for f in functions(parse(path)))
    assert lengths[len(lengths) // 2] <= 14


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_a_hand_computed_test(name):
    tests = parse(Path(__file__).parent / "test_losses.py")
    assert f"test_{name}_by_hand" in {f.name for f in functions(tests)}


def test_data_and_its_card_do_without_keras(tmp_path):
    (tmp_path / "log.csv").write_text("user,item,timestamp\n1,5,1600000000\n")
    code = (
        "import sys, recmodels.features.histories; from recmodels.cli import data_card; "
        f"data_card({str(tmp_path / 'log.csv')!r}, ''); "
        "sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow', 'jax', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
