"""Problems with a slice that is known, for tests of discovery."""

import numpy as np


def planted(seed=0, rows=900, dim=12, classes=2, scale=1.0):
    """Six clusters; the model fails on the third.

    Returns embeddings, labels, probabilities and membership of the cluster.
    """
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(7).normal(0, 3, (6, dim))
    cluster = rng.integers(0, 6, rows)
    embeddings = centers[cluster] + rng.normal(size=(rows, dim))
    labels = cluster % classes
    wrong = rng.random(rows) < np.where(cluster == 2, 0.7, 0.04)
    guess = np.where(wrong, (labels + 1) % classes, labels)
    sure = rng.uniform(0.6, 0.95, rows)
    probabilities = np.tile((1 - sure)[:, None] / (classes - 1), (1, classes))
    probabilities[np.arange(rows), guess] = sure
    return embeddings * scale, labels, probabilities, cluster == 2


def precision_of_first(slicer, seed=1, **options):
    """Precision at ten of the slice reported first, on fresh rows."""
    embeddings, labels, probabilities, inside = planted(seed, **options)
    scores = slicer.predict_proba(embeddings, labels, probabilities)
    return inside[np.argsort(-scores[:, 0])[:10]].mean()
