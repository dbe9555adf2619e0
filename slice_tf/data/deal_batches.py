"""Batches of tensors, dealt out to replicas."""

from typing import Any

import tensorflow as tf

from slice_tf.data.deal import Deal


def deal_batches(batches: tf.data.Dataset, deal: Deal) -> tf.data.Dataset:
    """Deals out global batches by record to the replicas of a worker.

    Args:
        batches: Global batches of any structure, all tensors `[batch, ...]`.
        deal: Which worker, and how many replicas.

    Returns:
        One element a replica of this worker for every batch, as equal in size
        as can be, and empty ones without end after the last: `tf.distribute`
        then fetches the next without asking all replicas whether there is
        one.
    """
    total, first = deal.total_replicas, deal.worker * deal.num_replicas

    def parts(*batch: Any) -> Any:
        size = tf.shape(tf.nest.flatten(batch)[0], out_type=tf.int64)[0]

        def part(replica: Any) -> Any:
            start, stop = (size * (replica + i) // total for i in (0, 1))
            cut = tf.nest.map_structure(lambda one: one[start:stop], batch)
            return cut if len(cut) > 1 else cut[0]

        return tf.data.Dataset.range(first, first + deal.num_replicas).map(part)

    empty = tf.nest.map_structure(
        lambda spec: tf.zeros([0, *spec.shape[1:]], spec.dtype),
        batches.element_spec,
    )
    endless = tf.data.Dataset.from_tensors(empty).repeat()
    return batches.flat_map(parts).concatenate(endless)
