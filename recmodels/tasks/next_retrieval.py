"""Next-item retrieval with in-batch negatives."""

import keras
from keras import ops

from recmodels.models.sequence_encoder import SequenceEncoder
from recmodels.tasks.next_item import NextItem, states_at
from recmodels.tasks.retrieval import RetrievalTask


@keras.saving.register_keras_serializable("recmodels")
class NextRetrieval(NextItem):
    """A sequence encoder as query tower, its item vectors as candidates; see `RetrievalTask`.

    Train it on `NextItemBatches` with `max_positions`: the cost grows with the square of the
    positions in a batch.

    Args:
        encoder: gives states (B, T, D) for `item_ids` (B, T).
        correct_sampling: see `RetrievalTask`; then call `retrieval.adapt(train)` first.

    Example:
        >>> task = NextRetrieval(SASRec(num_items=100))
        >>> task.retrieval.adapt(data.train)
    """

    def __init__(self, encoder: SequenceEncoder, correct_sampling: bool = True, **kwargs) -> None:
        super().__init__(encoder, **kwargs)
        self.retrieval = RetrievalTask(self.num_items, correct_sampling)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        states = states_at(y_pred, x["positions"])
        table = ops.cast(self.encoder.item_embedding.catalogue(), "float32")
        candidates = ops.take(table, y - 1, axis=0)  # (N, D)
        # Positions that only fill up the batch are not used as negatives.
        places = ops.arange(ops.shape(y)[0])
        is_target = places[:, None] == places[None, :]
        mask = ops.logical_or(is_target, sample_weight[None, :] > 0)  # (N, N)
        return self.retrieval(states, candidates, y, sample_weight, mask)

    def get_config(self) -> dict:
        config = super().get_config()
        config.pop("loss")
        return {**config, "correct_sampling": self.retrieval.correct_sampling}
