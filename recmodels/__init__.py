"""Sequential recommendation in Keras, for teaching, reliable evaluation and reproducible results.

import recmodels as rm

log = rm.load("shop")
data = rm.prepare(rm.leave_one_out(log), protocol=rm.Protocol(filter_seen=False))
model = rm.SASRec(data.num_items, max_length=50)
rm.fit(model, data, epochs=10)
rm.evaluate(model, data.test)
"""

import importlib
import os

from recmodels.keras_classes import register_with_keras
from recmodels.log_filters import ignore_retracing_warnings
from recmodels.threads import keep_operations_small

# TensorFlow Recommenders needs it before anything touches `tf.keras`; Keras 3 does not care.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

__version__ = "0.1.0"

# Imported on first use: reading a log should not wait for TensorFlow. `__init__.pyi` lists the same
# names for editors; `python tests/test_package.py` writes it.
_HOMES = {
    "Interactions": "recmodels.data.interactions",
    "load": "recmodels.data.registry",
    "read_events": "recmodels.data.events",
    "from_frame": "recmodels.data.events",
    "sessions": "recmodels.data.sessions",
    "data_card": "recmodels.data.card",
    "leave_one_out": "recmodels.data.splits",
    "temporal_cutoff": "recmodels.data.splits",
    "last_event": "recmodels.data.event_splits",
    "last_day": "recmodels.data.event_splits",
    "split_from_tables": "recmodels.data.table_splits",
    "random_ratings": "recmodels.data.rating_splits",
    "temporal_ratings": "recmodels.data.rating_splits",
    "rolling_origin": "recmodels.data.rolling",
    "leak_report": "recmodels.data.leakage",
    "prepare": "recmodels.features.sequences",
    "prepare_shards": "recmodels.scale.prepare",
    "Preparation": "recmodels.scale.preparation",
    "open_shards": "recmodels.scale.open_shards",
    "Protocol": "recmodels.features.protocol",
    "Schema": "recmodels.features.schema",
    "Category": "recmodels.features.columns",
    "Flag": "recmodels.features.columns",
    "Vector": "recmodels.features.columns",
    "Number": "recmodels.features.number_columns",
    "Gap": "recmodels.features.number_columns",
    "Counts": "recmodels.features.counts",
    "Clock": "recmodels.features.number_columns",
    "TextEncoder": "recmodels.text.encoder",
    "item_texts": "recmodels.text.cleaning",
    "simulate": "recmodels.data.shop",
    "simulate_behaviour": "recmodels.data.shop_behaviour",
    "RandomOrder": "recmodels.models.random_order",
    "MostPopular": "recmodels.models.popularity",
    "RecentPopular": "recmodels.models.popularity",
    "RepeatLast": "recmodels.models.repeat_last",
    "Markov": "recmodels.models.markov",
    "Transitions": "recmodels.models.transition",
    "ItemKNN": "recmodels.models.item_knn",
    "UserKNN": "recmodels.models.user_knn",
    "EASE": "recmodels.models.ease",
    "ImplicitALS": "recmodels.models.implicit_als",
    "BPRMF": "recmodels.models.bpr_mf",
    "Item2Vec": "recmodels.models.item_vectors",
    "GloVe": "recmodels.models.item_vectors",
    "initialise_items": "recmodels.models.initial_items",
    "tune_item_texts": "recmodels.models.item_texts",
    "Content": "recmodels.models.content",
    "Hybrid": "recmodels.models.hybrid",
    "SASRec": "recmodels.models.sasrec",
    "SentenceEncoder": "recmodels.models.sentence_encoder",
    "build_sentence_encoder": "recmodels.models.sentence_encoder",
    "MaskedLanguage": "recmodels.models.masked_language",
    "template_for": "recmodels.text.sentences",
    "SimpleRNN": "recmodels.models.recurrent",
    "LSTM": "recmodels.models.recurrent",
    "GRU4Rec": "recmodels.models.recurrent",
    "CachedDecoder": "recmodels.models.cached_decoder",
    "NextItNet": "recmodels.models.next_it_net",
    "LRURec": "recmodels.models.lru_rec",
    "HSTU": "recmodels.models.attentive",
    "LiGR": "recmodels.models.attentive",
    "BSARec": "recmodels.models.attentive",
    "BERT4Rec": "recmodels.models.bert4rec",
    "MultiInterest": "recmodels.models.multi_interest",
    "similar_texts": "recmodels.models.similar_items",
    "similar_users": "recmodels.models.similar_items",
    "similar_vectors": "recmodels.models.similar_items",
    "MajorityType": "recmodels.models.event_floors",
    "RepeatLastType": "recmodels.models.event_floors",
    "MarkovTypes": "recmodels.models.event_floors",
    "MedianGap": "recmodels.models.event_floors",
    "NextEvent": "recmodels.models.next_event",
    "EventForecast": "recmodels.models.event_forecast",
    "LogNormalMixture": "recmodels.models.event_forecast",
    "UserItemBias": "recmodels.models.user_item_bias",
    "EventEmbedding": "recmodels.layers.event_embedding",
    "Tower": "recmodels.layers.tower",
    "TwoTower": "recmodels.models.two_tower",
    "build_two_tower": "recmodels.models.build_two_tower",
    "RetrieveThenRank": "recmodels.models.retrieve_then_rank",
    "RetrievalTask": "recmodels.tasks.retrieval",
    "RankingTask": "recmodels.tasks.ranking",
    "fit": "recmodels.api",
    "Training": "recmodels.training.settings",
    "Augment": "recmodels.features.augment",
    "Contrast": "recmodels.tasks.contrast",
    "SimilarTargets": "recmodels.tasks.similar_targets",
    "fast_layers": "recmodels.layers.fast",
    "grow": "recmodels.models.growth",
    "evaluate": "recmodels.evaluation.report",
    "fuse": "recmodels.evaluation.fusion",
    "evaluate_events": "recmodels.evaluation.event_prediction",
    "event_intervals": "recmodels.evaluation.event_statistics",
    "compare_events": "recmodels.evaluation.event_statistics",
    "fit_temperature": "recmodels.evaluation.calibration",
    "choose_decision_weights": "recmodels.evaluation.calibration",
    "measure_held_out": "recmodels.evaluation.held_out",
    "slices": "recmodels.evaluation.comparison",
    "comparison": "recmodels.evaluation.comparison",
    "compare": "recmodels.evaluation.statistics",
    "BayesCeiling": "recmodels.evaluation.ceilings",
    "build_label_examples": "recmodels.insights.labels",
    "LabelClassifier": "recmodels.insights.labels",
    "score_labels": "recmodels.insights.labels",
    "label_sequences": "recmodels.insights.markov_mixture",
    "fit_markov_mixture": "recmodels.insights.markov_mixture",
    "StateClusters": "recmodels.insights.segments",
    "stability": "recmodels.insights.segments",
    "cluster_cards": "recmodels.insights.segments",
    "daily_counts": "recmodels.insights.seasons",
    "decompose": "recmodels.insights.seasons",
    "find_period": "recmodels.insights.seasons",
    "drift_alarm": "recmodels.insights.drift",
    "BayesEvents": "recmodels.evaluation.ceilings",
    "share_of_ceiling": "recmodels.evaluation.event_ceiling",
    "Removal": "recmodels.explain.removal",
    "leave_one_out_influence": "recmodels.explain.influence",
    "shapley": "recmodels.explain.influence",
    "recency_influence": "recmodels.explain.influence",
    "random_influence": "recmodels.explain.influence",
    "attention_influence": "recmodels.explain.influence",
    "integrated_gradients": "recmodels.explain.gradients",
    "gradient_times_input": "recmodels.explain.gradients",
    "completeness_error": "recmodels.explain.gradients",
    "counterfactual": "recmodels.explain.counterfactual",
    "faithfulness": "recmodels.explain.faithfulness",
    "explainer_table": "recmodels.explain.faithfulness",
    "rank_correlation": "recmodels.explain.faithfulness",
    "lag_influence": "recmodels.explain.global_influence",
    "item_influence": "recmodels.explain.global_influence",
    "column_importance": "recmodels.explain.global_influence",
    "write_sentence": "recmodels.explain.words",
    "check_sentence": "recmodels.explain.words",
    "Recommender": "recmodels.recommend.recommender",
    "Panel": "recmodels.panel",
    "set_seed": "recmodels.training.seeds",
}

_PACKAGES = ("course", "plots")

__all__ = [*_HOMES, "__version__"]

keep_operations_small()
ignore_retracing_warnings()
register_with_keras()


def __getattr__(name: str):
    if name in _PACKAGES:
        return importlib.import_module(f"recmodels.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'recmodels' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *_PACKAGES})
