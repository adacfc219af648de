"""From a log to the best of several models, with a bundle and the data of a report."""

import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from recmodels.data.errors import require
from recmodels.data.interactions import Interactions
from recmodels.data.registry import open_log
from recmodels.data.splits import Split, pairs_in
from recmodels.data.text import counted, one_line
from recmodels.evaluation.order_audit import OrderAudit, order_audit
from recmodels.evaluation.report import Evaluation, evaluate
from recmodels.experiments.catalogue import EXPERIMENTS
from recmodels.experiments.contest import Contest, Progress
from recmodels.experiments.entry import Experiment
from recmodels.experiments.estimate import Estimate, estimate
from recmodels.experiments.measures import item_categories, measure_ceiling
from recmodels.experiments.report_texts import language_of, text
from recmodels.experiments.run import Run, split_log
from recmodels.experiments.run_folder import full_name, take_folder
from recmodels.experiments.tournament import (
    ENCODERS,
    Candidate,
    Note,
    best_of,
    check_families,
)
from recmodels.experiments.train import save_bundle_of
from recmodels.explain.words import rename, write_sentence
from recmodels.features.checks import is_positive
from recmodels.features.protocol import Protocol
from recmodels.features.sequences import SequenceData, prepare
from recmodels.models.recipe import recipe_for
from recmodels.recommend.recommender import Recommendation, Recommender

REPEATS_MATTER = 0.05  # Share of repeated targets from which lists keep what a user already has.
MEASURED = 25_000  # Validation users at most, and twice as many of the test,
CELLS = 3e8  # but no more than make so many scores, unless these are
LEAST_MEASURED = 2_000  # users.
EXAMPLES = 10


@dataclass(frozen=True, eq=False)
class Quickstart:
    """The results of a run.

    Args:
        log, split, data: what the models were made from.
        candidates: counted models, encoders and the blend, the chosen encoder after the others;
            those that failed or were left out too.
        winner: the one whose model is in the bundle.
        ceiling: of the best possible model, where it is known.
        notes: decisions about filter and measured users.
        cost: of the chosen encoder, where it was measured.
        audit: of the winner.
        examples: what some users did last, did next and were recommended.
        recommender: the winner behind raw ids.
        seconds: of the whole run.
        command: that made it.
        folder: of the run.
    """

    log: Interactions
    split: Split
    data: SequenceData
    candidates: list[Candidate]
    winner: Candidate
    ceiling: Evaluation | None
    notes: list[Note]
    cost: Estimate | None
    audit: OrderAudit
    examples: list[tuple[list[str], str | None, Recommendation]]
    recommender: Recommender
    seconds: float
    command: str
    folder: Path

    @property
    def encoder(self) -> Candidate | None:
        """The encoder that was chosen, also where its training failed; None without encoders."""
        return next((c for c in reversed(self.candidates) if c.family in ENCODERS), None)


def quickstart(
    dataset: str,
    columns: dict[str, str],
    folder: Path,
    *,
    seed: int = 0,
    families: list[str] | None = None,
    minutes: float | None = None,
    command: str = "",
) -> Quickstart:
    """Compare models on a log, choose one on validation cases and write it as a bundle.

    Args:
        dataset: a name `load` knows, or the path of a file of events.
        columns: of that file, such as `{"user": "uid", "item": "sku"}`.
        folder: gets `bundle/`, the checkpoint and the choices so far, from which the same command
            continues after it was stopped. Those of other data or settings are replaced.
        seed: of the training.
        families: some of `FAMILIES`, by default all; popularity always takes part.
        minutes: budget for everything; by default as long as it takes.
        command: for the report.

    Raises:
        ValueError: the log is too small to be split and measured, `families` or `minutes` are
            not possible, or what `open_log` raises.
    """
    families, progress = check_families(families), Progress()
    finite = minutes is None or (is_positive(minutes) and minutes < math.inf)
    require(finite, "`minutes` must be greater than 0 and finite, or None", minutes=minutes)
    progress("reading", dataset=one_line(dataset))
    log, shop = open_log(dataset, columns)
    progress("read", events=len(log), users=log.num_users, items=log.num_items)
    tuned = find_tuned(dataset)
    protocol = "leave-one-out" if tuned is None else tuned.protocol
    progress("splitting", protocol=protocol)
    split = split_log(log, protocol)
    data, notes = prepare_measured(split)
    for key, values in notes:
        progress(key, **values)
    take_folder(folder, dataset)
    experiment = tuned or default_experiment(Path(dataset).name, data)
    experiment = replace(experiment, filter_seen=data.protocol.filter_seen)
    contest = Contest(experiment, data, folder, seed, minutes, progress)
    candidates = contest.run(families)
    progress("measuring")
    candidates = [_measured_on_test(candidate, data) for candidate in candidates]
    winner = best_of(candidates, data)
    config = {"dataset": full_name(dataset), "columns": columns}
    recommender = _save(winner, candidates, contest, log, folder / "bundle", config)
    ceiling = None if shop is None else measure_ceiling(shop, data)
    audit = order_audit(winner.model, data.test)
    examples = _examples(recommender, data, language_of_log(log, data))
    return Quickstart(
        log, split, data, candidates, winner, ceiling, notes, contest.cost, audit, examples,
        recommender, progress.seconds, command, folder,
    )  # fmt: skip


