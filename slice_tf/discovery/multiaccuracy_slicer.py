"""The baseline that predicts the model's residual."""

from typing import Any

import numpy as np

from slice_tf.discovery.projection import fit_projection
from slice_tf.discovery.slicer import Slicer


class MultiaccuracySlicer(Slicer):
    """Ridge regressions of the residual, one after the other.

    Each slice is where a linear function of the embedding predicts that a
    class is given too little or too much probability; what it explains is
    taken off before the next is fitted, in turn over classes and signs. A row
    scores the predicted residual, cut off at 0 and 1.

    Args:
        num_slices: Number of slices.
        max_dim: Principal directions to keep.
        penalty: Of the ridge, for a row.
        random_state: Seed of the projection.

    Attributes:
        directions_: Of shape `[num_slices_, dim + 1]`, with the intercept
            last, in projected embeddings.

    Source:
        After Kim, Ghorbani and Zou 2019, "Multiaccuracy: Black-Box
        Post-Processing for Fairness in Classification".
    """

    def __init__(
        self,
        num_slices: int = 5,
        max_dim: int = 128,
        penalty: float = 1e-2,
        random_state: int = 0,
    ) -> None:
        self.num_slices = num_slices
        self.max_dim = max_dim
        self.penalty = penalty
        self.random_state = random_state

    def _fit(self, embeddings: Any, labels: Any, probabilities: Any) -> int:
        rng = np.random.default_rng(self.random_state)
        self.projection_ = fit_projection(embeddings, self.max_dim, rng)
        z = _with_one(self.projection_(embeddings))
        residual = np.eye(probabilities.shape[1])[labels] - probabilities
        gram = z.T @ z + self.penalty * len(z) * np.eye(z.shape[1])
        solve = np.linalg.solve
        turns = [(c, s) for c in range(residual.shape[1]) for s in (1, -1)]
        lines = []
        for _ in range(self.num_slices):
            wanted = [np.maximum(s * residual[:, c], 0) for c, s in turns]
            tried = [solve(gram, z.T @ one) for one in wanted]
            shown = [np.clip(z @ line, 0, 1) for line in tried]
            gains = [float(a @ b) for a, b in zip(shown, wanted, strict=True)]
            best = int(np.argmax(gains))
            label, sign = turns[best]
            residual[:, label] -= sign * shown[best]
            lines.append(tried[best])
        self.directions_ = np.stack(lines)
        return len(lines)

    def _scores(self, embeddings: Any, labels: Any, probabilities: Any) -> Any:
        z = _with_one(self.projection_(embeddings))
        return np.clip(z @ self.directions_.T, 0, 1)


def _with_one(z: Any) -> Any:
    return np.concatenate([z, np.ones((len(z), 1))], axis=1)
