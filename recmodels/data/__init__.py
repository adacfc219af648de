"""Logs of behaviour: read, checked, cleaned and split."""

from recmodels.data.card import DataCard, data_card
from recmodels.data.cleaning import (
    CleaningReport,
    cap_durations,
    clean,
    collapse_repeats,
    drop_exact_duplicates,
    drop_impossible_times,
    drop_missing,
    k_core,
    single_pass_core,
)
from recmodels.data.columns import guess_columns
from recmodels.data.events import from_frame, read_events
from recmodels.data.interactions import Interactions
from recmodels.data.leakage import LeakReport, leak_report
from recmodels.data.public_sets import SOURCES, Source
from recmodels.data.rating_splits import random_ratings, temporal_ratings
from recmodels.data.registry import load
from recmodels.data.splits import Cases, Split, leave_one_out, temporal_cutoff
from recmodels.data.table_splits import split_from_tables

__all__ = [
    "SOURCES",
    "Cases",
    "CleaningReport",
    "DataCard",
    "Interactions",
    "LeakReport",
    "Source",
    "Split",
    "cap_durations",
    "clean",
    "collapse_repeats",
    "data_card",
    "drop_exact_duplicates",
    "drop_impossible_times",
    "drop_missing",
    "from_frame",
    "guess_columns",
    "k_core",
    "leak_report",
    "leave_one_out",
    "load",
    "random_ratings",
    "read_events",
    "single_pass_core",
    "split_from_tables",
    "temporal_cutoff",
    "temporal_ratings",
]
