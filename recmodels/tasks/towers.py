"""The task of two towers: retrieval, rating prediction, or both."""

import keras
from keras import ops

from recmodels.models.two_tower import TwoTower
from recmodels.tasks.ranking import RankingTask
from recmodels.tasks.retrieval import RetrievalTask


@keras.saving.register_keras_serializable("recmodels")
class TowerTask(keras.Model):
    """Two towers with their losses, to be trained on `RatingBatches`.

        loss = retrieval_weight * RetrievalTask + rating_weight * RankingTask

    Args:
        model: with a rating head if ratings have a weight.
        retrieval_weight, rating_weight: of the losses. A loss with weight 0 is not computed: the
            other one is learnt exactly as it would be alone.
        correct_sampling, remove_accidental_hits: of `RetrievalTask`, which needs `adapt`.
        summed: whether the retrieval loss is the sum over the batch instead of its mean, as TFRS
            has it by default; its gradients then grow with the batch.

    Example:
        >>> task = TowerTask(model, rating_weight=1.0)
        >>> task.adapt(data.train)
        >>> task.compile(optimizer="adam", jit_compile=False)
        >>> task.fit(RatingBatches(data.train, data.num_items, 1024, seed=0), shuffle=False)
    """

    def __init__(
        self,
        model: TwoTower,
        retrieval_weight: float = 1.0,
        rating_weight: float = 0.0,
        correct_sampling: bool = True,
        remove_accidental_hits: bool = True,
        summed: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if min(retrieval_weight, rating_weight) < 0 or not (retrieval_weight or rating_weight):
            raise ValueError(
                "`retrieval_weight` and `rating_weight` must not be negative, nor both 0. "
                f"Received: retrieval_weight={retrieval_weight}, rating_weight={rating_weight}"
            )
        if rating_weight and model.head is None:
            raise ValueError(
                "`rating_weight` needs a model that rates: TwoTower(..., head='dot'). Received: "
                f"rating_weight={rating_weight}, head=None"
            )
        self.model = model
        self.retrieval_weight = retrieval_weight
        self.rating_weight = rating_weight
        self.summed = summed
        self.retrieval = RetrievalTask(
            model.num_items, correct_sampling, remove_accidental_hits=remove_accidental_hits
        )
        self.ranking = RankingTask("mse")

    def adapt(self, train) -> None:
        """Count the training histories, for the model and for the correction."""
        self.model.adapt(train)
        self.retrieval.adapt(train)

    def build(self, input_shape=None) -> None:
        if not self.model.built:
            self.model.build()
        self._freeze_untrained()

    def _freeze_untrained(self) -> None:
        """Freeze the weights that no loss of this task trains."""
        rates, retrieves = self.rating_weight > 0, self.retrieval_weight > 0
        for tower in (self.model.query, self.model.candidate):
            if tower.ids:
                tower.biases.trainable = rates
        if self.model.rating_head is not None:
            self.model.rating_head.trainable = rates
        self.model.item_weights.trainable = retrieves and self.model.popularity

    def call(self, inputs, training=None):
        return self.model(inputs, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        total = 0.0
        if self.retrieval_weight:
            loss = self.retrieval(
                y_pred["queries"], y_pred["candidates"], x["item_ids"], sample_weight
            )
            if self.summed:
                loss = loss * ops.sum(sample_weight)
            total = total + self.retrieval_weight * loss
        if self.rating_weight:
            loss = self.ranking(y, y_pred["ratings"], sample_weight)
            total = total + self.rating_weight * loss
        return total

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
            "retrieval_weight": self.retrieval_weight,
            "rating_weight": self.rating_weight,
            "correct_sampling": self.retrieval.correct_sampling,
            "remove_accidental_hits": self.retrieval.remove_accidental_hits,
            "summed": self.summed,
        }

    @classmethod
    def from_config(cls, config: dict) -> "TowerTask":
        return cls(keras.saving.deserialize_keras_object(config.pop("model")), **config)
