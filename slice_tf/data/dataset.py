"""Sliced TFRecords as a `tf.data.Dataset`."""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from slice_tf.data.check import check_records
from slice_tf.data.copies import Copies
from slice_tf.data.deal import Deal, deal_files
from slice_tf.data.deal_batches import deal_batches
from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.data.oversample import Oversample
from slice_tf.data.parse import make_parser
from slice_tf.data.read_errors import naming, remember, translated
from slice_tf.data.sliced_directory import (
    check_sliced,
    count_records,
    slice_rates,
)
from slice_tf.data.tfrecord import is_gzip, list_shards
from slice_tf.schema import SliceSchema

__all__ = [
    "SlicedBatches",
    "count_records",
    "load_dataset",
    "slice_rates",
    "translated",
]

_FIRST_RECORDS = 100
_SHUFFLED_RECORDS = 16384
_PARSED_RECORDS = 1024
# Fixed, not chosen by the machine: the order of shuffled records depends on
# both.
_OPEN_SHARDS = 16
_BLOCK_RECORDS = 16

_ALONE = Deal()


def load_dataset(
    pattern: str | os.PathLike[str],
    spec: FeatureSpec,
    schema: SliceSchema,
    batch_size: int,
    *,
    shuffle: bool = False,
    seed: int = 0,
    drop_remainder: bool = False,
    repeat: bool = False,
    cache: bool = False,
    prefetch: bool = True,
    oversample: Oversample | None = None,
) -> tf.data.Dataset:
    """Returns batches of a sliced directory.

    Without `shuffle`, examples come in the order of the shards' names and of
    their records. With it, shards and records are shuffled anew for every
    epoch, the same way for the same seed.

    Args:
        pattern: A sliced directory, or a pattern of shards in one.
        spec: Features and label to read.
        schema: Slices that the data must have.
        batch_size: Examples in a batch.
        shuffle: Whether to shuffle.
        seed: Seed of the order. TensorFlow's global seed, where one is set,
            changes the order too.
        drop_remainder: Whether to leave out a smaller last batch.
        repeat: Whether to go on for ever, epoch after epoch.
        cache: Whether to keep parsed examples in memory, so that only the
            first epoch reads files. Shuffles across all of them then.
        prefetch: Whether to prepare batches while the model computes.
        oversample: Which examples come more than once an epoch. The data is
            read once to count them. Leave it out to evaluate.

    Returns:
        A dataset of `(features, targets)`, or of `(features, targets,
        weights)` where `oversample` reweighs; weights are float32 of shape
        `[batch]`, 1 on the mean. `features` has a tensor of shape
        `[batch, *shape]` for each feature; `targets` has `label`, int64 of
        shape `[batch]`, and `membership` and `known`, float32 of 0 and 1, of
        shape `[batch, slices]`. `known` is 0 where a slicing function failed.

    Raises:
        ValueError: If there is no shard, the data is not whole, has other
            slices, or one of its first records does not fit `spec`. What
            later records do, `translated` tells.
    """
    batches = SlicedBatches(
        pattern,
        spec,
        schema,
        batch_size,
        shuffle=shuffle,
        seed=seed,
        cache=cache,
        oversample=oversample,
    )
    dataset = batches.reshuffled(drop_remainder)
    if repeat:
        dataset = dataset.repeat()
    if prefetch:
        dataset = dataset.prefetch(tf.data.AUTOTUNE)
    remember(dataset, batches.shards, spec, schema)
    return dataset


