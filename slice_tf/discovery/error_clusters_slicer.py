"""The plain baseline: clusters of what the model got wrong."""

from typing import Any

import numpy as np

from slice_tf.discovery.inputs import error_of
from slice_tf.discovery.projection import sample_rows
from slice_tf.discovery.slicer import Slicer

_MAX_ROWS = 20_000


class ErrorClustersSlicer(Slicer):
    """K-means on the embeddings of wrongly predicted examples.

    A row's score falls with its squared distance from the centre, against the
    mean one of the errors; with labels and probabilities it is multiplied by
    the probability of a wrong prediction. Clusters with most errors come
    first.

    Args:
        num_slices: Number of clusters.
        random_state: Seed.

    Attributes:
        centers_: Of shape `[num_slices_, dim]`, of embeddings divided by
            two to the power of `exponent_`.
    """

    def __init__(self, num_slices: int = 5, random_state: int = 0) -> None:
        self.num_slices = num_slices
        self.random_state = random_state

    def _fit(self, embeddings: Any, labels: Any, probabilities: Any) -> int:
        from sklearn.cluster import KMeans

        rng = np.random.default_rng(self.random_state)
        wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
        wrong = wrong[sample_rows(len(wrong), _MAX_ROWS, rng)]
        rows = np.asarray(embeddings[wrong], np.float64)
        # A power of two: squares of any scale are finite, no digit changes.
        self.exponent_ = int(np.frexp(np.abs(rows).max())[1])
        rows = np.ldexp(rows, -self.exponent_)
        count = min(self.num_slices, len(np.unique(rows, axis=0)))
        means = KMeans(count, n_init=5, random_state=self.random_state)
        nearest = means.fit_predict(rows)
        order = np.argsort(-np.bincount(nearest), kind="stable")
        self.centers_ = means.cluster_centers_[order]
        self.spread_ = max(means.inertia_ / len(rows), 1e-300)
        return count

    def _scores(self, embeddings: Any, labels: Any, probabilities: Any) -> Any:
        rows = np.ldexp(np.asarray(embeddings, np.float64), -self.exponent_)
        distances = np.stack(
            [((rows - center) ** 2).sum(axis=1) for center in self.centers_],
            axis=1,
        )
        near = np.exp(-distances / self.spread_)
        if labels is None:
            return near
        return near * error_of(labels, probabilities)[:, None]
