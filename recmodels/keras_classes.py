"""Let Keras find the classes of this package when it loads a model."""

import importlib
import sys
from importlib.machinery import ModuleSpec, PathFinder

_PACKAGE = "recmodels"
# By module: the classes that are registered with `keras.saving.register_keras_serializable`.
_CLASSES = {
    "layers.attention": ("MultiHeadAttention",),
    "layers.content_embedding": ("ContentItemEmbedding",),
    "layers.causal_convolution": ("CausalConvolutions",),
    "layers.dropout": ("Dropout",),
    "layers.embedding": ("ItemEmbedding",),
    "layers.event_embedding": ("EventEmbedding",),
    "layers.feed_forward": ("FeedForward",),
    "layers.frequency_filter": ("FrequencyFilter", "FilteredAttention"),
    "layers.gated_block": ("SwiGLU", "GatedBlock"),
    "layers.given_type": ("GivenType",),
    "layers.item_similarities": ("ItemSimilarities",),
    "layers.linear_recurrence": ("LinearRecurrence",),
    "layers.norm": ("LayerNorm",),
    "layers.pointwise_attention": ("PointwiseAttention",),
    "layers.position": ("LearnedPosition", "SinusoidalPosition"),
    "layers.rating_head": ("RatingHead",),
    "layers.rating_set_encoder": ("RatingSetEncoder",),
    "layers.recurrent_block": ("RecurrentBlock",),
    "layers.target_shares": ("TargetShares",),
    "layers.text_embedding": ("TextBlocks", "TextItemEmbedding"),
    "layers.time_head": ("TimeHead",),
    "layers.token_embedding": ("TokenEmbedding",),
    "layers.tower": ("Tower",),
    "layers.transformer": ("TransformerBlock",),
    "text.bert": ("Bert", "TextVectors"),
    "models.masked_language": ("MaskedLanguage",),
    "models.attentive": ("HSTU", "LiGR", "BSARec"),
    "models.bert4rec": ("BERT4Rec",),
    "models.lru_rec": ("LinearRecurrenceBlock", "LRURec"),
    "models.multi_interest": ("MultiInterest",),
    "models.next_it_net": ("NextItNet",),
    "models.recurrent": ("SimpleRNN", "LSTM", "GRU4Rec"),
    "models.sasrec": ("SASRec",),
    "models.sentence_encoder": ("SentenceEncoder",),
    "models.two_tower": ("TwoTower",),
    "models.with_similarities": ("WithSimilarities",),
    "tasks.multi_interest": ("MultiInterestTask",),
    "models.next_event": ("NextEvent",),
    "tasks.next_event": ("NextEventTask",),
    "tasks.next_item": ("NextItem",),
    "tasks.next_retrieval": ("NextRetrieval",),
    "tasks.parallel_next_item": ("ParallelNextItem",),
    "tasks.ranking": ("RankingTask",),
    "tasks.retrieval": ("RetrievalTask",),
    "tasks.towers": ("TowerTask",),
}


class ImportedOnUse:
    """Placeholder for a class in Keras's registry; the import replaces it by the class.

    Args:
        module: of the class.
        name: of the class.
    """

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def from_config(self, config: dict):
        """Import the class and create an object from a config."""
        return getattr(importlib.import_module(self.module), self.name).from_config(config)


class _KerasFinder:
    """Find Keras as Python does, and register our classes as soon as it is imported."""

    @staticmethod
    def find_spec(name: str, path=None, target=None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == "keras" else None
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module) -> None:
                execute(module)
                _register(module)

            spec.loader.exec_module = execute_and_register
        return spec


def register_with_keras() -> None:
    """Let `keras.saving.load_model` find our classes, whether Keras is imported already or not."""
    if "keras" in sys.modules:
        _register(sys.modules["keras"])
    else:
        sys.meta_path.insert(0, _KerasFinder)


def _register(keras) -> None:
    known = keras.saving.get_custom_objects()
    for module, names in _CLASSES.items():
        for name in names:
            stand_in = ImportedOnUse(f"{_PACKAGE}.{module}", name)
            known.setdefault(f"{_PACKAGE}>{name}", stand_in)