class SlicedBatches:
    """Sliced shards as global batches, epoch by epoch.

    An epoch's order depends on the seed and the epoch alone, so that a run
    that stopped goes on with the very batch it would have come to.

    Args:
        pattern: A sliced directory, or a pattern of shards in one.
        spec: Features and label to read.
        schema: Slices that the data must have.
        batch_size: Examples in a batch, those of all replicas together.
        shuffle: Whether to shuffle.
        seed: Seed of the order; TensorFlow's global seed changes it too.
        cache: Whether to keep parsed examples in memory.
        oversample: Which examples come more than once an epoch. Its rates
            of slices are then in `shown_rates`, `[slices]`, which is `None`
            where weights make up for it, or every example comes once.

    Raises:
        ValueError: As `load_dataset`.
    """

    def __init__(
        self,
        pattern: str | os.PathLike[str],
        spec: FeatureSpec,
        schema: SliceSchema,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        cache: bool = False,
        oversample: Oversample | None = None,
    ) -> None:
        if type(batch_size) is not int or batch_size < 1:
            raise ValueError(
                "`batch_size` must be a positive integer. Received: "
                f"batch_size={batch_size}"
            )
        self.shards = list_shards(pattern)
        self.sizes = check_sliced(self.shards, schema)
        check_records(self.shards, spec, schema, limit=_FIRST_RECORDS)
        self.batch_size = batch_size
        self._shuffle, self._seed, self._cache = shuffle, seed, cache
        self.shown_rates: npt.NDArray[np.float64] | None = None
        self._copies: Copies | None = None
        weigh = None
        if oversample is not None:
            self._copies = Copies(oversample, spec, schema)
            natural = sum(self.sizes)
            with naming(self.shards, spec, schema):
                self.sizes = _count(self._copies, self.shards)
            shown = self._copies.shown()
            if oversample.reweigh:
                copies = sum(self.sizes) / max(1, natural)
                weigh = self._copies.weigh(copies)
            else:
                self.shown_rates = shown / max(1, sum(self.sizes))
        self._parse = make_parser(spec, schema, weigh)
        self._kept: dict[tuple[int, ...], Any] = {}
        remember(self, self.shards, spec, schema)

    @property
    def num_examples(self) -> int:
        """Number of examples in an epoch, copies counted."""
        return sum(self.sizes)

    def steps(self, deal: Deal = _ALONE) -> int:
        """Returns the number of global batches in an epoch."""
        if not deal.by_file(len(self.shards)):
            return math.ceil(self.num_examples / self.batch_size)
        local = self._local_batch_size(deal)
        return max(
            math.ceil(sum(self.sizes[shard] for shard in hand) / local)
            for hand in deal_files(self.sizes, deal.num_workers)
        )

    def epoch(
        self, epoch: int = 0, *, skip: int = 0, deal: Deal = _ALONE
    ) -> tf.data.Dataset:
        """Returns the batches of one epoch.

        Args:
            epoch: Index of the epoch, which changes the order where the data
                is shuffled.
            skip: Number of global batches to leave out at the start.
            deal: Whose part to return. With several replicas each global
                batch becomes one element a replica of this worker, of
                examples as equal in number as can be; some are empty where
                there are too few. Such a dataset goes on for ever, with
                empty elements after its last batch.

        Returns:
            A dataset of `(features, targets)`, as `load_dataset`.
        """
        by_file = deal.by_file(len(self.shards))
        mine = tuple(range(len(self.shards)))
        size = self.batch_size
        if by_file:
            mine = tuple(deal_files(self.sizes, deal.num_workers)[deal.worker])
            size = self._local_batch_size(deal)
            deal = Deal(num_replicas=deal.num_replicas)
        order = np.random.SeedSequence([self._seed, epoch])
        seed = int(order.generate_state(1)[0]) if self._shuffle else None
        batches = self._batches(mine, size, seed, reshuffle=False)
        batches = batches.skip(skip)
        if deal.total_replicas > 1 or by_file:
            batches = deal_batches(batches, deal)
        if not self._cache:
            batches = batches.apply(self._parse)
        return batches.prefetch(tf.data.AUTOTUNE)

    def reshuffled(self, drop_remainder: bool) -> tf.data.Dataset:
        """Returns batches whose order changes whenever they are read."""
        everything = tuple(range(len(self.shards)))
        batches = self._batches(
            everything,
            self.batch_size,
            self._seed if self._shuffle else None,
            reshuffle=True,
            drop_remainder=drop_remainder,
        )
        return batches if self._cache else batches.apply(self._parse)

    def _local_batch_size(self, deal: Deal) -> int:
        """Returns how many examples of a global batch come from a worker."""
        if self.batch_size % deal.num_workers:
            raise ValueError(
                "The global batch must be a multiple of the number of workers "
                "to deal out files. Received: "
                f"batch_size={self.batch_size}, workers={deal.num_workers}. "
                "Deal by record, or choose another size."
            )
        return self.batch_size // deal.num_workers

    def _batches(
        self,
        mine: tuple[int, ...],
        batch_size: int,
        seed: int | None,
        *,
        reshuffle: bool,
        drop_remainder: bool = False,
    ) -> Any:
        """Returns batches of records, or of parsed examples if cached."""
        num_examples = sum(self.sizes[shard] for shard in mine)
        if self._cache:
            examples = self._parsed(mine)
            if seed is not None:
                examples = examples.shuffle(
                    max(1, num_examples), seed, reshuffle
                )
        else:
            shards = [self.shards[shard] for shard in mine]
            examples = _records(shards, seed, reshuffle, self._copies)
        steps = num_examples / batch_size
        number = math.floor(steps) if drop_remainder else math.ceil(steps)
        return examples.batch(batch_size, drop_remainder).apply(
            tf.data.experimental.assert_cardinality(number)
        )

    def _parsed(self, mine: tuple[int, ...]) -> Any:
        """Returns parsed examples that are read from their shards once."""
        if mine not in self._kept:
            shards = [self.shards[shard] for shard in mine]
            records = _records(shards, None, False, self._copies)
            batches = records.batch(_PARSED_RECORDS)
            self._kept[mine] = batches.apply(self._parse).unbatch().cache()
        return self._kept[mine]


def _records(
    shards: Sequence[str],
    seed: int | None,
    reshuffle: bool,
    copies: Copies | None = None,
) -> Any:
    """Returns a dataset of serialized examples, shuffled if there is a seed."""
    repeated = copies.repeated if copies else lambda records: records
    compressions = ["GZIP" if is_gzip(shard) else "" for shard in shards]
    if seed is None and len(set(compressions)) == 1:
        # A dataset of its own for each file would cost a sixth of reading.
        records = tf.data.TFRecordDataset(list(shards), compressions[0])
        return records.apply(repeated)
    files = tf.data.Dataset.from_tensor_slices((list(shards), compressions))
    if seed is None:
        return files.flat_map(tf.data.TFRecordDataset).apply(repeated)
    return (
        files.shuffle(len(shards), seed, reshuffle)
        .interleave(
            tf.data.TFRecordDataset,
            cycle_length=_OPEN_SHARDS,
            block_length=_BLOCK_RECORDS,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        .apply(repeated)
        .shuffle(_SHUFFLED_RECORDS, seed, reshuffle)
    )


def _count(copies: Copies, shards: Sequence[str]) -> list[int]:
    """Returns the number of examples of each shard, copies counted."""
    return [
        sum(
            copies.count(part)
            for part in _records([shard], None, False).batch(_PARSED_RECORDS)
        )
        for shard in shards
    ]
