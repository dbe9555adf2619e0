"""What the training loop asks of its data."""

from typing import Protocol

import tensorflow as tf

from slice_tf.data.deal import Deal
from slice_tf.data.deal_batches import deal_batches

_ALONE = Deal()


class Batches(Protocol):
    """Global batches, epoch by epoch; `SlicedBatches` is one."""

    def steps(self, deal: Deal = _ALONE) -> int:
        """Returns the number of global batches in an epoch."""

    def epoch(
        self, epoch: int = 0, *, skip: int = 0, deal: Deal = _ALONE
    ) -> tf.data.Dataset:
        """Returns an epoch's batches, dealt out to a worker's replicas."""


class DatasetBatches:
    """A dataset of one's own, the same in every epoch.

    Args:
        dataset: Global batches of `(features, targets)` or `(features,
            targets, sample_weight)`, in an order that does not change; a run
            that stopped could not go on where it was otherwise.

    Raises:
        ValueError: If TensorFlow does not know how many batches it has.
    """

    def __init__(self, dataset: tf.data.Dataset) -> None:
        self._dataset = dataset
        self._steps = int(dataset.cardinality())
        if self._steps < 0:
            raise ValueError(
                "A dataset must know its number of batches, because all "
                "devices end an epoch together. Received: "
                f"cardinality={self._steps}. Apply "
                "`tf.data.experimental.assert_cardinality(batches)` to it."
            )

    def steps(self, deal: Deal = _ALONE) -> int:
        """Returns the number of global batches."""
        return self._steps

    def epoch(
        self, epoch: int = 0, *, skip: int = 0, deal: Deal = _ALONE
    ) -> tf.data.Dataset:
        """Returns the batches after the first `skip`."""
        batches = self._dataset.skip(skip)
        if deal.total_replicas > 1:
            batches = deal_batches(batches, deal)
        return batches.prefetch(tf.data.AUTOTUNE)
