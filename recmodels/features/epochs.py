"""Base class of all training batches: reproducible epochs, prepared by threads during training."""

import keras


class EpochBatches(keras.utils.PyDataset):
    """Batches that are a function of seed and epoch; subclasses compute the batches of an epoch.

    Args:
        seed: of everything random in them.
        workers: threads that make batches while the model trains. With one, TensorFlow tunes the
            input with a thread that sleeps for longer and longer, and an epoch may end only when
            this thread wakes, 10, 20 or 41 s after it began. With two or more, Keras turns this
            off.
        max_queue_size: the most finished batches that wait for training.
        **kwargs: of `keras.utils.PyDataset`.
    """

    def __init__(self, seed: int, workers: int = 2, max_queue_size: int = 4, **kwargs) -> None:
        super().__init__(workers=workers, max_queue_size=max_queue_size, **kwargs)
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Compute the batches of an epoch, numbered from 0."""
        raise NotImplementedError

    def identity(self) -> dict[str, object]:
        """Return plain values by name that identify the data, with digests of arrays.

        A checkpoint keeps it, so that training is never continued on other data.
        """
        raise NotImplementedError

    def on_epoch_end(self) -> None:
        self.set_epoch(self.epoch + 1)
