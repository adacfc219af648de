"""The definition of an experiment: data, protocol, model, training, seeds and expected result."""

from dataclasses import dataclass, field, replace

from recmodels.data.errors import require
from recmodels.features.columns import Vector
from recmodels.features.schema import Schema
from recmodels.features.sequences import EMPTY_SCHEMA, SequenceData
from recmodels.models.bpr_mf import BPRMF
from recmodels.models.build_two_tower import build_two_tower
from recmodels.models.content import Content
from recmodels.models.ease import EASE
from recmodels.models.event_floors import (
    EventFloor,
    MajorityType,
    MarkovTypes,
    MedianGap,
    RepeatLastType,
)
from recmodels.models.families import FAMILIES
from recmodels.models.hybrid import Hybrid
from recmodels.models.implicit_als import ImplicitALS
from recmodels.models.item_knn import ItemKNN
from recmodels.models.item_vectors import GloVe, Item2Vec
from recmodels.models.markov import Markov
from recmodels.models.next_event import NextEvent
from recmodels.models.popularity import MostPopular, RecentPopular
from recmodels.models.random_order import RandomOrder
from recmodels.models.repeat_last import RepeatLast
from recmodels.models.sasrec import SASRec
from recmodels.models.transition import Transitions
from recmodels.models.two_tower import TwoTower
from recmodels.models.user_item_bias import UserItemBias
from recmodels.models.user_knn import UserKNN
from recmodels.text.cleaning import item_texts

# The one place where a name selects code.
MODELS: dict[str, type] = {
    "random": RandomOrder,
    "popularity": MostPopular,
    "recent-popularity": RecentPopular,
    "repeat-last": RepeatLast,
    "markov": Markov,
    "transitions": Transitions,
    "item-knn": ItemKNN,
    "user-knn": UserKNN,
    "ease": EASE,
    "als": ImplicitALS,
    "bpr-mf": BPRMF,
    "item2vec": Item2Vec,
    "glove": GloVe,
    "content": Content,
    "hybrid": Hybrid,
    "user-item-bias": UserItemBias,
    "two-tower": TwoTower,
    "majority": MajorityType,
    "repeat-last-type": RepeatLastType,
    "markov-type": MarkovTypes,
    "median-gap": MedianGap,
    "next-event": NextEvent,
    **{name: family.kind for name, family in FAMILIES.items()},
}
RATING_PROTOCOLS = ("random-80-20", "temporal-80-20")  # Each held-out rating is a query.
EVENT_PROTOCOLS = ("last-event", "last-day")  # Types and times are predicted, not items.
LAST_EVENT_ITEMS = "last-event-items"  # The split of "last-event", with items to rank.
PROTOCOLS = (
    "leave-one-out", "temporal", *RATING_PROTOCOLS, *EVENT_PROTOCOLS, LAST_EVENT_ITEMS,
)  # fmt: skip
# Baselines whose result depends on a seed.
SEEDED = ("random", "als", "bpr-mf", "item2vec", "glove")
# Event columns that models learn from besides the items.
COLUMNS = {
    "recent-popularity": ("timestamp",),
    "two-tower": ("value",),
    "user-item-bias": ("value",),
    "median-gap": ("timestamp",),
    "next-event": ("timestamp",),
    "hstu-times": ("timestamp",),
}


