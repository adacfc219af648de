"""Keras finds the classes of this package by itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import recmodels
from recmodels import keras_classes

DECORATED = re.compile(r"register_keras_serializable\(.recmodels.\)\nclass (\w+)")


def test_every_registered_class_is_in_the_table():
    package = Path(recmodels.__file__).parent
    found = {}
    for path in package.rglob("*.py"):
        if names := DECORATED.findall(path.read_text(encoding="utf-8")):
            found[".".join(path.relative_to(package).with_suffix("").parts)] = tuple(names)
    assert keras_classes._CLASSES == found


@pytest.mark.slow  # It imports Keras in another process.
@pytest.mark.parametrize("first", ["recmodels, keras", "keras, recmodels"])
def test_keras_loads_our_models_in_a_fresh_process(tmp_path, first):
    models = {
        "sasrec": recmodels.SASRec(5, max_length=4, width=4, num_blocks=1),
        "towers": recmodels.TwoTower(recmodels.Tower(3, 4), recmodels.Tower(5, 4), head="dot"),
    }
    for name, model in models.items():
        model.build()
        model.save(tmp_path / f"{name}.keras")
    code = (
        "import sys\n"
        "for name in ('sasrec', 'towers'):\n"
        "    model = keras.saving.load_model(f'{sys.argv[1]}/{name}.keras')\n"
        "    print(type(model).__module__, type(model).__name__)"
    )
    command = [sys.executable, "-c", f"import {first}\n{code}", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    classes = ["recmodels.models.sasrec SASRec", "recmodels.models.two_tower TwoTower"]
    assert done.stdout.splitlines() == classes


def test_importing_recmodels_does_not_change_keras():
    code = "import recmodels, sys; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
