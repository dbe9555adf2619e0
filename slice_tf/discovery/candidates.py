"""Which components of mixtures are slices: more errors than chance gives."""

import dataclasses
from typing import Any

import numpy as np

from slice_tf.discovery.inputs import blocks, error_of
from slice_tf.discovery.mixture import Mixture
from slice_tf.discovery.projection import sample_rows

# Examples with the usual error rate that each candidate is joined with, so
# that five examples, all wrong, do not outrank fifty, mostly wrong.
PRIOR_SIZE = 20
_LEAST_SIZE = 5
_MAX_ROWS = 20_000
_MAX_OVERLAP = 0.5
_MAX_COMPARED = 200


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One class of one component.

    Attributes:
        view: Which mixture the component is of.
        component: Its place in that mixture.
        label: The class whose examples are meant.
        size: Expected number of these examples.
        error_rate: Their mean probability of a wrong prediction.
        excess: By how much that exceeds the class's mean, after shrinkage.
    """

    view: int
    component: int
    label: int
    size: float
    error_rate: float
    excess: float


def candidates(
    views: tuple[Mixture, ...], z: Any, labels: Any, probabilities: Any
) -> list[Candidate]:
    """Returns all with an excess of errors, the largest excess first.

    Args:
        views: Mixtures over the same projected embeddings. One with a
            `label_weight` gives one candidate a component, of its commonest
            class; one without gives one a component and class.
        z: Of shape `[rows, dim]`.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`.
    """
    one_hot = np.eye(probabilities.shape[1])[labels]
    errors = one_hot * error_of(labels, probabilities)[:, None]
    usual = errors.sum(axis=0) / np.maximum(one_hot.sum(axis=0), 1)
    found = []
    for view, mixture in enumerate(views):
        shape = mixture.num_components, one_hot.shape[1]
        sizes, wrong = np.zeros(shape), np.zeros(shape)
        for rows in blocks(len(z)):
            shares = mixture.responsibilities(z[rows], labels[rows])
            sizes += shares.T @ one_hot[rows]
            wrong += shares.T @ errors[rows]
        excess = (wrong - usual * sizes) / (sizes + PRIOR_SIZE)
        counts = sizes >= _LEAST_SIZE
        if mixture.label_weight:
            own = mixture.labels.argmax(axis=1)[:, None]
            counts &= own == np.arange(one_hot.shape[1])
        for k, c in np.argwhere(counts & (excess > 0)):
            size, rate = sizes[k, c], wrong[k, c] / sizes[k, c]
            found.append(
                Candidate(
                    view,
                    int(k),
                    int(c),
                    float(size),
                    float(rate),
                    float(excess[k, c]),
                )
            )
    return sorted(found, key=lambda one: -one.excess)


def membership_of(
    views: tuple[Mixture, ...],
    chosen: list[Candidate],
    z: Any,
    labels: Any,
    probabilities: Any,
) -> Any:
    """Returns how much rows are in candidates, `[rows, candidates]`.

    Without labels, how much an embedding is in the component. With labels and
    probabilities also that the label is the candidate's, times how probable a
    wrong prediction is, so that a slice's clearest errors come first.
    """
    shares = [v.responsibilities(z, labels, probabilities) for v in views]
    out = np.stack([shares[c.view][:, c.component] for c in chosen], axis=1)
    if labels is None:
        return out
    own = np.array([one.label for one in chosen])
    alike = labels[:, None] == own
    free = np.array([views[c.view].label_weight > 0 for c in chosen])
    return out * (alike | free) * error_of(labels, probabilities)[:, None]


def choose(
    views: tuple[Mixture, ...],
    ranked: list[Candidate],
    num_slices: int,
    z: Any,
    labels: Any,
    probabilities: Any,
    rng: np.random.Generator,
) -> list[Candidate]:
    """Returns the first candidates that are not one slice seen twice.

    Two are the same where their errors overlap: the cosine of their errors'
    membership exceeds one half.
    """
    ranked = ranked[:_MAX_COMPARED]
    if not ranked:
        return []
    rows = sample_rows(len(z), _MAX_ROWS, rng)
    mass = membership_of(
        views, ranked, z[rows], labels[rows], probabilities[rows]
    )
    mass /= np.linalg.norm(mass, axis=0) + 1e-12
    chosen: list[int] = []
    for place in range(len(ranked)):
        overlap = mass[:, place] @ mass[:, chosen]
        if (overlap < _MAX_OVERLAP).all():
            chosen.append(place)
        if len(chosen) == num_slices:
            break
    return [ranked[place] for place in chosen]
