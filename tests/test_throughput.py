import json

import keras
import pytest
from typer.testing import CliRunner

from benchmarks import throughput as module
from benchmarks.__main__ import app
from benchmarks.scaling import Load, work
from benchmarks.throughput import (
    MODELS,
    backend_matmul_rate,
    chip,
    describe_throughput,
    throughput,
)

TINY = Load(length=4, num_items=20, width=4, num_blocks=3)


@pytest.fixture
def paced(monkeypatch):
    """A step takes 2 microseconds a position, on a chip that multiplies at 1 GFLOP/s."""
    found = {"microseconds": 2.0, "positions": 6_400.0}
    monkeypatch.setattr(module, "time_steps", lambda load, histories, steps: found)
    monkeypatch.setattr(module, "matmul_rate", lambda: 1e9)
    monkeypatch.setattr(module, "backend_matmul_rate", lambda: 5e8)


def test_has_the_requested_sizes():
    blocks = [(load.num_blocks, load.width, load.length) for load in MODELS.values()]
    assert blocks == [(2, 64, 200), (8, 256, 200), (8, 256, 1000)]


def test_tokens_and_share_by_hand_beside_other_chips(paced, tmp_path):
    (tmp_path / "scaling.json").write_text('{"large": 1, "throughput": {"jax on gpu:0": 2}}')
    found = throughput({"tiny": TINY}, steps=1, results=tmp_path)["throughput"]
    assert sorted(found) == sorted(["jax on gpu:0", chip()])
    row = found[chip()]["models"]["tiny"]
    assert row["tokens_per_second"] == 500_000
    # Of the faster of the two rates.
    assert row["share_of_matmul_rate"] == pytest.approx(work(TINY)["flops"] * 5e5 / 1e9, abs=1e-4)
    stored = json.loads((tmp_path / "scaling.json").read_text())
    assert stored == {"large": 1, "throughput": found}
    assert "500,000 tokens a second" in describe_throughput({"throughput": {"x": found[chip()]}})


@pytest.mark.backends
def test_a_chip_is_called_by_its_backend_and_place():
    assert chip().startswith(f"{keras.backend.backend()} on ")
    assert any(place in chip() for place in ("cpu", "gpu", "cuda", "mps"))


@pytest.mark.backends
def test_the_backend_multiplies_at_some_rate():
    assert 1e6 < backend_matmul_rate(64, 2) < 1e15


def test_more_blocks_are_more_work():
    deep, shallow = work(TINY), work(Load(length=4, num_items=20, width=4, num_blocks=1))
    assert deep["states"] == 3 * shallow["states"]
    assert deep["attention"] == 3 * shallow["attention"]


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_models_train_and_the_backend_multiplies(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.scaling.POSITIONS", 64)
    monkeypatch.setattr(module, "backend_matmul_rate", lambda: backend_matmul_rate(64, 2))
    found = throughput({"tiny": TINY}, steps=1, results=tmp_path)["throughput"][chip()]
    assert found["models"]["tiny"]["tokens_per_second"] > 0 and found["matmul_gflops"] > 0.01


def test_the_command(paced, tmp_path):
    where = ["scale", "--models", "--results", str(tmp_path)]
    done = CliRunner().invoke(app, where)
    assert done.exit_code == 0 and "8 blocks, width 256, length 1,000" in done.output
