"""Logs of behaviour: read, checked, cleaned and split."""

from recmodels.data.interactions import Interactions
from recmodels.data.registry import SOURCES, load
from recmodels.data.splits import Cases, Split, leave_one_out, temporal_cutoff

__all__ = ["SOURCES", "Cases", "Interactions", "Split", "leave_one_out", "load", "temporal_cutoff"]
