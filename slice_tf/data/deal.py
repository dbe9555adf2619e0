"""How global batches are dealt out to the replicas of several workers."""

import dataclasses
from collections.abc import Sequence

WAYS = ("auto", "file", "record")


@dataclasses.dataclass(frozen=True)
class Deal:
    """Which part of every global batch a worker's replicas get.

    Args:
        worker: Index of this worker.
        num_workers: Number of workers.
        num_replicas: Number of replicas on each worker.
        by: `record`: every worker reads all shards and keeps its part of each
            global batch, which then holds the same examples whatever the
            number of workers. `file`: every worker reads shards of its own,
            and a global batch is what they deliver together. `auto` is `file`
            where there are as many shards as workers, else `record`.

    Raises:
        ValueError: If an index or a number is out of range, or there is no
            way of that name.
    """

    worker: int = 0
    num_workers: int = 1
    num_replicas: int = 1
    by: str = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.worker < self.num_workers or self.num_replicas < 1:
            raise ValueError(
                "A worker must be one of the workers, with a replica or more. "
                f"Received: worker={self.worker}, "
                f"num_workers={self.num_workers}, "
                f"num_replicas={self.num_replicas}"
            )
        if self.by not in WAYS:
            raise ValueError(
                f"Data must be dealt out by one of {', '.join(WAYS)}. "
                f"Received: by={self.by!r}"
            )

    @property
    def total_replicas(self) -> int:
        """Number of replicas on all workers."""
        return self.num_workers * self.num_replicas

    def by_file(self, num_shards: int) -> bool:
        """Tells whether workers read shards of their own.

        Raises:
            ValueError: If that was asked for and there are too few.
        """
        if self.by == "file" and num_shards < self.num_workers:
            raise ValueError(
                "There must be a shard for every worker to deal out files. "
                f"Received: shards={num_shards}, workers={self.num_workers}. "
                "Deal by record, or write more shards."
            )
        if self.num_workers == 1 or self.by == "record":
            return False
        return num_shards >= self.num_workers


def deal_files(sizes: Sequence[int], num_workers: int) -> list[list[int]]:
    """Deals out shards so that workers get about as many examples.

    The largest shard goes first, each to the worker that has least, so that
    none is without a shard where there are enough; what a worker gets stays in
    the shards' order.

    Args:
        sizes: Number of examples of each shard.
        num_workers: Number of workers.

    Returns:
        Positions of shards, a list a worker.
    """
    hands: list[list[int]] = [[] for _ in range(num_workers)]
    totals = [0] * num_workers
    for shard in sorted(range(len(sizes)), key=lambda one: -sizes[one]):
        least = min(
            range(num_workers), key=lambda one: (totals[one], len(hands[one]))
        )
        hands[least].append(shard)
        totals[least] += sizes[shard]
    return [sorted(hand) for hand in hands]