@dataclass(frozen=True)
class Experiment:
    """One row of a table, reproducible from its name and a seed.

    Args:
        name: what commands and result files call it.
        dataset: a name `load` knows.
        protocol: one of `PROTOCOLS`; under `"random-80-20"` the seed draws the split too.
        model: a key of `MODELS`.
        options: arguments of the model; of `"next-event"` those of its `encoder`, a `SASRec`,
            under that name.
        fit: options of `recmodels.fit`.
        ensemble_with: models whose scores are added to those of `model`: of each `weight`, in
            standard deviations, and either `model` and `options` of a counted one, or the
            `experiment` that trains it on the same split; its seed is that of the run, plus
            `seed_offset` where that is given.
        filter_seen: whether what a user already has leaves the list; the rating protocols
            measure both.
        retrieves, rates: what is measured under the rating protocols: lists, ratings or both.
        split: options of the split, such as the time window of `last_event`.
        schema: typed columns that the model reads.
        query_time: see `Protocol`.
        item_text: arguments of a `TextEncoder` by the name of the column of items that its
            vectors make; see `with_item_text`.
        tune_text: a second training, which also changes the last blocks of that encoder: its
            options as `fit`, and arguments of `tune_item_texts`; empty for no such training.
        initial_items: vectors that the item table starts from: `model` and `options` of word
            vectors, or arguments of a `TextEncoder`; see `initialise_items`.
        similar_targets: `model` and `options` of `"content"` for words, of `"item-knn"` for users
            or of word vectors, or arguments of a `TextEncoder`, and further ones of
            `SimilarTargets`; empty for targets that stand alone.
        slices: whether rare and cold targets are measured for themselves as well.
        seeds: one run each.
        minutes: a run costs on two cores.
        expected: test metrics and how far a seed may lie from them, such as
            `{"ndcg@10": (0.188, 0.004)}`; `recmodels train` says so and fails where one does.
        published: the same row as others printed it, with its source.
        space: what `tune` may change: option name to `(low, high)`, `(low, high, "log")` or a
            list of choices. A name that `fit` has goes there, any other to the model.
    """

    name: str
    dataset: str
    model: str
    protocol: str = "leave-one-out"
    options: dict = field(default_factory=dict)
    fit: dict = field(default_factory=dict)
    ensemble_with: tuple[dict, ...] = ()
    filter_seen: bool = True
    retrieves: bool = True
    rates: bool = False
    split: dict = field(default_factory=dict)
    schema: Schema = EMPTY_SCHEMA
    query_time: bool = False
    item_text: dict[str, dict] = field(default_factory=dict)
    tune_text: dict = field(default_factory=dict)
    initial_items: dict = field(default_factory=dict)
    similar_targets: dict = field(default_factory=dict)
    slices: bool = False
    seeds: tuple[int, ...] = (0,)
    minutes: float = 1.0
    expected: dict[str, tuple[float, float]] = field(default_factory=dict)
    published: dict = field(default_factory=dict)
    space: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(
                f"`model` must be one of {sorted(MODELS)}. Received: model={self.model!r}"
            )
        if self.protocol not in PROTOCOLS:
            raise ValueError(
                f"`protocol` must be one of {PROTOCOLS}. Received: protocol={self.protocol!r}"
            )
        # The second training has nothing to choose epochs by, which sequence encoders need.
        if self.holds_out_ratings and self.reads_sequences:
            raise ValueError(
                "`model` under a rating protocol must be two towers or a model that counts. "
                f"Received: model={self.model!r}, protocol={self.protocol!r}"
            )
        _check_start(self.initial_items)
        for other in self.ensemble_with:
            _check_added(other)

    @property
    def task(self) -> str | None:
        """How `fit` trains the model, such as `"next_item"`; None for models that count."""
        return getattr(MODELS[self.model], "task", None)

    @property
    def reads_sequences(self) -> bool:
        """Whether the model is a sequence encoder that ranks items."""
        return self.model in FAMILIES

    @property
    def holds_out_ratings(self) -> bool:
        """Whether each held-out rating is a query, instead of the next item of each user."""
        return self.protocol in RATING_PROTOCOLS

    @property
    def predicts_events(self) -> bool:
        """Whether types and times of events are measured, instead of ranks of items."""
        return self.protocol in EVENT_PROTOCOLS

    @property
    def measured(self) -> dict[str, bool]:
        """What is measured under the rating protocols, as arguments."""
        return {"retrieves": self.retrieves, "rates": self.rates}

    @property
    def choose_by(self) -> str:
        """Return the measure for choices; `"score"` is hits less the error of ratings."""
        if self.predicts_events:
            return "log_likelihood"
        return "score" if self.holds_out_ratings else "ndcg@10"

    def out_of_tolerance(self, metrics: dict[str, float]) -> list[str]:
        """Return one sentence for each metric that is further from `expected` than allowed."""
        return [
            f"{name} is {metrics[name]:.4f}, expected {value:.4f} within {tolerance:.4f}"
            for name, (value, tolerance) in self.expected.items()
            if abs(metrics[name] - value) > tolerance
        ]

    def command(self, seed: int) -> str:
        """Return the command that runs one seed again."""
        return f"recmodels train {self.name} --seed {seed}"


def _check_start(described: dict) -> None:
    words = described.get("model") in ("item2vec", "glove") and "options" in described
    must = "`initial_items` must be empty, have the `source` of a `TextEncoder`, or `model` "
    must += "('item2vec' or 'glove') and `options`"
    require(not described or "source" in described or words, must, initial_items=described)


def _check_added(other: dict) -> None:
    must = "`ensemble_with` must hold dicts with `weight` and either `experiment`, or `model` and "
    must += "`options`; `seed_offset` may stand beside `experiment`"
    counted, trained = {"weight", "model", "options"}, {"weight", "experiment"}
    given = set(other) if isinstance(other, dict) else set()
    counts = given == counted and other["model"] in MODELS
    require(counts or given - {"seed_offset"} == trained, must, ensemble_with=other)


def with_options(experiment: Experiment, chosen: dict) -> Experiment:
    """The experiment with other options; names that `fit` has go there, others to the model."""
    to_fit = {name: value for name, value in chosen.items() if name in experiment.fit}
    to_model = {name: value for name, value in chosen.items() if name not in experiment.fit}
    return replace(
        experiment,
        options={**experiment.options, **to_model},
        fit={**experiment.fit, **to_fit},
    )


def build_model(name: str, options: dict, data: SequenceData, seed: int = 0):
    """Make an untrained model for some data.

    Args:
        name: a key of `MODELS`.
        options: arguments of the model; of two towers those of `build_two_tower`.
        data: what it will be trained on; it decides the size of models with weights.
        seed: of the models in `SEEDED`.
    """
    kind = MODELS[name]
    if issubclass(kind, EventFloor):
        return kind(data.schema["action"].values, **options)
    if kind is Content:
        return kind(item_texts(data.items).reindex(data.vocabulary.raw_ids), **options)
    vectors = [n for n in data.schema.names_of("items") if isinstance(data.schema[n], Vector)]
    others = [name for name in data.schema if name not in vectors]
    columns = {"columns": data.schema.input_sizes(*others)} if others else {}
    if vectors:
        columns["item_columns"] = data.schema.input_sizes(*vectors)
    match getattr(kind, "task", None):
        case None:
            return kind(**options, **({"seed": seed} if name in SEEDED else {}))
        case "towers":
            return build_two_tower(data, **options)
        case "next_event":
            heads = dict(options)
            encoder = SASRec(data.num_items, **heads.pop("encoder", {}), **columns)
            return kind(encoder, data.schema["action"].values, **heads)
    if name in FAMILIES:
        return FAMILIES[name].build(data.num_items, **options, **columns)
    return kind(num_items=data.num_items, **options, **columns)
