"""The baseline that climbs to where losses are high."""

import numbers
from typing import Any

import numpy as np

from slice_tf.discovery.inputs import error_of
from slice_tf.discovery.projection import fit_projection, sample_rows
from slice_tf.discovery.slicer import Slicer

_MAX_ROWS = 5_000
_STARTS = 20
_STEPS = 30


class SpotlightSlicer(Slicer):
    """Gaussian kernels, moved to where the weighted mean loss is highest.

    Each kernel begins at errors drawn at random and moves by mean shift,
    every row weighted by kernel and loss; of all starts the kernel with the
    highest weighted loss is kept, and its share of each row's loss is removed
    before the next.

    Args:
        num_slices: Number of kernels.
        max_dim: Principal directions to keep.
        share: Of rows, how many a kernel should hold.
        random_state: Seed.

    Attributes:
        centers_: Of shape `[num_slices_, kept dim]`.
        widths_: Squared widths of the kernels, `[num_slices_]`.

    Source:
        After d'Eon et al. 2022, "The Spotlight: A General Method for
        Discovering Systematic Errors in Deep Learning Models".
    """

    def __init__(
        self,
        num_slices: int = 5,
        max_dim: int = 32,
        share: float = 0.02,
        random_state: int = 0,
    ) -> None:
        self.num_slices = num_slices
        self.max_dim = max_dim
        self.share = share
        self.random_state = random_state

    def _fit(self, embeddings: Any, labels: Any, probabilities: Any) -> int:
        share: Any = self.share
        if not (isinstance(share, numbers.Real) and 0 < float(share) <= 1):
            raise ValueError(
                "`share` must be a number above 0 and at most 1. Received: "
                f"share={share!r}"
            )
        rng = np.random.default_rng(self.random_state)
        self.projection_ = fit_projection(embeddings, self.max_dim, rng)
        rows = sample_rows(len(labels), _MAX_ROWS, rng)
        z = self.projection_(embeddings[rows])
        loss = error_of(labels, probabilities)[rows]
        wrong = np.flatnonzero(loss >= np.quantile(loss, 0.9))
        centers, widths = [], []
        for _ in range(self.num_slices):
            starts = z[rng.choice(wrong, _STARTS)]
            tried = [self._climb(start, z, loss) for start in starts]
            center, width, weights, _ = max(tried, key=lambda one: one[3])
            loss = loss * (1 - weights)
            centers.append(center)
            widths.append(width)
        self.centers_, self.widths_ = np.stack(centers), np.array(widths)
        return len(centers)

    def _climb(self, center: Any, z: Any, loss: Any) -> tuple[Any, ...]:
        width = 1.0
        for _ in range(_STEPS):
            distances = ((z - center) ** 2).sum(axis=1)
            # A kernel whose squared width is that of its share of the rows.
            width = max(float(np.quantile(distances, self.share)), 1e-9)
            weights = np.exp(-0.5 * distances / width)
            pull = weights * loss + 1e-12
            center = pull @ z / pull.sum()
        return center, width, weights, (weights @ loss) / weights.sum()

    def _scores(self, embeddings: Any, labels: Any, probabilities: Any) -> Any:
        z = self.projection_(embeddings)[:, None]
        distances = ((z - self.centers_) ** 2).sum(axis=2)
        near = np.exp(-0.5 * distances / self.widths_)
        if labels is None:
            return near
        return near * error_of(labels, probabilities)[:, None]
