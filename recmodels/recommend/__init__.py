"""Raw ids in, raw ids out: a trained model with its rules, and the folder it is kept in."""

from recmodels.recommend.bundle import Bundle, load_bundle, save_bundle
from recmodels.recommend.recommendation import Recommendation
from recmodels.recommend.recommender import Recommender

__all__ = ["Bundle", "Recommendation", "Recommender", "load_bundle", "save_bundle"]
