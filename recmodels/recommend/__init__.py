"""Raw ids in, raw ids out: a trained model with its rules, and the folder it is kept in."""

from recmodels.recommend.bundle import Bundle, load_bundle, save_bundle
from recmodels.recommend.item_table import item_facts
from recmodels.recommend.recommendation import Recommendation
from recmodels.recommend.recommender import Recommender
from recmodels.recommend.rules import AtLeast, AtMost, Diverse, NoOlderThan, OnePerFamily

__all__ = [
    "AtLeast",
    "AtMost",
    "Bundle",
    "Diverse",
    "NoOlderThan",
    "OnePerFamily",
    "Recommendation",
    "Recommender",
    "item_facts",
    "load_bundle",
    "save_bundle",
]
