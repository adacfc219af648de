"""The next behaviour from sentences, against the ceiling of the simulated shop.

python -m recmodels.experiments.sentences     runs what results/sentences.json lacks
"""

import argparse
import itertools
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from recmodels.api import fit
from recmodels.data.files import write_json
from recmodels.data.shop_behaviour import BehaviourShop, simulate_behaviour
from recmodels.data.splits import leave_one_out
from recmodels.evaluation.ceilings import BayesEvents
from recmodels.evaluation.ranking import ask
from recmodels.experiments.markdown import markdown_lines
from recmodels.experiments.stored import read_json
from recmodels.features.columns import Category
from recmodels.features.schema import Schema
from recmodels.features.sequences import Queries, SequenceData, prepare
from recmodels.models.event_floors import MajorityType
from recmodels.models.event_forecast import EventForecast
from recmodels.models.masked_language import MaskedLanguage
from recmodels.models.next_event import NextEvent
from recmodels.models.sentence_encoder import SentenceEncoder, build_sentence_encoder
from recmodels.text.leaks import text_leaks
from recmodels.text.sentences import template_for
from recmodels.text.word_pieces import WordPieces

ROWS = 256  # Forecast at once.
# No dropout: after these epochs the loss of the training events is still that of the others.
ENCODER = {
    "max_length": 12, "width": 64, "num_blocks": 2, "num_heads": 2, "hidden_width": 128,
    "dropout": 0.0,
}  # fmt: skip
PRE_TRAINING = {"epochs": 20, "learning_rate": 3e-3, "schedule": "cosine", "warmup": 100}
TRAINING = {
    "windows": "prefixes", "prefixes": 12, "batch_size": 64, "epochs": 6, "learning_rate": 3e-3,
    "schedule": "cosine", "warmup": 100, "encoder_rate": 0.5,
}  # fmt: skip
LONGER = 5  # Times the epochs of the others, as their validation score still rises.
WAYS = (
    *("full", "frozen", "partial", "lora", "without pre-training", "wrong tokenizer"),
    "full, longer",
)


def measure_behaviours(model, queries: Queries) -> dict[str, float]:
    """How well the next type and item are predicted together.

    Returns:
        `log_likelihood`, nats per event; `hr@10` and `ndcg@10` among all pairs of type and item.
    """
    logs, ranks = [], []
    for start in range(0, len(queries), ROWS):
        rows = np.arange(start, min(start + ROWS, len(queries)))
        joint = model.next_event(ask(model, queries, rows)).joint()
        place = np.arange(len(rows)), queries.target_columns["action"][rows] - 1
        chance = joint[(*place, queries.targets[rows])]
        logs.append(np.log(np.maximum(chance, 1e-12)))
        ranks.append((joint.reshape(len(rows), -1) > chance[:, None]).sum(axis=1))
    logs, ranks = np.concatenate(logs), np.concatenate(ranks)
    gains = np.where(ranks < 10, 1 / np.log2(ranks + 2), 0.0)
    return {
        "log_likelihood": float(logs.mean()),
        "hr@10": float((ranks < 10).mean()),
        "ndcg@10": float(gains.mean()),
    }


class MarkovBehaviours:
    """The floor: a first-order chain over pairs of type and item, smoothed to their shares.

    Args:
        data: its training events are counted.
        smoothing: events of the shares that are added to each row.
    """

    max_length = 1
    columns = ("action",)

    def __init__(self, data: SequenceData, smoothing: float = 30.0) -> None:
        self.types = data.schema["action"].values
        self.width = data.num_items + 1
        size = len(self.types) * self.width
        train = data.train
        states = self._states(train.columns["action"].astype(int), train.items)
        later = np.ones(len(states), bool)
        later[train.offsets[:-1][train.lengths > 0]] = False
        counts = np.zeros((size, size))
        np.add.at(counts, (states[:-1][later[1:]], states[1:][later[1:]]), 1)
        shares = np.bincount(states, minlength=size) + 0.1
        shares[:: self.width] = 0  # Padding.
        counts += smoothing * shares / shares.sum()
        self.chances = counts / counts.sum(axis=1, keepdims=True)

    def next_event(self, queries, with_items: bool = True):
        """The forecast after the last event; see `PredictsEvents`."""
        last = self._states(queries["action"][:, -1].astype(int), queries["item_ids"][:, -1])
        joint = self.chances[last].reshape(len(last), len(self.types), self.width)
        types = joint.sum(axis=2)
        return EventForecast(self.types, types, joint / types[:, :, None])

    def _states(self, actions, items) -> np.ndarray:
        return (actions - 1) * self.width + items


def prepare_behaviours(shop: BehaviourShop) -> SequenceData:
    """The last event of each user as test, with the types that a model of behaviour needs."""
    return prepare(leave_one_out(shop.interactions), schema=Schema({"action": Category()}))


def find_leaks(shop: BehaviourShop, data: SequenceData) -> dict:
    """What the names of items in sentences tell of the next one; see `text_leaks`."""
    template = template_for(data.schema["action"].values)
    names = pd.Series({item: template.item_words(item) for item in shop.interactions.items.index})
    return text_leaks(leave_one_out(shop.interactions).test, names).to_dict("index")


