"""Which explanations are faithful: explainers of several families of models, measured.

recmodels train ml-100k-columns-sasrec --seed 0     trains the encoders that are explained
recmodels train shop-recipe --seed 0
python -m recmodels.experiments.reasons             measures what results/reasons.json lacks
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from recmodels.data.errors import require
from recmodels.data.files import write_json
from recmodels.data.registry import load
from recmodels.data.shop import Shop, simulate
from recmodels.data.splits import leave_one_out
from recmodels.experiments.markdown import markdown_lines
from recmodels.experiments.reason_checks import ExactShop, check_sentences
from recmodels.experiments.stored import read_json
from recmodels.explain.counterfactual import counterfactual
from recmodels.explain.explainers import EXPLAINERS, LIST_LENGTH, OF_ENCODERS
from recmodels.explain.faithfulness import explainer_table, faithfulness
from recmodels.explain.gradients import completeness_error
from recmodels.explain.influence import leave_one_out_influence
from recmodels.explain.removal import Removal
from recmodels.features.columns import Category
from recmodels.features.protocol import Protocol
from recmodels.features.schema import Schema
from recmodels.features.sequences import SequenceData, prepare
from recmodels.models.ease import EASE
from recmodels.models.item_knn import ItemKNN
from recmodels.models.markov import Markov
from recmodels.recommend.bundle import load_bundle
from recmodels.recommend.recommender import Recommender

COUNTED = {"Markov": Markov, "ItemKNN": ItemKNN, "EASE": EASE}
TRAINED = {"ml-100k": "ml-100k-columns-sasrec", "shop": "shop-recipe"}  # Experiments with a SASRec.
USERS = {"ml-100k": 400, "shop": 100}  # Whose first item is explained by all explainers.
LEAST_EVENTS = 20
K, MOST = LIST_LENGTH, 5  # Length of the list, and events removed at most.
FLOORS = ("random", "recency", "attention")
CLEAR = 0.5  # Part of its exact probability that an item loses without its true cause.


class Study:
    """Data and fitted models that several measurements share; each is made when it is needed.

    Args:
        runs: folder in which `recmodels train` left the bundles of the trained models.
        num_users: users of the simulated shop.
        users: rows that all explainers explain, by data set.
    """

    def __init__(self, runs: Path, num_users: int = 5000, users: Mapping = USERS) -> None:
        self.runs, self.num_users, self.users = runs, num_users, users

    @cached_property
    def shop(self) -> Shop:
        return simulate(self.num_users)

    @cached_property
    def shop_data(self) -> SequenceData:
        split = leave_one_out(self.shop.interactions)
        schema = Schema({"action": Category()})  # For the sentences; the model does not read it.
        return prepare(split, ("timestamp",), schema, Protocol(filter_seen=False))

    @cached_property
    def movies(self) -> SequenceData:
        return prepare(leave_one_out(load("ml-100k")))

    def data(self, dataset: str) -> SequenceData:
        """The split of "ml-100k" or "shop"."""
        return self.movies if dataset == "ml-100k" else self.shop_data

    def model(self, dataset: str, name: str):
        """A fitted model: "Markov", "ItemKNN", "EASE" or "SASRec"."""
        data = self.data(dataset)
        if name in COUNTED:
            return COUNTED[name]().fit(data.train, data.num_items)
        bundle = load_bundle(self.runs / TRAINED[dataset] / "seed-0" / "bundle")
        must = "`runs` must hold a model of the same items: train it again"
        same = np.array_equal(bundle.vocabulary.raw_ids, data.vocabulary.raw_ids)
        require(same, must, experiment=TRAINED[dataset])
        return bundle.model

    def removal(self, dataset: str, name: str, users: int | None = None) -> Removal:
        """The first item of the list of some users with at least 20 events, drawn at random."""
        queries = self.data(dataset).test
        rows = np.flatnonzero(queries.histories.lengths >= LEAST_EVENTS)
        if users is not None and users < len(rows):
            rows = np.sort(np.random.default_rng(0).choice(rows, users, replace=False))
        return Removal(self.model(dataset, name), queries, rows)


def measure_explainers(study: Study, dataset: str, name: str) -> list[dict]:
    """One row per explainer of a model.

    `low` and `high` are the interval over users of NEG-P less POS-P above that of the random
    floor; `recency_low` and the like are those above the other floors. `true_cause` is the share
    of users whose top event is the true cause; see `true_causes`.
    """
    removal = study.removal(dataset, name, study.users[dataset])
    influences, seconds, measured = {}, {}, {}
    for explainer, explain in (EXPLAINERS | (OF_ENCODERS if name == "SASRec" else {})).items():
        began = time.perf_counter()
        influences[explainer] = explain(removal)
        seconds[explainer] = time.perf_counter() - began
        measured[explainer] = faithfulness(removal, influences[explainer], K, MOST)
    table = explainer_table(measured)
    for floor in FLOORS:
        if floor in measured and floor != "random":
            against = explainer_table(measured, floor)[["low", "high"]]
            table = table.join(against.add_prefix(f"{floor}_"))
    if dataset == "shop":
        cause, clear = true_causes(study, removal)
        tops = {n: influence.order()[:, 0] for n, influence in influences.items()}
        table["true_cause"] = {n: float((top == cause)[clear].mean()) for n, top in tops.items()}
        table["true_causes"] = int(clear.sum())
    if name == "SASRec":
        errors = completeness_error(removal, influences["integrated gradients"])
        table.loc["integrated gradients", "relative_error"] = float(np.median(errors))
        table.loc["integrated gradients", "relative_error_95"] = float(np.quantile(errors, 0.95))
    table.insert(0, "seconds", seconds)
    table.insert(0, "users", len(removal))
    rows = json.loads(table.reset_index().to_json(orient="records"))
    return [{"dataset": dataset, "model": name, **row} for row in rows]


def true_causes(study: Study, removal: Removal) -> tuple[np.ndarray, np.ndarray]:
    """The event that each row's item truly depends on most.

    The shop's exact probabilities of the next item are computed from the whole history and from
    the history without each event. The true cause is the event without which the item loses most
    of its probability: it is the one that moved the belief about the state of the shop, which
    consists of the last item, how often it was repeated, and the hidden intent. Mostly it is the
    last event, so that recency is a strong floor here.

    Returns:
        Place of the true cause, int (B,); and whether the item loses at least half of its
        probability without it, bool (B,): the other items have no single cause and do not count.
    """
    exact = Removal(ExactShop(study.shop, study.shop_data.vocabulary), removal.queries,
                    removal.rows, removal.items, max_events=removal.max_events)  # fmt: skip
    falls = leave_one_out_influence(exact)
    full = exact.scores(np.arange(len(exact)), exact.real)
    return falls.order()[:, 0], falls.values.max(axis=1) >= CLEAR * full


def measure_counterfactuals(study: Study) -> dict:
    """How often at most five deletions take the first item from the list of ten, or from its top.

    Keys with `first` are of lists of one item: another item is then the first.
    """
    removal = study.removal("ml-100k", "SASRec")
    measured = {"counterfactual_users": len(removal)}
    for prefix, k in (("counterfactual", K), ("counterfactual_first", 1)):
        found = counterfactual(removal, k, MOST)
        measured[f"{prefix}_found"] = float(found.found.mean())
        measured[f"{prefix}_mean_deletions"] = float(found.sizes[found.found].mean())
    return measured


def measure_sentences(study: Study, name: str = "EASE", lists: int = 1000) -> dict:
    """How many sentences about lists of ten items state nothing but what lists and scores show."""
    recommender = Recommender(study.model("shop", name), study.shop_data)
    events = study.shop.interactions.events
    checked = true = reasons = 0
    for number, (_, rows) in enumerate(events.groupby("user", sort=False)):
        if number == lists:
            break
        history = {name: rows[name].tolist() for name in ("item", "action")}
        language = ("en", "zh")[number % 2]
        answer = recommender.recommend(history, K)
        sentences = recommender.with_reasons(answer, language, history=history).why
        correct = check_sentences(recommender, history, answer.items, sentences, language)
        checked, true = checked + len(correct), true + sum(correct)
        reasons += sum("No reason" not in s and "未找到" not in s for s in sentences)
    return {"sentences_checked": checked, "sentences_true": true, "sentences_with_reason": reasons}


def main(path: Path, study: Study) -> None:
    """Measure what is not stored yet, and store each result at once."""
    stored = read_json(path)
    rows = stored.setdefault("rows", [])
    for dataset, name in [*(("ml-100k", n) for n in COUNTED), *((d, "SASRec") for d in TRAINED)]:
        if not any((row["dataset"], row["model"]) == (dataset, name) for row in rows):
            rows += measure_explainers(study, dataset, name)
            write_json(path, stored)
            print(f"{dataset} {name}: stored", file=sys.stderr)
    for row in rows:
        kind = row["dataset"], row["model"], row["explainer"]
        if kind == ("ml-100k", "SASRec", "integrated gradients"):
            stored["ig_relative_error"] = row["relative_error"]
        if kind == ("shop", "SASRec", "leave one out"):
            stored["shop_top_event_precision"] = row["true_cause"]
    others = {"counterfactual_found": measure_counterfactuals, "sentences_true": measure_sentences}
    for key, measure in others.items():
        if key not in stored:
            stored |= measure(study)
            print(f"{key}: {stored[key]}", file=sys.stderr)
        write_json(path, stored)


def reasons_table(rows: list[dict]) -> str:
    """Markdown of the stored rows, for docs/explanations.md."""
    columns = {
        "model": lambda row: row["model"],
        "explainer": lambda row: row["explainer"],
        "deletion ratio": lambda row: _number(row["deletion_ratio"], ".1f"),
        "POS-P": lambda row: f"{row['pos_p']:.2f}",
        "NEG-P": lambda row: f"{row['neg_p']:.2f}",
        "gain (95 % CI)": lambda row: f"{row['gain']:.2f} ({row['low']:.2f} to {row['high']:.2f})",
        "seconds": lambda row: f"{row['seconds']:.0f}",
    }
    true_cause = {"true cause": lambda row: f"{row['true_cause']:.2f}"}
    parts = []
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        shown = columns | (true_cause if dataset == "shop" else {})
        part = markdown_lines([row for row in rows if row["dataset"] == dataset], shown)
        parts.append(f"### {dataset}\n\n{part}\n")
    return "\n".join(parts)


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    chosen = parser.parse_args()
    main(chosen.results / "reasons.json", Study(chosen.runs))
    stored = read_json(chosen.results / "reasons.json")
    print(reasons_table(stored["rows"]), file=sys.stderr)
