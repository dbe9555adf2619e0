"""The accumulator of predictions per slice."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from slice_tf.evaluation import inputs
from slice_tf.evaluation.fingerprint import checksum_rows
from slice_tf.evaluation.scores import NUM_BINS, bins_of_probabilities

# Losses are summed as whole multiples of this, so that a sum is the same in
# whatever order and in however many parts it is taken.
LOSS_UNIT = 2.0**-20

_SMALLEST_PROBABILITY = np.finfo(np.float64).eps
# Rows counted at once, so that memory does not grow with a batch.
_CHUNK = 16_384


class SliceCounts:
    """All that metrics per slice need, of a size independent of the data.

    One pass fills it; parts counted anywhere merge into the same whole, in
    any order, to the last bit. An example counts in every slice it is a
    member of and in the base slice, which is the last row. Where membership
    is unknown, the example is no member.

    Args:
        num_slices: Number of slices, without the base slice.
        num_classes: Number of classes, at least 2.

    Attributes:
        cells: int64 `[slices + 1, classes, classes, bins]`: slice, label,
            predicted class, bin of the probability of class 1. There is one
            bin only where there are more than two classes.
        loss_sums: int64 `[2, slices + 1]`: log loss and its square, in
            `LOSS_UNIT` nats.
        unknown: int64 `[slices + 1]`: examples of unknown membership.
        checksum: Stands for labels and membership, whatever their order.

    Raises:
        ValueError: If a number is too small.
    """

    def __init__(self, num_slices: int, num_classes: int) -> None:
        if num_slices < 0 or num_classes < 2:
            raise ValueError(
                "There must be at least 0 slices and 2 classes. Received: "
                f"num_slices={num_slices}, num_classes={num_classes}"
            )
        self.num_slices, self.num_classes = num_slices, num_classes
        bins = NUM_BINS if num_classes == 2 else 1
        rows = num_slices + 1
        self.cells = np.zeros((rows, num_classes, num_classes, bins), np.int64)
        self.loss_sums = np.zeros((2, rows), np.int64)
        self.unknown = np.zeros(rows, np.int64)
        self.checksum = 0

    def add(
        self,
        labels: Any,
        probabilities: Any,
        membership: Any,
        known: Any = None,
    ) -> None:
        """Counts predictions; on an error nothing is counted.

        Args:
            labels: Class ids, of shape `[batch]`.
            probabilities: Of shape `[batch, classes]`.
            membership: 0 or 1, of shape `[batch, slices]`.
            known: 0 where membership is unknown, of the same shape; None
                where all is known.

        Raises:
            ValueError: If a shape or a value is wrong.
            TypeError: If labels are no integers.
        """
        batch = inputs.check_predictions(
            labels,
            probabilities,
            membership,
            known,
            self.num_slices,
            self.num_classes,
        )
        for rows in chunks(len(batch)):
            unknown = None if batch.unknown is None else batch.unknown[rows]
            truth, members = batch.labels[rows], batch.members[rows]
            self._count(truth, batch.probabilities[rows], members)
            self.checksum += checksum_rows(truth, members, unknown)
        self.checksum %= 2**64
        if batch.unknown is not None:
            self.unknown[:-1] += batch.unknown.sum(axis=0)

    def merge(self, other: "SliceCounts") -> None:
        """Adds what another accumulator counted.

        Raises:
            ValueError: If the other counts other slices or classes.
        """
        if self.cells.shape != other.cells.shape:
            raise ValueError(
                "Only counts of the same slices and classes can be merged. "
                f"Received: num_slices={self.num_slices} and "
                f"{other.num_slices}, num_classes={self.num_classes} and "
                f"{other.num_classes}"
            )
        self.cells += other.cells
        self.loss_sums += other.loss_sums
        self.unknown += other.unknown
        self.checksum = (self.checksum + other.checksum) % 2**64

    @property
    def sizes(self) -> Any:
        """Examples per slice, int64 of shape `[slices + 1]`."""
        return self.cells.sum(axis=(1, 2, 3))

    @property
    def confusion(self) -> Any:
        """Label by predicted class, int64 `[slices + 1, classes, classes]`."""
        return self.cells.sum(axis=3)

    @property
    def scores(self) -> Any:
        """Label by bin of the score, int64 `[slices + 1, classes, bins]`."""
        return self.cells.sum(axis=2)

    @property
    def num_examples(self) -> int:
        """Number of examples counted."""
        return int(self.cells[-1].sum())

    def _count(self, labels: Any, probabilities: Any, members: Any) -> None:
        codes = labels * self.num_classes + probabilities.argmax(axis=1)
        if self.num_classes == 2:
            bins = bins_of_probabilities(probabilities[:, 1])
            codes = codes * NUM_BINS + bins
        rows, slices = member_pairs(members)
        count_codes(self.cells, codes, rows, slices)
        for sums, losses in zip(
            self.loss_sums, _losses(labels, probabilities), strict=True
        ):
            found = np.bincount(slices, losses[rows], self.num_slices)
            sums[:-1] += found.astype(np.int64)
            sums[-1] += int(losses.sum())


def chunks(num_rows: int) -> Iterator[slice]:
    """Yields runs of rows that cover a batch."""
    for start in range(0, num_rows, _CHUNK):
        yield slice(start, start + _CHUNK)


def member_pairs(members: Any) -> tuple[Any, Any]:
    """Returns rows and slices of all memberships, int64 `[memberships]`.

    Args:
        members: bool, of shape `[batch, slices]`.
    """
    num_slices = max(members.shape[1], 1)
    found = np.flatnonzero(members)
    rows = found // num_slices
    return rows, found - rows * num_slices


def count_codes(cells: Any, codes: Any, rows: Any, slices: Any) -> None:
    """Counts each row's code in every slice of the row, and in the base.

    Args:
        cells: int64 `[slices + 1, ...]`, changed in place.
        codes: Flat index into the axes after the first, of shape `[batch]`.
        rows: Row of each membership, of shape `[memberships]`.
        slices: Slice of each membership, of the same shape.
    """
    width = cells[0].size
    np.add.at(cells[-1].reshape(-1), codes, 1)
    np.add.at(cells.reshape(-1), slices * width + codes[rows], 1)


def _losses(labels: Any, probabilities: Any) -> Any:
    """Log loss and its square in whole units, float64 `[2, batch]`.

    Whole numbers this small add without rounding, even as float64.
    """
    likelihoods = np.take_along_axis(probabilities, labels[:, None], axis=1)
    losses = -np.log(np.clip(likelihoods[:, 0], _SMALLEST_PROBABILITY, 1.0))
    return np.rint(np.stack([losses, losses**2]) / LOSS_UNIT)
