"""Found slices as regions of an embedding space: arrays and NumPy only.

This is what a slicing function loads, so it needs no scikit-learn.
"""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from slice_tf.discovery.inputs import blocks
from slice_tf.discovery.mixture import Mixture
from slice_tf.discovery.projection import Projection

ARRAYS = "regions.npz"
THRESHOLD = 0.5
_VIEW = ("weights", "means", "variances", "labels", "predictions")


@dataclasses.dataclass(frozen=True)
class Regions:
    """Which embeddings lie in which found slice.

    Attributes:
        projection: Of the slicer.
        views: Its mixtures.
        places: Mixture and component of each slice, `[slices, 2]`.
    """

    projection: Projection
    views: tuple[Mixture, ...]
    places: Any

    def scores(self, embeddings: Any) -> Any:
        """Returns how much rows are in slices, float64 `[rows, slices]`.

        Raises:
            ValueError: If the embeddings are of another width, or one is not
                finite: it would be in no slice, silently.
        """
        rows = np.atleast_2d(np.asarray(embeddings))
        expected = len(self.projection.mean)
        if rows.ndim != 2 or rows.shape[1] != expected:
            raise ValueError(
                "Embeddings must come from the encoder that the slices were "
                f"found with. Received: shape={rows.shape}, expected="
                f"[rows, {expected}]"
            )
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            raise ValueError(
                "Embeddings must be finite, without NaN or infinity, because "
                "such a row lies nowhere. Received: "
                f"row={int(finite.argmin())}, rows={len(rows)}"
            )
        return self.shares(self.projection(rows))

    def shares(self, z: Any) -> Any:
        """Returns `scores` of projected embeddings, `[rows, dim]`."""
        out = np.empty((len(z), len(self.places)))
        for rows in blocks(len(z)):
            shares = [view.responsibilities(z[rows]) for view in self.views]
            for column, (view, component) in enumerate(self.places):
                out[rows, column] = shares[view][:, component]
        return out

    def scores_in_blocks(self, embeddings: Any) -> Any:
        """Returns `scores` of any number of rows, read a few at a time."""
        out = np.empty((len(embeddings), len(self.places)))
        for rows in blocks(len(embeddings)):
            out[rows] = self.scores(embeddings[rows])
        return out

    def members(self, embeddings: Any) -> Any:
        """Returns which rows are in which slice, bool `[rows, slices]`."""
        return self.scores_in_blocks(embeddings) >= THRESHOLD

    def member(self, embeddings: Any, place: int | Sequence[int]) -> Any:
        """Returns whether rows are in a slice, or in any of several.

        Args:
            embeddings: Of shape `[rows, dim]`.
            place: Of the slice, or of several that are one.

        Returns:
            Bool of shape `[rows]`.
        """
        scores = self.scores(embeddings)[:, np.atleast_1d(place)]
        return scores.max(axis=1) >= THRESHOLD

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any number."""
        digest = hashlib.sha256()
        for name, array in sorted(self._arrays().items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes an `.npz` file, under exactly this name."""
        with open(path, "wb") as file:
            np.savez(file, **self._arrays())

    def _arrays(self) -> dict[str, Any]:
        arrays = {
            "mean": self.projection.mean,
            "matrix": self.projection.matrix,
            "places": np.asarray(self.places, np.int64).reshape(-1, 2),
            "label_weights": np.array([v.label_weight for v in self.views]),
        }
        for place, view in enumerate(self.views):
            for name in _VIEW:
                arrays[f"view{place}_{name}"] = getattr(view, name)
        return arrays


def load_regions(path: str, fingerprint: str = "") -> Regions:
    """Reads what `Regions.save` wrote.

    Args:
        path: The `.npz` file.
        fingerprint: What it must have; any where empty.

    Raises:
        ValueError: If the file is of another run than the one expected.
    """
    with np.load(path, allow_pickle=False) as file:
        views = tuple(
            Mixture(
                **{name: file[f"view{place}_{name}"] for name in _VIEW},
                label_weight=float(weight),
            )
            for place, weight in enumerate(file["label_weights"])
        )
        projection = Projection(file["mean"], file["matrix"])
        regions = Regions(projection, views, file["places"])
    if fingerprint and regions.fingerprint != fingerprint:
        raise ValueError(
            "Regions must be those that the slicing function was written for. "
            f"Received: path={path}, fingerprint={regions.fingerprint}, "
            f"expected={fingerprint}. Accept the slice again."
        )
    return regions
