"""Logs of behaviour: read, checked, cleaned and split."""

from recmodels.data.columns import guess_columns
from recmodels.data.events import read_events
from recmodels.data.interactions import Interactions
from recmodels.data.registry import SOURCES, load
from recmodels.data.splits import Cases, Split, leave_one_out, temporal_cutoff

__all__ = [
    "SOURCES",
    "Cases",
    "Interactions",
    "Split",
    "guess_columns",
    "leave_one_out",
    "load",
    "read_events",
    "temporal_cutoff",
]
