"""How labels fall into slices."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True, eq=False)
class LabelCounts:
    """Examples of each class in each slice.

    Args:
        names: Of the slices, in schema order.
        classes: The labels, sorted.
        overall: Number of all examples of each class, of shape `[classes]`.
        by_slice: The same of each slice, of shape `[slices, classes]`.
    """

    names: tuple[str, ...]
    classes: tuple[Any, ...]
    overall: npt.NDArray[np.int64]
    by_slice: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls, names: Sequence[str], membership: npt.NDArray[Any], labels: Any
    ) -> "LabelCounts":
        """Counts labels.

        Args:
            names: Of the slices.
            membership: Of shape `[rows, slices]`.
            labels: Integers or strings of shape `[rows]`.

        Raises:
            ValueError: If there is not one label a row.
        """
        array = np.asarray(labels)
        if array.shape != membership.shape[:1]:
            raise ValueError(
                "There must be one label a row. Received: "
                f"labels={array.shape}, rows={membership.shape[:1]}"
            )
        classes, index = np.unique(array, return_inverse=True)
        by_class = [
            membership[index == place].sum(axis=0, dtype=np.int64)
            for place in range(len(classes))
        ]
        return cls(
            tuple(names),
            tuple(classes.tolist()),
            np.bincount(index, minlength=len(classes)).astype(np.int64),
            np.array(by_class, np.int64).reshape(len(classes), len(names)).T,
        )

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """Share of each class in each slice, of shape `[slices, classes]`."""
        return self.by_slice / np.maximum(self.by_slice.sum(1), 1)[:, None]

    def warnings(self) -> Iterator[str]:
        """Yields slices whose examples have one label, where others have more.

        An expert learns a constant there, and no score tells it from luck.
        """
        if len(self.classes) < 2:
            return
        for name, counts in zip(self.names, self.by_slice, strict=True):
            if np.count_nonzero(counts) == 1:
                label = self.classes[int(counts.argmax())]
                yield (
                    f"slice `{name}` holds label {label} alone: its expert "
                    "learns a constant"
                )

    def headers(self) -> list[str]:
        """Returns the headers of `cells`."""
        return [f"label {label}, %" for label in self.classes]

    def cells(self) -> list[list[str]]:
        """Returns a row of cells for each slice."""
        return [[f"{100 * one:.1f}" for one in row] for row in self.shares]

    def to_dict(self) -> dict[str, Any]:
        """Returns the counts as plain JSON values."""
        return {
            "classes": list(self.classes),
            "overall": self.overall.tolist(),
            "by_slice": self.by_slice.tolist(),
        }
