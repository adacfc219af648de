"""The named experiments on the next event of Taobao: its type and the time until it comes."""

from recmodels.experiments.entry import Experiment
from recmodels.features.columns import Category
from recmodels.features.counts import Counts
from recmodels.features.number_columns import Clock, Gap
from recmodels.features.schema import Schema

# The nine days that the data set is said to cover, in China's time; a few events lie outside.
NOMINAL_WINDOW = {"since": "2017-11-25T00:00+08:00", "until": "2017-12-04T00:00+08:00"}
HOURS_AHEAD = 8.0
TYPES = Schema({"action": Category()})
TYPES_AND_TIMES = Schema(
    {
        "action": Category(),
        "gap": Gap(),
        "item_gap": Gap(by="item"),
        "category_gap": Gap(by="category"),
        "counts": Counts(source="action"),
        "hour": Clock(offset=HOURS_AHEAD),
        "weekday": Clock(part="weekday", offset=HOURS_AHEAD),
        "category": Category(min_count=20, of="items"),
    }
)
# Chosen on validation cases; notebooks/LOG.md says what else was tried. The items themselves are
# neither read nor learnt here: most have one or two events, and reading them overfits.
ENCODER = {
    "width": 32,
    "num_blocks": 1,
    "num_heads": 2,
    "dropout": 0.3,
    "read_items": False,
}
# Log-loss of the floors, which count, and test metrics of trained models with their tolerance.
FLOOR_LOSSES = {
    "last-event": {
        "majority": 0.6204, "repeat-last-type": 0.7014, "markov-type": 0.5952, "median-gap": 0.6204
    },
    "last-day": {
        "majority": 0.4515, "repeat-last-type": 0.5555, "markov-type": 0.4289, "median-gap": 0.4515
    },
}  # fmt: skip
EXPECTED = {
    "last-event": {"type_log_loss": (0.547, 0.012), "gap_mae_log1p": (2.265, 0.06)},
    "last-day": {"type_log_loss": (0.391, 0.008), "gap_mae_log1p": (1.769, 0.03)},
}
MAX_LENGTHS = {"last-event": 20, "last-day": 50}
NEXT_EVENT_TRAINING = {
    "item_weight": 0.0,
    "windows": "latest",
    "batch_size": 8,
    "epochs": 6,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "warmup": 50,
    "average": 0.98,
    "patience": None,
}


def _taobao(protocol: str, model: str, schema: Schema, **entry) -> Experiment:
    return Experiment(
        name=f"taobao-{protocol}-{model}",
        dataset="taobao",
        protocol=protocol,
        model=model,
        split=NOMINAL_WINDOW,
        schema=schema,
        filter_seen=False,
        **entry,
    )


def _next_event(protocol: str) -> Experiment:
    return _taobao(
        protocol,
        "next-event",
        TYPES_AND_TIMES,
        options={"encoder": {**ENCODER, "max_length": MAX_LENGTHS[protocol]}},
        fit=NEXT_EVENT_TRAINING,
        seeds=(0, 1, 2),
        minutes=2,
        expected=EXPECTED[protocol],
    )


EVENT_ENTRIES = [
    entry
    for protocol in ("last-event", "last-day")
    for entry in (
        *(
            _taobao(protocol, model, TYPES, minutes=0.1, expected={"type_log_loss": (loss, 1e-4)})
            for model, loss in FLOOR_LOSSES[protocol].items()
        ),
        _next_event(protocol),
    )
]
