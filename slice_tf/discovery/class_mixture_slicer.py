"""The baseline with a mixture for each class."""

from typing import Any

import numpy as np

from slice_tf.discovery.inputs import blocks
from slice_tf.discovery.mixture import fit_mixture
from slice_tf.discovery.projection import fit_projection
from slice_tf.discovery.slicer import Slicer
from slice_tf.discovery.starts import regions_start


class ClassMixtureSlicer(Slicer):
    """A mixture of embeddings for each class; components rank by mean loss.

    Args:
        num_slices: Number of components to report, over all classes.
        num_components: Components for each class.
        max_dim: Principal directions to keep.
        max_iter: Largest number of passes over the rows.
        tol: Gain of mean log likelihood below which passes end.
        random_state: Seed.

    Attributes:
        slices_: Class and component of each slice, `[num_slices_, 2]`.

    Source:
        After Sohoni et al. 2020, "No Subclass Left Behind" (George).
    """

    def __init__(
        self,
        num_slices: int = 5,
        num_components: int = 12,
        max_dim: int = 32,
        max_iter: int = 60,
        tol: float = 1e-3,
        random_state: int = 0,
    ) -> None:
        self.num_slices = num_slices
        self.num_components = num_components
        self.max_dim = max_dim
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def _fit(self, embeddings: Any, labels: Any, probabilities: Any) -> int:
        rng = np.random.default_rng(self.random_state)
        self.projection_ = fit_projection(embeddings, self.max_dim, rng)
        z = self.projection_(embeddings, np.float32)
        own = probabilities[np.arange(len(labels)), labels]
        loss = -np.log(np.maximum(own, 1e-6))
        self.mixtures_, ranked = {}, []
        for label in np.unique(labels).tolist():
            rows = labels == label
            part = z[rows], labels[rows], probabilities[rows]
            count = min(self.num_components, int(rows.sum()))
            begin = regions_start(*part, count, 0.0, rng)
            mixture, _ = fit_mixture(begin, *part, self.max_iter, self.tol)
            self.mixtures_[label] = mixture
            sizes, losses = _sums(mixture, part[0], loss[rows])
            ranked += [
                (losses[k] / sizes[k], label, k)
                for k in range(count)
                if sizes[k] >= min(10, rows.sum() / 2)
            ]
        ranked.sort(key=lambda one: -one[0])
        self.slices_ = np.array([one[1:] for one in ranked[: self.num_slices]])
        return len(self.slices_)

    def _scores(self, embeddings: Any, labels: Any, probabilities: Any) -> Any:
        z = self.projection_(embeddings)
        shares = {
            label: mixture.responsibilities(z)
            for label, mixture in self.mixtures_.items()
        }
        out = np.stack([shares[c][:, k] for c, k in self.slices_], axis=1)
        if labels is None:
            return out
        return out * (labels[:, None] == self.slices_[:, 0])


def _sums(mixture: Any, z: Any, loss: Any) -> tuple[Any, Any]:
    sizes, losses = 0.0, 0.0
    for rows in blocks(len(z)):
        shares = mixture.responsibilities(z[rows])
        sizes = sizes + shares.sum(axis=0)
        losses = losses + loss[rows] @ shares
    return sizes, losses
