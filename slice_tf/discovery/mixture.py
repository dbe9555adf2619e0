"""A mixture over embeddings, labels and predictions, and its EM steps."""

import dataclasses
from typing import Any

import numpy as np

from slice_tf.discovery.inputs import blocks

_FLOOR = 1e-3  # Of variances, against the mean variance of all rows.
_PSEUDO = 1e-2  # Examples added to each class of each component.
_TINY = 1e-12
# A component of less has collapsed; it keeps its place and gets no rows.
_LEAST = 1e-6


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Parameters of a mixture of diagonal normals, aware of errors.

    `p(z, y, h | k) = N(z; mean_k, variance_k) * Cat(y; labels_k)^g *
    Cat(h; predictions_k)^g`, where `g` is `label_weight`; 0 leaves a mixture
    of embeddings alone.

    Attributes:
        weights: Of shape `[components]`, summing to one.
        means: Of shape `[components, dim]`.
        variances: Of shape `[components, dim]`.
        labels: Class shares of each component, `[components, classes]`.
        predictions: Mean probabilities, `[components, classes]`.
        label_weight: `g`.

    Source:
        Eyuboglu et al. 2022, "Domino: Discovering Systematic Errors with
        Cross-Modal Embeddings", section 4.2.
    """

    weights: Any
    means: Any
    variances: Any
    labels: Any
    predictions: Any
    label_weight: float

    @property
    def num_components(self) -> int:
        """How many components there are."""
        return len(self.weights)

    def log_joint(
        self, z: Any, labels: Any = None, probabilities: Any = None
    ) -> Any:
        """Returns log densities, of shape `[rows, components]`.

        Args:
            z: Projected embeddings, of shape `[rows, dim]`.
            labels: Classes of shape `[rows]`; None leaves the term out.
            probabilities: Of shape `[rows, classes]`; None leaves it out.
        """
        inverse = 1 / self.variances
        both = np.concatenate([z * z, z], axis=1)
        terms = np.concatenate([-0.5 * inverse, self.means * inverse], axis=1)
        constant = np.log(self.weights + _TINY) - 0.5 * (
            self.means**2 * inverse + np.log(self.variances) + np.log(2 * np.pi)
        ).sum(axis=1)
        logs = both @ terms.T.astype(both.dtype) + constant
        if labels is not None and self.label_weight:
            logs += self.label_weight * np.log(self.labels.T[labels] + _TINY)
        if probabilities is not None and self.label_weight:
            of_mean = np.log(probabilities @ self.predictions.T + _TINY)
            logs += self.label_weight * of_mean
        return logs

    def responsibilities(
        self, z: Any, labels: Any = None, probabilities: Any = None
    ) -> Any:
        """Returns shares of shape `[rows, components]`; each row sums to 1."""
        return normalised(self.log_joint(z, labels, probabilities))[0]


def normalised(logs: Any) -> tuple[Any, Any]:
    """Returns shares and the log of each row's sum, stably."""
    top = logs.max(axis=1, keepdims=True)
    shares = np.exp(logs - top)
    total = shares.sum(axis=1, keepdims=True)
    return shares / total, (top + np.log(total))[:, 0]


def m_step(sums: "Sums", label_weight: float) -> Mixture:
    """Returns the parameters that sums of responsibilities give."""
    sizes = np.maximum(sums.sizes, _LEAST)[:, None]
    means = sums.first / sizes
    variances = np.maximum(sums.second / sizes - means**2, 0) + _FLOOR
    classes = sums.labels.shape[1]
    shared = sizes + classes * _PSEUDO
    return Mixture(
        sums.sizes / sums.sizes.sum(),
        means,
        variances,
        (sums.labels + _PSEUDO) / shared,
        (sums.predictions + _PSEUDO) / shared,
        label_weight,
    )


@dataclasses.dataclass(frozen=True)
class Sums:
    """What the M-step needs of any number of rows; add to merge."""

    sizes: Any
    first: Any
    second: Any
    labels: Any
    predictions: Any

    @classmethod
    def of(cls, shares: Any, z: Any, labels: Any, probabilities: Any) -> "Sums":
        """Sums over rows, from responsibilities `[rows, components]`."""
        one_hot = np.eye(probabilities.shape[1], dtype=shares.dtype)[labels]
        across = shares.T
        return cls(
            shares.sum(axis=0, dtype=np.float64),
            (across @ z).astype(np.float64),
            (across @ (z * z)).astype(np.float64),
            (across @ one_hot).astype(np.float64),
            (across @ probabilities.astype(shares.dtype)).astype(np.float64),
        )

    def __add__(self, other: "Sums") -> "Sums":
        mine, yours = vars(self).values(), vars(other).values()
        return Sums(*(a + b for a, b in zip(mine, yours, strict=True)))


def fit_mixture(
    start: Mixture,
    z: Any,
    labels: Any,
    probabilities: Any,
    max_iter: int,
    tol: float,
) -> tuple[Mixture, int]:
    """Runs EM in blocks of rows.

    Args:
        start: Parameters to begin with.
        z: Projected embeddings, float32 of shape `[rows, dim]`.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`.
        max_iter: Largest number of passes over the rows.
        tol: Gain of mean log likelihood below which it stops.

    Returns:
        The mixture, and the number of passes.
    """
    mixture, before, passes = start, -np.inf, 0
    for _ in range(max_iter):
        passes += 1
        sums, total = None, 0.0
        for rows in blocks(len(z)):
            block = z[rows], labels[rows], probabilities[rows]
            shares, logs = normalised(mixture.log_joint(*block))
            part = Sums.of(shares.astype(np.float32), *block)
            sums = part if sums is None else sums + part
            total += float(logs.sum())
        mixture = m_step(sums, start.label_weight) if sums else mixture
        mean = total / len(z)
        if abs(mean - before) < tol:
            break
        before = mean
    return mixture, passes
