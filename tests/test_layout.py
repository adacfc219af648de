"""Rules for all files: directions of imports, sizes, docstrings, imports and wording."""

import ast
import functools
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

from recmodels.tasks.losses import LOSSES

PACKAGE = Path(__file__).resolve().parent.parent / "recmodels"
FILES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = (
    "threads", "extras", "data", "features", "layers", "text", "models",
    "tasks", "training", "evaluation", "insights", "explain", "recommend", "scale", "plots",
    "course",
)  # fmt: skip
# Files at the top, and the folder of experiments, join all the others.
SEES_ALL = ("", "experiments")
# Besides TensorFlow through Keras: the adapter to TFRS, gradients of explanations, and what is
# served by TensorFlow alone.
MAY_IMPORT_TENSORFLOW = (
    "tasks/tfrs.py",
    "explain/gradients.py",
    "recommend/export.py",
    "recommend/export_behaviour.py",
    "recommend/export_columns.py",
)

# Wording that is hard to understand for readers who are not native speakers. Standard terms say it
# better: random, next to, in parallel, every user, per, optimum.
AVOIDED = re.compile(
    r"\b(whoever|somebody|everybody|beside|side by side|in vain|to rest|of late|pencil|rivals?"
    r"|the house|tell apart|told apart|hides? behind|stands? (in|for|beside)"
    r"|(one|a) (row|line|column|value|vector|bar|dot) an? "
    r"(user|item|row|query|line|seed|epoch|model|event|experiment|history))\b",
    re.IGNORECASE,
)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


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


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


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


def imports_that_point_right(path):
    """Modules of this package that a file imports though they come after its folder."""
    allowed = FOLDERS[: FOLDERS.index(folder_of(path)) + 1]
    for module in imports_of(parse(path)):
        first, *rest = module.split(".")
        if first == "recmodels" and (not rest or rest[0] not in allowed):
            yield f"{name_of(path)} imports {module}"


def test_imports_point_left_only():
    found = {p.name for p in PACKAGE.iterdir() if p.is_dir() and list(p.glob("*.py"))}
    assert found <= {*FOLDERS, *SEES_ALL}
    inside = [path for path in FILES if folder_of(path) not in SEES_ALL]
    assert not [line for path in inside for line in imports_that_point_right(path)]


def test_sizes():
    assert not [name_of(p) for p in FILES if p.read_text("utf-8").count("\n") > 300]
    every = [(own_lines(f), f"{name_of(p)}: {f.name}") for p in FILES for f in functions(parse(p))]
    assert not [line for line in every if line[0] > 40]
    assert sorted(every)[len(every) // 2][0] <= 14


def test_modules_and_public_functions_have_docstrings():
    trees = {name_of(path): parse(path) for path in FILES}
    assert not [n for n, tree in trees.items() if tree.body and not ast.get_docstring(tree)]
    public = {
        f"{name}: {node.name}": node
        for name, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name[0] != "_"
    }
    assert not [name for name, node in public.items() if ast.get_docstring(node) is None]


def test_backends_are_reached_through_keras_only():
    backends = {"tensorflow", "tf_keras", "tensorflow_recommenders", "jax", "torch"}
    imported = {name_of(p): {m.split(".")[0] for m in imports_of(parse(p))} for p in FILES}
    found = {name for name, modules in imported.items() if modules & backends}
    assert found <= set(MAY_IMPORT_TENSORFLOW)


def test_only_the_command_line_prints():
    calls = [(name_of(p), n) for p in FILES for n in ast.walk(parse(p)) if isinstance(n, ast.Call)]
    printed = [(n, c) for n, c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
    # Progress and warnings go to standard error, so that standard output holds results only.
    to_output = {name for name, c in printed if all(k.arg != "file" for k in c.keywords)}
    assert to_output <= {"cli.py", "__main__.py"}


def prose_of(path):
    """Comments and docstrings of a module; the text of a Markdown page without code and tables."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        text = re.sub(r"^```.*?^```$|^\|.*?$|`[^`]*`", "", text, flags=re.DOTALL | re.MULTILINE)
        return [" ".join(part.split()) for part in text.split("\n\n")]
    nodes = [n for n in ast.walk(parse(path)) if isinstance(n, DOCUMENTED)]
    comments = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    ]
    return [*comments, *(" ".join((ast.get_docstring(n) or "").split()) for n in nodes)]


def test_prose_uses_standard_terms():
    root = PACKAGE.parent
    pages = [root / "README.md", root / "CONTRIBUTING.md", *root.glob("docs/*.md")]
    texts = [*root.glob("notebooks/text/*.md"), *root.glob("notebooks/solutions/text/*.md")]
    assert not [
        f"{path.relative_to(root)}: {match[0]} in {part[:90]!r}"
        for path in (*FILES, *pages, *texts)
        for part in prose_of(path)
        if (match := AVOIDED.search(part))
    ]


def test_ruff_finds_nothing():
    for command in (["check"], ["format", "--check"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--quiet", "recmodels", "tests"]
        ended = subprocess.run(arguments, cwd=PACKAGE.parent, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_loss_has_a_hand_computed_test():
    tests = {f.name for f in functions(parse(Path(__file__).parent / "test_losses.py"))}
    assert not [name for name in LOSSES if f"test_{name}_by_hand" not in tests]


def test_data_and_its_card_do_without_keras(tmp_path):
    (tmp_path / "log.csv").write_text("user,item,timestamp\n1,5,1600000000\n")
    code = (
        "import sys, recmodels.features.histories; from recmodels.cli import data_card; "
        f"data_card({str(tmp_path / 'log.csv')!r}, ''); "
        "sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow', 'jax', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