def pre_train(data: SequenceData, seed: int, vocabulary: WordPieces | None = None, **options):
    """An encoder after masked language modelling on the training sentences."""
    encoder = build_sentence_encoder(data, vocabulary=vocabulary, **ENCODER)
    fit(MaskedLanguage(encoder), data, seed=seed, **PRE_TRAINING | options)
    return encoder


def copy_encoder(encoder: SentenceEncoder) -> SentenceEncoder:
    """An encoder with the same weights, for one way of training among several."""
    copied = SentenceEncoder.from_config(encoder.get_config())
    copied.build()
    copied.set_weights(encoder.get_weights())
    return copied


def fine_tune(encoder: SentenceEncoder, data: SequenceData, how: str, seed: int, **options):
    """A model of the next behaviour; `how` is one of `TUNED`."""
    if encoder.built:
        encoder.tune(how)
    elif how == "full":
        options["encoder_rate"] = 1.0
    model = NextEvent(encoder, data.schema["action"].values, num_components=0)
    fit(model, data, seed=seed, **TRAINING | options)
    return model


def run(data: SequenceData, language: str, way: str, seed: int, cache: dict) -> dict:
    """Train in one way, and measure on the test events; `cache` keeps pre-trained encoders."""
    began, options = time.perf_counter(), {}
    if way == "without pre-training":
        encoder, how = build_sentence_encoder(data, **ENCODER), "full"
    elif way == "wrong tokenizer":
        other = prepare_behaviours(simulate_behaviour(language="en" if language == "zh" else "zh"))
        encoder = pre_train(data, seed, build_sentence_encoder(other).pieces)
        how = "full"
    else:
        if seed not in cache:
            cache[seed] = pre_train(data, seed)
        encoder, how = copy_encoder(cache[seed]), way.split(",")[0]
        if "longer" in way:
            options = {"epochs": LONGER * TRAINING["epochs"]}
    model = fine_tune(encoder, data, how, seed, **options)
    sentences = [encoder.template.phrase(t, i) for t in encoder.types for i in encoder.items[:20]]
    return {
        "language": language,
        "way": way,
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 1),
        "parameters": int(encoder.count_params()),
        "trained": int(sum(np.prod(weight.shape) for weight in model.trainable_variables)),
        "unknown_share": encoder.pieces.unknown_share(sentences),
        "test": measure_behaviours(model, data.test),
    }


def table(stored: dict) -> str:
    """The stored measures as Markdown, with the share of the gain in likelihood.

    The gain is that of the exact probabilities over the shares of types and items.
    """
    rows = []
    for language in sorted({one["language"] for one in stored.values() if "way" in one}):
        limits = stored[f"{language} limits"]
        low, high = (limits[name]["log_likelihood"] for name in ("shares", "ceiling"))
        measured = {name: (limits[name], "-") for name in ("shares", "markov", "ceiling")}
        mine = [one for one in stored.values() if one.get("language") == language]
        measured |= {f"{o['way']}, seed {o['seed']}": (o["test"], o["seconds"]) for o in mine}
        for name, (test, seconds) in measured.items():
            share = (test["log_likelihood"] - low) / (high - low)
            rows.append(
                {**test, "language": language, "model": name, "share": share, "seconds": seconds}
            )
    columns = {
        "language": lambda row: row["language"],
        "model": lambda row: row["model"],
        "log-likelihood": lambda row: f"{row['log_likelihood']:.4f}",
        "share of the gain": lambda row: f"{row['share']:.3f}",
        "HR@10": lambda row: f"{row['hr@10']:.4f}",
        "NDCG@10": lambda row: f"{row['ndcg@10']:.4f}",
        "seconds": lambda row: str(row["seconds"]),
    }
    return markdown_lines(rows, columns)


def main(folder: Path, languages: list[str], ways: list[str], seeds: list[int]) -> None:
    """Run what is not stored yet, one after the other, and store each result at once."""
    path = folder / "sentences.json"
    stored = read_json(path)
    for language in languages:
        shop = simulate_behaviour(language=language)
        data, cache = prepare_behaviours(shop), {}
        limits = stored.setdefault(f"{language} limits", {})
        if not limits:
            types = data.schema["action"].values
            ceiling = BayesEvents(shop, data.vocabulary, data.train.users, types)
            limits["ceiling"] = measure_behaviours(ceiling, data.test)
            limits["markov"] = measure_behaviours(MarkovBehaviours(data), data.test)
            shares = MajorityType(types).fit(data.train, data.num_items)
            limits["shares"] = measure_behaviours(shares, data.test)
            limits["leaks"] = find_leaks(shop, data)
            write_json(path, stored)
        for seed, way in itertools.product(seeds, ways):
            name = f"{language} {way} {seed}"
            if name not in stored:
                stored[name] = run(data, language, way, seed, cache)
                write_json(path, stored)
                print(f"{name}: {stored[name]['test']}", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--languages", nargs="+", default=["zh", "en"])
    parser.add_argument("--ways", nargs="+", default=list(WAYS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    chosen = parser.parse_args()
    main(chosen.results, chosen.languages, chosen.ways, chosen.seeds)
