"""The task of predicting the next item by a mixture of interests."""

import keras
from keras import ops

from recmodels.models.multi_interest import MultiInterest
from recmodels.tasks.next_item import NextItem, states_at


@keras.saving.register_keras_serializable("recmodels")
class MultiInterestTask(NextItem):
    """A `MultiInterest` and the negative log-likelihood of its mixture of softmaxes.

    The probability of an item is the sum over interests of the weight of the interest times its
    softmax over the catalogue. A step needs memory for positions times interests times items.

    Args:
        encoder: a `MultiInterest`.

    Example:
        >>> task = MultiInterestTask(MultiInterest(num_items=100))
        >>> task.compile(optimizer="adam", jit_compile=False)
    """

    def __init__(self, encoder: MultiInterest, **kwargs) -> None:
        super().__init__(encoder, **kwargs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        y, sample_weight = ops.convert_to_tensor(y), ops.convert_to_tensor(sample_weight)
        states = ops.cast(states_at(y_pred, x["positions"]), "float32")
        table = ops.cast(self.encoder.item_embedding.catalogue(), "float32")
        scores = self.encoder.interest_scores(states, table)  # (N, K, V)
        _, log_weights = self.encoder.split_states(states)
        # The weight is part of each score and has to be left out of the sum over the items.
        total = ops.logsumexp(scores, axis=-1) - log_weights[..., 0]  # (N, K)
        own = ops.take_along_axis(scores, (y - 1)[:, None, None], axis=-1)[..., 0]
        lost = -ops.logsumexp(own - total, axis=-1)  # (N,)
        return ops.sum(lost * sample_weight) / ops.sum(sample_weight)

    def get_config(self) -> dict:
        config = super().get_config()
        config.pop("loss")
        return config
