"""Train all candidates on one log, within memory and a time budget."""

import sys
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np

from recmodels.api import fit
from recmodels.experiments.entry import Experiment
from recmodels.experiments.estimate import Estimate, estimate
from recmodels.experiments.halving import experiment_of, halve
from recmodels.experiments.plan import Plan, fit_into_memory, plan_training, shortened
from recmodels.experiments.report_texts import text
from recmodels.experiments.run_folder import Choices
from recmodels.experiments.tournament import (
    BLEND,
    COUNTED,
    ENCODERS,
    NOTHING_LEARNED,
    TUNING_SECONDS,
    Candidate,
    blend,
    train_neural,
    tune_counted,
)
from recmodels.features.checks import digest
from recmodels.features.sequences import SequenceData
from recmodels.training.checkpoints import OtherRun
from recmodels.training.settings import Training

SMALL = 30_000  # Training events below which a training takes a minute or two, estimated or not.
SECONDS_TO_MEASURE = 20.0  # That the estimate of an encoder may take.


class Progress:
    """Print lines with the seconds since the start to standard error."""

    def __init__(self) -> None:
        self.began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.began

    def __call__(self, key: str, **values) -> None:
        line = f"[{self.seconds:4.0f} s] {text(key, **values)}."
        print(line, file=sys.stderr, flush=True)


