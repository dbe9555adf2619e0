"""Directions of an embedding along which a model's errors grow."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slice_tf.confidence import wilson
from slice_tf.discovery.candidates import Candidate
from slice_tf.discovery.mixture import Mixture, Sums, m_step

# Of the two components of a broad slice's mixture, the one that is the slice.
FAR = 1
# Ten times scikit-learn's penalty: most directions are of no account.
_INVERSE_PENALTY = 0.1
_FOLDS = 3
_TINY = 1e-12
_LEAST = 10  # Errors of a label, and rows of it that are right.
# Of a label's rows: the farthest along its direction.
_SHARE = 0.2
# Of their errors: what is more in so few components is a cluster.
_MOST_IN_COMPONENTS = 0.5
# Of the errors that a direction expects in a component, beside those counted.
_EXPECTED_COUNT = 0.3


class ErrorDirections:
    """How probable errors are along one direction of each label.

    A mixture finds what is alike. What misleads a model everywhere (snow in
    pictures of all kinds) is no cluster: a part of it is in each component. A
    logistic regression of a label's errors tells in which direction it lies.

    Args:
        z: Projected embeddings, float32 of shape `[rows, dim]`.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`.
        slice_labels: The labels to look at.
    """

    def __init__(
        self,
        z: Any,
        labels: Any,
        probabilities: Any,
        slice_labels: Sequence[int],
    ) -> None:
        self._models = {}
        wrong = probabilities.argmax(axis=1) != labels
        for label in sorted(set(slice_labels)):
            rows = labels == label
            errors = np.count_nonzero(wrong[rows])
            if _LEAST <= errors <= np.count_nonzero(rows) - _LEAST:
                self._models[label] = _regression().fit(z[rows], wrong[rows])

    @property
    def labels(self) -> list[int]:
        """Those with enough errors, and enough that is right, to tell."""
        return list(self._models)

    def rates(self, z: Any, label: int) -> Any:
        """Returns the probability of an error if rows were of the label."""
        return self._models[label].predict_proba(z)[:, 1]

    def __call__(self, z: Any, labels: Any) -> Any:
        """Returns the probability of an error; 1 for labels not looked at."""
        out = np.ones(len(z))
        for label in self._models:
            rows = labels == label
            if rows.any():
                out[rows] = self.rates(z[rows], label)
        return out

    def ranked(
        self, found: list[Candidate], mixture: Mixture, z: Any, labels: Any
    ) -> list[Candidate]:
        """Returns candidates, those first of which two things tell errors.

        To the excess of errors that was counted is added three tenths of what
        the label's direction expects.

        Args:
            found: Of one mixture.
            mixture: Theirs.
            z: Projected embeddings, of shape `[rows, dim]`.
            labels: Of shape `[rows]`.
        """
        expected = {}
        for label in self.labels:
            own = z[labels == label]
            rates, shares = (
                self.rates(own, label),
                mixture.responsibilities(own),
            )
            there = shares.T @ rates / np.maximum(shares.sum(axis=0), _TINY)
            expected[label] = _EXPECTED_COUNT * (there - rates.mean())

        def rank(one: Candidate) -> float:
            more = expected.get(one.label)
            return one.excess + (0 if more is None else more[one.component])

        return sorted(found, key=rank, reverse=True)


def broad_slices(
    directions: ErrorDirections,
    mixture: Mixture,
    z: Any,
    labels: Any,
    probabilities: Any,
    num_slices: int,
) -> list[tuple[int, Mixture]]:
    """Returns labels whose errors grow along a direction, not in a cluster.

    A label counts if the tenth of its rows that is farthest along its
    direction is wrong more often than all beyond chance, where each row is
    placed by a direction that was learnt without it; and if no `num_slices`
    components hold half of the errors there, so that these could not tell it.

    Args:
        directions: Of the labels to look at.
        mixture: The clusters.
        z: Projected embeddings, float32 of shape `[rows, dim]`.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`.
        num_slices: How many slices are reported; at most half of them are
            broad.

    Returns:
        Labels, each with a mixture of two: the rest, and what lies far along
        the direction. The label with the highest excess there comes first.
    """
    found = []
    for label in directions.labels:
        rows = np.flatnonzero(labels == label)
        wrong = probabilities[rows].argmax(axis=1) != label
        told = _held_out_rates(z[rows], wrong)
        far = told >= np.quantile(told, 1 - _SHARE)
        low, _ = wilson(wrong[far].sum(), far.sum())
        if low <= wrong.mean():
            continue
        shares = mixture.responsibilities(z[rows[far & wrong]]).mean(axis=0)
        if np.sort(shares)[-num_slices:].sum() < _MOST_IN_COMPONENTS:
            found.append((wrong[far].mean() - wrong.mean(), label))
    found = sorted(found, reverse=True)[: num_slices // 2]
    return [
        (label, _far_and_rest(directions, label, z, labels, probabilities))
        for _, label in found
    ]


def _held_out_rates(z: Any, wrong: Any) -> Any:
    from sklearn.model_selection import cross_val_predict

    chances = cross_val_predict(
        _regression(), z, wrong, cv=_FOLDS, method="predict_proba"
    )
    return chances[:, 1]


def _far_and_rest(
    directions: ErrorDirections,
    label: int,
    z: Any,
    labels: Any,
    probabilities: Any,
) -> Mixture:
    rates = directions.rates(z, label)
    own = labels == label
    far = own & (rates >= np.quantile(rates[own], 1 - _SHARE))
    shares = np.stack([~far, far], axis=1).astype(np.float32)
    return m_step(Sums.of(shares, z, labels, probabilities), 0.0)


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = LogisticRegression(C=_INVERSE_PENALTY, max_iter=200)
    return make_pipeline(StandardScaler(), regression)
