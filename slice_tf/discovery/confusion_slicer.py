"""The baseline that looks at no embedding: cells of the confusion matrix."""

from typing import Any

import numpy as np

from slice_tf.discovery.slicer import Slicer


class ConfusionSlicer(Slicer):
    """Each pair of a label and another, predicted class is a slice.

    Pairs with most wrong predictions come first. A row scores the predicted
    probability of the pair's class if it has the pair's label, else 0; all 0
    without labels.

    Args:
        num_slices: Largest number of pairs.

    Attributes:
        pairs_: Label and predicted class of each slice, `[num_slices_, 2]`.
    """

    def __init__(self, num_slices: int = 5) -> None:
        self.num_slices = num_slices

    def _fit(self, embeddings: Any, labels: Any, probabilities: Any) -> int:
        classes = probabilities.shape[1]
        counts = np.zeros((classes, classes), np.int64)
        np.add.at(counts, (labels, probabilities.argmax(axis=1)), 1)
        np.fill_diagonal(counts, 0)
        order = np.argsort(-counts, axis=None, kind="stable")[: self.num_slices]
        pairs = np.stack(np.unravel_index(order, counts.shape), axis=1)
        self.pairs_ = pairs[counts[tuple(pairs.T)] > 0]
        return len(self.pairs_)

    def _scores(self, embeddings: Any, labels: Any, probabilities: Any) -> Any:
        if labels is None:
            return np.zeros((len(embeddings), len(self.pairs_)))
        own, guess = self.pairs_.T
        return (labels[:, None] == own) * probabilities[:, guess]
