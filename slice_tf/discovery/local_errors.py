"""How dense a slice's errors are around a row: what comes first in it."""

from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsRegressor

from slice_tf.discovery.projection import sample_rows

_NEIGHBOURS = 30
# Of a label, among which a row's neighbours are looked for.
_MAX_ROWS = 10_000
# Of a slice, the rows with the largest errors, from which a few are chosen.
_LOOKED_AT = 1000


class LocalErrors:
    """The mean error in a slice of a row's nearest neighbours of its label.

    A component of a mixture is certain of nearly every row, so that alone it
    puts a row at its border before one in its middle of which the model is
    wrong by a hair less. Errors among neighbours are densest in the middle.

    Args:
        z: Projected embeddings, float32 of shape `[rows, dim]`.
        labels: Of shape `[rows]`.
        errors: Of shape `[rows, slices]`: how much a row is in a slice, times
            how probable a wrong prediction is.
        slice_labels: The label that each slice is of, `[slices]`.
        rng: Draws rows, where a label has more than 10,000.
    """

    def __init__(
        self,
        z: Any,
        labels: Any,
        errors: Any,
        slice_labels: Any,
        rng: np.random.Generator,
    ) -> None:
        self._labels = np.asarray(slice_labels, np.int64)
        self._near = {}
        for label in np.unique(self._labels).tolist():
            rows = np.flatnonzero(labels == label)
            rows = rows[sample_rows(len(rows), _MAX_ROWS, rng)]
            near = KNeighborsRegressor(min(_NEIGHBOURS, len(rows)))
            self._near[label] = near.fit(
                z[rows], errors[rows][:, self._labels == label]
            )

    def __call__(self, z: Any, labels: Any) -> Any:
        """Returns means from 0 to 1, `[rows, slices]`; 0 for other labels."""
        out = np.zeros((len(z), len(self._labels)))
        for label, near in self._near.items():
            rows = np.flatnonzero(labels == label)
            if len(rows):
                columns = np.flatnonzero(self._labels == label)
                means = near.predict(z[rows].astype(np.float32))
                out[np.ix_(rows, columns)] = means.reshape(len(rows), -1)
        return out


def clearest(
    z: Any, labels: Any, errors: Any, slice_labels: Any, count: int
) -> list[Any]:
    """Returns the rows that show best what goes wrong in each slice.

    Args:
        z: As of `LocalErrors`.
        labels: As of `LocalErrors`.
        errors: As of `LocalErrors`.
        slice_labels: As of `LocalErrors`.
        count: How many rows of a slice; fewer where there are fewer.

    Returns:
        Row numbers, an array a slice, the clearest first.
    """
    local = LocalErrors(
        z, labels, errors, slice_labels, np.random.default_rng(0)
    )
    out = []
    for k, label in enumerate(slice_labels):
        own = errors[:, k] * (labels == label)
        rows = np.argsort(-own, kind="stable")[:_LOOKED_AT]
        clear = own[rows] * local(z[rows], labels[rows])[:, k]
        out.append(rows[np.argsort(-clear, kind="stable")[:count]])
    return out
