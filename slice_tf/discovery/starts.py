"""Where EM begins: the choice that decides which slices it can find."""

from typing import Any

import numpy as np

from slice_tf.discovery.mixture import Mixture, Sums, m_step
from slice_tf.discovery.projection import sample_rows

_SOFT = 1e-4
_MAX_ROWS = 10_000


def regions_start(
    z: Any,
    labels: Any,
    probabilities: Any,
    num_components: int,
    label_weight: float,
    rng: np.random.Generator,
) -> Mixture:
    """Begins with clusters of the embeddings alone.

    Args:
        z: Projected embeddings, of shape `[rows, dim]`; a sample of at most
            10,000 is clustered.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`.
        num_components: How many clusters; fewer where rows are fewer.
        label_weight: `g` of the mixture.
        rng: Draws rows and centres.
    """
    rows = sample_rows(len(z), _MAX_ROWS, rng)
    shares = np.full((len(rows), num_components), _SOFT, np.float32)
    found = clusters(z[rows], num_components, rng)
    shares[np.arange(len(rows)), found] = 1
    return _mixture(
        shares, z[rows], labels[rows], probabilities[rows], label_weight
    )


def confusion_start(
    z: Any,
    labels: Any,
    probabilities: Any,
    num_components: int,
    label_weight: float,
    rng: np.random.Generator,
) -> Mixture:
    """Begins with the soft cells of the confusion matrix, repeated.

    Arguments are those of `regions_start`; every row is used.

    Source:
        Eyuboglu et al. 2022, section 4.2 and appendix.
    """
    classes = probabilities.shape[1]
    cells = np.arange(num_components) % classes**2
    alike = labels[:, None] == cells // classes
    shares = alike * probabilities[:, cells % classes]
    shares /= shares.sum(axis=1, keepdims=True) + 1e-12
    shares += 1e-3 * rng.random(shares.shape)
    return _mixture(shares, z, labels, probabilities, label_weight)


def clusters(z: Any, num_clusters: int, rng: np.random.Generator) -> Any:
    """Returns the cluster of each row by k-means, of shape `[rows]`."""
    from sklearn.cluster import KMeans

    distinct = len(np.unique(z, axis=0))
    means = KMeans(
        min(num_clusters, distinct),
        n_init=1,
        random_state=int(rng.integers(1 << 31)),
    )
    return means.fit_predict(z)


def _mixture(
    shares: Any, z: Any, labels: Any, probabilities: Any, label_weight: float
) -> Mixture:
    shares = shares / shares.sum(axis=1, keepdims=True)
    sums = Sums.of(shares, z, labels, probabilities)
    return m_step(sums, label_weight)
