"""Domino's slicer, as published."""

from typing import Any

import numpy as np

from slice_tf.discovery.mixture import fit_mixture
from slice_tf.discovery.projection import fit_projection
from slice_tf.discovery.slicer import Slicer
from slice_tf.discovery.starts import confusion_start, regions_start

STARTS = {"confusion": confusion_start, "clusters": regions_start}


class DominoSlicer(Slicer):
    """One error-aware mixture; components rank by how far predictions lie off.

    For reproduction: `MixtureSlicer` finds more. Components rank by the
    largest difference between a class's share of labels and its mean
    predicted probability. Unlike the authors' release, embeddings are divided
    by one number, so that `label_weight` means the same at any scale, and a
    collapsed component loses its rows instead of failing the fit.

    Args:
        num_slices: Number of components to report.
        num_components: Components of the mixture.
        max_dim: Principal directions to keep.
        label_weight: Weight of both the label and the prediction terms.
        start: "confusion", as the authors' release 0.1.5, or "clusters", as
            their later code.
        max_iter: Largest number of passes over the rows.
        tol: Gain of mean log likelihood below which passes end.
        random_state: Seed. The same seed gives the same slices.

    Attributes:
        components_: The reported components' places, `[num_slices_]`.
        gaps_: Their gaps between labels and predictions.

    Source:
        Eyuboglu et al. 2022, "Domino: Discovering Systematic Errors with
        Cross-Modal Embeddings", section 4.2.
    """

    def __init__(
        self,
        num_slices: int = 5,
        num_components: int = 25,
        max_dim: int = 128,
        label_weight: float = 10.0,
        start: str = "confusion",
        max_iter: int = 100,
        tol: float = 1e-3,
        random_state: int = 0,
    ) -> None:
        self.num_slices = num_slices
        self.num_components = num_components
        self.max_dim = max_dim
        self.label_weight = label_weight
        self.start = start
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def _fit(self, embeddings: Any, labels: Any, probabilities: Any) -> int:
        if self.start not in STARTS:
            raise ValueError(
                f"`start` must be one of {', '.join(STARTS)}. Received: "
                f"start={self.start!r}"
            )
        rng = np.random.default_rng(self.random_state)
        self.projection_ = fit_projection(embeddings, self.max_dim, rng)
        z = self.projection_(embeddings, np.float32)
        count = min(self.num_components, len(z))
        weight = float(self.label_weight)
        begin = STARTS[self.start](z, labels, probabilities, count, weight, rng)
        self.mixture_, self.n_iter_ = fit_mixture(
            begin, z, labels, probabilities, self.max_iter, self.tol
        )
        gaps = np.abs(self.mixture_.labels - self.mixture_.predictions)
        gaps = gaps.max(axis=1)
        first = np.argsort(-gaps, kind="stable")[: self.num_slices]
        self.components_, self.gaps_ = first, gaps[first]
        return len(first)

    def _scores(self, embeddings: Any, labels: Any, probabilities: Any) -> Any:
        z = self.projection_(embeddings)
        shares = self.mixture_.responsibilities(z, labels, probabilities)
        return shares[:, self.components_]