def default_experiment(name: str, data: SequenceData) -> Experiment:
    """Return settings for a new log, chosen from its training histories."""
    recipe = recipe_for(data)
    return Experiment(
        name=name, dataset=name, model="sasrec", options=recipe.model, fit=recipe.training
    )


def find_tuned(dataset: str) -> Experiment | None:
    """Return the tuned experiment of a known data set, if there is one."""
    tuned = [e for e in EXPERIMENTS.values() if e.dataset == dataset and e.model == "sasrec"]
    return tuned[0] if tuned else None


def estimate_file(dataset: str, columns: dict[str, str]) -> Estimate:
    """Estimate the cost of SASRec in `quickstart` for a file of events."""
    log, _ = open_log(dataset, columns)
    data, _ = prepare_measured(split_log(log, "leave-one-out"))
    return estimate(default_experiment(Path(dataset).name, data), data)


def prepare_measured(split: Split) -> tuple[SequenceData, list[Note]]:
    """Prepare data with the filter that fits the validation targets, with the reason.

    Very many users are measured on a part of them.

    Raises:
        ValueError: there are fewer than two items or two users to measure on.
    """
    repeated = float(pairs_in(split.validation.targets, split.validation.inputs).mean())
    filters = repeated < REPEATS_MATTER
    data = prepare(split, protocol=Protocol(filter_seen=filters))
    sizes = (data.num_items, len(data.validation), len(data.test))
    if min(sizes) < 2:
        names = ("item", "validation user", "test user")
        received = ", ".join(map(counted, sizes, names))
        raise ValueError(
            "`dataset` must hold at least two items, and two users to measure on (with three "
            f"events each where the last ones are held out). Received: {received}"
        )
    shares = {"share": f"{repeated:.1%}", "limit": f"{REPEATS_MATTER:.0%}"}
    notes = [("filters seen" if filters else "keeps seen", shares)]
    count = min(MEASURED, max(LEAST_MEASURED, int(CELLS / data.num_items)))
    validation, test = (
        queries.sample(size) for queries, size in ((data.validation, count), (data.test, 2 * count))
    )
    if len(validation) + len(test) < sum(sizes[1:]):
        notes.append(("sampled", {"validation": len(validation), "test": len(test)}))
    return replace(data, validation=validation, test=test), notes


def _measured_on_test(candidate: Candidate, data: SequenceData) -> Candidate:
    if candidate.model is None:
        return candidate
    test = evaluate(candidate.model, data.test, item_categories=item_categories(data))
    return replace(candidate, test=test)


def _save(
    winner: Candidate,
    candidates: list[Candidate],
    contest: Contest,
    log: Interactions,
    folder: Path,
    config: dict,
) -> Recommender:
    """Write the winner as a bundle that says how it was chosen, and return it."""
    metric = contest.data.protocol.choose_by
    scores = {
        c.family: {part: getattr(c, part).metrics[metric] for part in ("validation", "test")}
        for c in candidates
        if c.validation is not None
    }
    run = Run(
        replace(contest.experiment, name=text(winner.family)), contest.seed, winner.model,
        contest.data, winner.curve, winner.validation, winner.test, None, winner.seconds,
    )  # fmt: skip
    config |= {
        "chosen by": f"validation {metric}",
        "model": winner.family,
        "options": winner.options,
        "scores": scores,
    }
    return save_bundle_of(run, log, folder, config)


def _explained(recommender: Recommender, history: list, language: str) -> Recommendation:
    """A list with a sentence per item, empty where no reason was found."""
    answer = recommender.recommend(history, k=5)
    facts = recommender.reasons(answer.items, history)
    named = [rename(one, partial(title_of, recommender)) for one in facts]
    why = tuple(write_sentence(one, language) if one.cited else "" for one in named)
    return replace(answer, why=why)


def language_of_log(log: Interactions, data: SequenceData) -> str:
    """That of the titles, or of the raw ids where items have none."""
    titles = [] if log.items is None or "title" not in log.items else log.items["title"].astype(str)
    raw = data.vocabulary.raw_ids.astype(str)
    return language_of(list(titles if len(titles) else raw)[:10_000])


def _examples(recommender: Recommender, data: SequenceData, language: str) -> list:
    """Users spread over the test cases: their last three items, the next, the list."""
    examples = []
    rows = np.unique(np.linspace(0, len(data.test) - 1, EXAMPLES).astype(int))
    for row in rows:
        history = data.test.histories.last([row])[0]
        raw = data.vocabulary.decode(history[(history > 0) & (history <= data.num_items)])
        target = data.test.targets[row]
        known = data.vocabulary.decode([target]) if target <= data.num_items else []
        wanted = title_of(recommender, known[0]) if len(known) else None
        shown = _explained(recommender, list(raw), language)
        examples.append(([title_of(recommender, r) for r in raw[-3:]], wanted, shown))
    return examples


def title_of(recommender: Recommender, raw) -> str:
    """The title of an item where it has one, otherwise its raw id."""
    items = recommender.items
    if items is None or "title" not in items.columns or raw not in items.index:
        return str(raw)
    return str(items["title"].loc[raw])
