"""Train all candidates on one log, within memory and a time budget."""

import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from recmodels.api import fit
from recmodels.experiments.entry import Experiment
from recmodels.experiments.estimate import Estimate, Plan, estimate, fit_into_memory, plan_training
from recmodels.experiments.halving import experiment_of, halve, shortened
from recmodels.experiments.report_texts import text
from recmodels.experiments.run_folder import Choices
from recmodels.experiments.tournament import (
    BLEND,
    COUNTED,
    ENCODERS,
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
SECONDS_TO_MEASURE = 20.0  # That the estimate itself may take.


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
        self.cost: Estimate | None = None

    def run(self, families: tuple[str, ...]) -> list[Candidate]:
        """All candidates in the order of the families."""
        encoders = tuple(family for family in families if family in ENCODERS)
        plan = None
        if len(encoders) == 1:  # Its cost is known before anything is trained.
            self.experiment = experiment_of(encoders[0], self.experiment)
            plan = self._plan_memory()
        candidates = [self._counted(family) for family in families if family in COUNTED]
        if not encoders:
            return candidates
        if plan is None:
            candidates += self._choose_family(encoders)
            plan = self._plan_memory()
        counted = [c for c in candidates if c.model is not None and c.family != "popularity"]
        neural = self._neural(plan)
        candidates.append(neural)
        if BLEND in families and neural.learned and counted:
            self.progress("tuning", model=text(BLEND))
            candidates.append(self._told(blend(counted, neural, self.data)))
        return candidates

    def _choose_family(self, encoders: tuple[str, ...]) -> list[Candidate]:
        """Set the experiment to the family to train, and return the candidates of the others."""
        chosen, others = encoders[0], []
        if self.data.train.lengths.max(initial=0) > 1:
            left = self._seconds_left
            seconds = None if left is None else self.choices.get("seconds to choose") or left / 2
            self.choices.keep("seconds to choose", seconds)
            epochs = self.experiment.fit.get("epochs", Training.epochs)
            chosen, others = halve(
                encoders, epochs, self._try_family, lambda c: c.score(self.data), seconds
            )
            self.progress("halved", model=text(chosen))
        self.experiment = experiment_of(chosen, self.experiment)
        return others

    def _try_family(self, family: str, epochs: int) -> Candidate:
        """Train a family for some epochs; an interrupted run continues from the checkpoint."""
        experiment = experiment_of(family, self.experiment)
        experiment = replace(experiment, fit=shortened(experiment.fit, epochs))
        plan = fit_into_memory(experiment, self.data.num_items)
        if plan.experiment is None:
            return Candidate(family, note=plan.note)
        self.progress("trying", model=text(family), epochs=epochs)
        path = self.folder / f"{family}-{epochs}.npz"
        candidate = train_neural(
            plan.experiment, self.data, self._train, share=1.0, checkpoint=path, seed=self.seed
        )
        note = ("tried", {"epochs": epochs})
        return self._told(replace(candidate, note=candidate.note or note))

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
        if candidate.note:
            key, values = candidate.note
            self.progress(key, **values)
        if candidate.validation is not None:
            self.progress(
                "tuned",
                model=text(candidate.family),
                metric=self.data.protocol.choose_by.upper(),
                score=f"{candidate.score(self.data):.4f}",
                seconds=f"{candidate.seconds:.1f}",
            )
        return candidate

    def _plan_memory(self) -> Plan:
        """What fits into memory, and what it costs, before anything is trained."""
        if self.data.train.lengths.max(initial=0) < 2:
            return Plan(None, note=("nothing to train on", {}))
        plan = fit_into_memory(self.experiment, self.data.num_items)
        left = self._seconds_left
        if plan.experiment is None or (left is None and len(self.data.train.items) < SMALL):
            return plan
        if left is not None and left < SECONDS_TO_MEASURE:
            return Plan(None, note=("no time to measure", {"seconds": f"{max(0, left):.0f}"}))
        stored = self.choices.get("cost")
        if stored is None:
            self.progress("measuring cost")
            stored = asdict(estimate(plan.experiment, self.data))
            self.choices.keep("cost", stored)
        self.cost = Estimate(**stored)
        self.progress("cost", **self.cost.shown())
        if (warning := plan_training(plan.experiment, self.cost, None).note) is not None:
            self.progress(warning[0], **warning[1])
        return plan

    def _neural(self, plan: Plan) -> Candidate:
        if plan.experiment is not None and self.cost is not None:
            seconds = self.choices.get("seconds left") or self._seconds_left
            self.choices.keep("seconds left", seconds)  # A continued run keeps its plan.
            timed = plan_training(plan.experiment, self.cost, seconds)
            plan = replace(timed, note=timed.note or plan.note)
        if plan.experiment is None:
            return self._told(Candidate(self.experiment.model, note=plan.note))
        self.progress("training", model=text(self.experiment.model))
        candidate = train_neural(
            plan.experiment,
            self.data,
            self._train,
            share=plan.share,
            checkpoint=self.folder / "checkpoint.npz",
            seed=self.seed,
        )
        return self._told(replace(candidate, note=candidate.note or plan.note))

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
