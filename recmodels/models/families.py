"""The families of sequence encoders by name, for experiments, contests and tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from recmodels.models.attentive import HSTU, BSARec, LiGR
from recmodels.models.bert4rec import BERT4Rec
from recmodels.models.lru_rec import LRURec
from recmodels.models.next_it_net import NextItNet
from recmodels.models.recurrent import LSTM, GRU4Rec, SimpleRNN
from recmodels.models.sasrec import SASRec
from recmodels.models.sequence_encoder import SequenceEncoder


@dataclass(frozen=True)
class Family:
    """A class of encoders with the arguments that make it this family.

    Args:
        kind: the class.
        options: arguments besides `num_items`; others may be added.
        title: as papers write it.
    """

    kind: type[SequenceEncoder]
    title: str
    options: Mapping[str, object] = field(default_factory=dict)

    def build(self, num_items: int, **options) -> SequenceEncoder:
        """Make an untrained encoder; `options` take precedence over those of the family."""
        return self.kind(num_items, **{**self.options, **options})


FAMILIES: dict[str, Family] = {
    "simple-rnn": Family(SimpleRNN, "SimpleRNN"),
    "lstm": Family(LSTM, "LSTM"),
    "gru4rec": Family(GRU4Rec, "GRU4Rec"),
    "nextitnet": Family(NextItNet, "NextItNet"),
    "lrurec": Family(LRURec, "LRURec"),
    "sasrec": Family(SASRec, "SASRec"),
    # The decoder of GPT over items is SASRec with the norm before each part of a block, wider
    # feed-forward networks and positions counted from the oldest event.
    "gpt": Family(SASRec, "GPT", {"norm_order": "pre", "hidden_width": 256, "positions": "oldest"}),
    "ligr": Family(LiGR, "LiGR"),
    "hstu": Family(HSTU, "HSTU"),
    "hstu-times": Family(HSTU, "HSTU with times", {"time_bias": True}),
    "bsarec": Family(BSARec, "BSARec"),
    "bert4rec": Family(BERT4Rec, "BERT4Rec"),
}
