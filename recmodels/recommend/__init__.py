"""Recommend with raw ids: a trained model with its rules, saved in a folder."""

from recmodels.recommend.bundle import Bundle, load_bundle, save_bundle
from recmodels.recommend.candidates import catalogue_vectors
from recmodels.recommend.index import ApproximateIndex, ExactIndex, recall
from recmodels.recommend.item_table import item_facts
from recmodels.recommend.next_behaviour import NextBehaviour
from recmodels.recommend.recommendation import Recommendation
from recmodels.recommend.recommender import Recommender
from recmodels.recommend.rules import (
    AtLeast,
    AtMost,
    Diverse,
    NoOlderThan,
    OnePerFamily,
    title_family,
)
