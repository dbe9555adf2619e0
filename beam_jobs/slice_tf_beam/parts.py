"""A large shard, cut so that several workers can slice it."""

import dataclasses
import itertools

from slice_tf_beam.shards import Shard


@dataclasses.dataclass(frozen=True)
class Part:
    """The records of a shard whose first byte lies between two bytes.

    Args:
        shard: The raw shard.
        index: Which of its parts this is.
        start: First byte.
        stop: Byte after the last; None where the part is the whole shard.
    """

    shard: Shard
    index: int = 0
    start: int = 0
    stop: int | None = None


def parts_of(shard: Shard, split_bytes: int) -> list[Part]:
    """Returns the parts of a shard, all of about one size.

    Args:
        shard: The raw shard. Whether it is gzip, which cannot be cut, is not
            known before a worker opens it.
        split_bytes: Largest size of a part.
    """
    count = -(-shard.num_bytes // split_bytes)
    if count < 2:
        return [Part(shard)]
    cuts = [shard.num_bytes * index // count for index in range(count + 1)]
    return [
        Part(shard, index, start, stop)
        for index, (start, stop) in enumerate(itertools.pairwise(cuts))
    ]