class Contest:
    """Trains the candidates of one run.

    Args:
        experiment: of the neural model, with the settings for unlimited time and memory.
        data: what all models learn from and are chosen on.
        folder: of checkpoint and choices.
        seed: of the training.
        minutes: budget from the start of `progress`, or None.
        progress: prints what is being done.
    """

    def __init__(
        self,
        experiment: Experiment,
        data: SequenceData,
        folder: Path,
        seed: int,
        minutes: float | None,
        progress: Progress,
    ) -> None:
        self.experiment, self.data, self.folder = experiment, data, folder
        self.seed, self.minutes, self.progress = seed, minutes, progress
        train = data.train
        parts = (train.items, train.offsets, [data.validation.identity(), repr(experiment)])
        self.choices = Choices(folder / "choices.json", digest(*parts) + f" {seed} {minutes}")
        self.costs: dict[str, Estimate] = {}

    def run(self, families: tuple[str, ...]) -> list[Candidate]:
        """All candidates: counted models, the encoders that were not chosen, the one that was."""
        # What encoders cost is known, and printed, before anything is trained.
        plans = {family: self._plan_memory(family) for family in families if family in ENCODERS}
        candidates = [self._counted(family) for family in families if family in COUNTED]
        counted = [c for c in candidates if c.model is not None and c.family != "popularity"]
        able = {family: plan for family, plan in plans.items() if plan.experiment is not None}
        left_out = [Candidate(f, note=plan.note) for f, plan in plans.items() if f not in able]
        candidates += map(self._told, left_out)
        if not able:
            return candidates
        chosen, trials = self._choose_family(able)
        candidates += [
            _dropped(trials[family], trials[chosen], chosen) for family in able if family != chosen
        ]
        self.experiment = able[chosen].experiment
        neural = self._neural(able[chosen])
        candidates.append(replace(neural, trials=_without_models(trials[chosen])))
        if BLEND in families and neural.learned and counted:
            self.progress("tuning", model=text(BLEND))
            candidates.append(self._told(blend(counted, neural, self.data)))
        return candidates

    @property
    def cost(self) -> Estimate | None:
        """What the encoder costs that was trained, where that was measured."""
        return self.costs.get(self.experiment.model)

    def _choose_family(self, plans: dict[str, Plan]) -> tuple[str, dict[str, list[Candidate]]]:
        """The family to train, and the short trainings of each, none where there is one family."""
        left = self._seconds_left
        if left is not None:  # The other half is for the training that follows.
            left = self.choices.settle(f"seconds to compare {', '.join(plans)}", left / 2)
        epochs = self.experiment.fit.get("epochs", Training.epochs)
        try_family = partial(self._try_family, plans)
        chosen, trials = halve(tuple(plans), epochs, try_family, lambda c: c.score(self.data), left)
        if len(plans) > 1:
            self.progress("halved", model=text(chosen))
        return chosen, trials

    def _try_family(
        self, plans: dict[str, Plan], family: str, epochs: int, seconds: float | None
    ) -> Candidate:
        """Train a family for some epochs; an interrupted run continues from the checkpoint."""
        experiment = plans[family].experiment
        options = {"validate_every": epochs, "patience": None}
        options = {**shortened(experiment.fit, epochs), **options}
        plan = self._plan_time(replace(experiment, fit=options), seconds)
        if plan.experiment is None:
            return self._told(Candidate(family, note=plan.note))
        values = {"epochs": plan.experiment.fit["epochs"], "share": f"{plan.share:.0%}"}
        self.progress("trying", model=text(family), **values)
        candidate = self._train_plan(plan, f"{family}-{epochs}.npz")
        if candidate.note == NOTHING_LEARNED:  # Which says little about a short training.
            candidate = replace(candidate, note=None)
        self._told(candidate)
        if candidate.model is None:
            return candidate
        return replace(candidate, note=("tried", {**values, "epochs": len(candidate.curve.rows)}))

    @property
    def _seconds_left(self) -> float | None:
        if self.minutes is None:
            return None
        return max(0.0, 60 * self.minutes - self.progress.seconds)

    def _counted(self, family: str) -> Candidate:
        self.progress("tuning", model=text(family))
        left = self._seconds_left
        if left == 0 and COUNTED[family].fitted:  # The others are the floor of every run.
            return self._told(Candidate(family, note=("budget used up", {})))
        seconds = TUNING_SECONDS if left is None else min(TUNING_SECONDS, left / 20)
        candidate = tune_counted(family, self.data, self.choices.get(family), seconds)
        if candidate.model is not None:
            self.choices.keep(family, candidate.options)
        return self._told(candidate)

    def _told(self, candidate: Candidate) -> Candidate:
        name = text(candidate.family)
        if candidate.note:
            key, values = candidate.note
            self.progress("noted", model=name, note=text(key, **values))
        if candidate.validation is not None:
            self.progress(
                "tuned",
                model=name,
                metric=self.data.protocol.choose_by.upper(),
                score=f"{candidate.score(self.data):.4f}",
                seconds=f"{candidate.seconds:.1f}",
            )
        return candidate

    def _plan_memory(self, family: str) -> Plan:
        """What fits into memory, and what it costs."""
        if self.data.train.lengths.max(initial=0) < 2:
            return Plan(None, note=("nothing to train on", {}))
        plan = fit_into_memory(experiment_of(family, self.experiment), self.data.num_items)
        left = self._seconds_left
        if plan.experiment is None or (left is None and len(self.data.train.items) < SMALL):
            return plan
        key = f"cost of {family}"
        if (stored := self.choices.get(key)) is None:
            # The other half of a budget is for the trainings.
            if left is not None and left < max(SECONDS_TO_MEASURE, 30 * self.minutes):
                return Plan(None, note=("no time to measure", {"seconds": f"{left:.0f}"}))
            self.progress("measuring cost", model=text(family))
            stored = asdict(estimate(plan.experiment, self.data))
            self.choices.keep(key, stored)
        self.costs[family] = Estimate(**stored)
        self.progress("cost", model=text(family), **self.costs[family].shown())
        if (warning := self._plan_time(plan.experiment, None).note) is not None:
            self.progress(warning[0], **warning[1])
        return plan

    def _plan_time(self, experiment: Experiment, seconds: float | None) -> Plan:
        """What fits into a time, where the cost of the family was measured."""
        cost = self.costs.get(experiment.model)
        return Plan(experiment) if cost is None else plan_training(experiment, cost, seconds)

    def _neural(self, plan: Plan) -> Candidate:
        family, left = plan.experiment.model, self._seconds_left
        if left is not None:
            left = self.choices.settle(f"seconds to train {family}", left)
        timed = self._plan_time(plan.experiment, left)
        plan = replace(timed, note=timed.note or plan.note)
        if plan.experiment is None:
            return self._told(Candidate(family, note=plan.note))
        self.progress("training", model=text(family))
        candidate = self._train_plan(plan, "checkpoint.npz")
        return self._told(replace(candidate, note=candidate.note or plan.note))

    def _train_plan(self, plan: Plan, checkpoint: str) -> Candidate:
        path, options = self.folder / checkpoint, plan.experiment.fit
        candidate = train_neural(
            plan.experiment, self.data, self._train,
            share=plan.share, checkpoint=path, seed=self.seed,
        )  # fmt: skip
        if candidate.note or candidate.curve is None:
            return candidate
        epochs, wanted = len(candidate.curve.rows), options.get("epochs", Training.epochs)
        if epochs < wanted and candidate.curve.out_of_time:
            values = {"epochs": epochs, "wanted": wanted}
            return replace(candidate, note=("fewer epochs than planned", values))
        return candidate

    def _train(self, model, data: SequenceData, *, share: float, checkpoint: Path, **arguments):
        """Go on from the checkpoint where it is of this run; start afresh where it is not."""
        if share < 1:
            generator = np.random.default_rng(self.seed)
            rows = np.flatnonzero(generator.random(len(data.train)) < share)
            data = replace(data, train=data.train.select(rows))
        try:
            return fit(model, data, checkpoint=checkpoint, **arguments)
        except OtherRun as error:
            reason = str(error).split(". ")[0]
            print(f"Training starts afresh, because {reason}.", file=sys.stderr)
            for path in checkpoint.parent.glob(f"{checkpoint.stem}*.npz"):
                path.unlink()
            return fit(model, data, checkpoint=checkpoint, **arguments)


def _dropped(trials: list[Candidate], better: list[Candidate], chosen: str) -> Candidate:
    """The last candidate of a family that was not chosen, with the reason.

    Args:
        trials: of the family, one for each rung that it took part in.
        better: those of the chosen one, of which that of the same rung was ahead.
        chosen: name of that family.
    """
    last = trials[-1]
    if last.model is not None:
        own, other = last.note[1], better[len(trials) - 1].note[1]
        values = {**own, "better": text(chosen)}
        if own == other:
            last = replace(last, note=("dropped", values))
        else:
            values |= {f"better_{name}": value for name, value in other.items()}
            last = replace(last, note=("dropped unequal", values))
    return replace(last, trials=_without_models(trials[:-1]))


def _without_models(trials: list[Candidate]) -> tuple[Candidate, ...]:
    return tuple(replace(trial, model=None) for trial in trials if trial.model is not None)
