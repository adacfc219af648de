"""Other backends than TensorFlow, and none of it."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

# Slow, because Keras and the package are imported in another process.
pytestmark = [pytest.mark.backends, pytest.mark.slow]

# Runs in a fresh process: the backend is chosen when Keras is first imported.
WITHOUT_TENSORFLOW = """
import importlib.abc, importlib.machinery, pkgutil, sys

class Blocked(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "tf_keras"):
            return importlib.machinery.ModuleSpec(name, self)

    def exec_module(self, module):
        raise ImportError(f"{module.__name__} is blocked")

sys.meta_path.insert(0, Blocked())
import numpy as np
import recmodels
for module in pkgutil.walk_packages(recmodels.__path__, "recmodels."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

from harness import make_log, random_lists
from recmodels.api import fit
from recmodels.data.splits import leave_one_out
from recmodels.features.sequences import prepare
from recmodels.models.sasrec import SASRec

data = prepare(leave_one_out(make_log(random_lists(4, 6, 5))))
curve = fit(SASRec(data.num_items, 3, 4, num_blocks=1), data, epochs=1, verbose=False)
assert np.isfinite(curve.rows[0]["loss"]) and 0 <= curve.rows[0]["score"] <= 1
assert "tensorflow" not in sys.modules
"""


def test_trains_where_tensorflow_cannot_be_imported():
    backend = keras.backend.backend()
    if backend == "tensorflow":
        backend = "jax"
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: run `pip install recmodels[{backend}]`")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(Path(__file__).parent)},
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
