"""Which components of a mixture are slices: more errors than chance gives."""

import dataclasses
from typing import Any

import numpy as np

from slice_tf.discovery.inputs import blocks
from slice_tf.discovery.mixture import Mixture

# Examples with the usual error rate that each candidate is joined with, so
# that five examples, all wrong, do not outrank fifty, mostly wrong.
PRIOR_SIZE = 30
_LEAST_SIZE = 5


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One class of one component.

    Attributes:
        view: Which of the slicer's mixtures.
        component: Its place in the mixture.
        label: The class whose examples are meant.
        size: Expected number of these examples.
        error_rate: Share of them that the model predicts wrongly.
        excess: By how much that exceeds the class's share, after shrinkage.
    """

    view: int
    component: int
    label: int
    size: float
    error_rate: float
    excess: float


def candidates(
    mixture: Mixture,
    z: Any,
    labels: Any,
    probabilities: Any,
    view: int = 0,
) -> list[Candidate]:
    """Returns all with an excess of errors, the largest excess first.

    Args:
        mixture: Of embeddings alone, which knows nothing of errors, so that
            error rates inside its components are not flattered by the fit.
        z: Projected embeddings, of shape `[rows, dim]`.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`.
        view: Which of a slicer's mixtures it is.
    """
    classes = probabilities.shape[1]
    missed = probabilities.argmax(axis=1) != labels
    rows_of = np.bincount(labels, minlength=classes)
    usual = np.bincount(labels, missed, classes) / np.maximum(rows_of, 1)
    shape = mixture.num_components, classes
    sizes, wrong = np.zeros(shape), np.zeros(shape)
    for rows in blocks(len(z)):
        shares = mixture.responsibilities(z[rows])
        one_hot = np.eye(classes)[labels[rows]]
        sizes += shares.T @ one_hot
        wrong += shares.T @ (one_hot * missed[rows, None])
    excess = (wrong - usual * sizes) / (sizes + PRIOR_SIZE)
    found = [
        Candidate(
            view=view,
            component=int(k),
            label=int(c),
            size=float(sizes[k, c]),
            error_rate=float(wrong[k, c] / sizes[k, c]),
            excess=float(excess[k, c]),
        )
        for k, c in np.argwhere((sizes >= _LEAST_SIZE) & (excess > 0))
    ]
    return sorted(found, key=lambda one: -one.excess)
