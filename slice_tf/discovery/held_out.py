"""Honest numbers: found on one half of the rows, counted on the other."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from slice_tf.confidence import wilson
from slice_tf.discovery.candidates import Candidate
from slice_tf.discovery.found import Discovery, FoundSlice
from slice_tf.discovery.inputs import (
    check_embeddings,
    check_predictions,
    error_of,
)
from slice_tf.discovery.local_errors import clearest
from slice_tf.discovery.mixture_slicer import MixtureSlicer
from slice_tf.discovery.regions import THRESHOLD, Regions

_NEAREST = 10
_SCORE_BINS = 20


def discover(
    embeddings: Any,
    labels: Any,
    probabilities: Any,
    slicer: MixtureSlicer | None = None,
) -> Discovery:
    """Finds slices on one half of the rows and measures them on the other.

    Args:
        embeddings: Of shape `[rows, dim]`.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`, or of class 1 `[rows]`.
        slicer: Not yet fitted; the default's parameters where None.

    Raises:
        ValueError: If inputs do not fit, or there are fewer than two rows.
    """
    embeddings = check_embeddings(embeddings)
    labels, chances = check_predictions(labels, probabilities, len(embeddings))
    if len(labels) < 2:
        raise ValueError(
            "There must be two rows at least, one to find slices and one to "
            f"measure them. Received: rows={len(labels)}"
        )
    model = clone(slicer or MixtureSlicer())
    seed = model.random_state
    first, _ = halves(chances.argmax(axis=1) != labels, seed)
    model.fit(embeddings[first], labels[first], chances[first])
    chosen = _distinct(model)
    told = [
        (f"found_{k}", one.label, one.error_rate)
        for k, one in enumerate(chosen.values())
    ]
    places = np.array(list(chosen), np.int64).reshape(-1, 2)
    regions = dataclasses.replace(model.regions_, places=places)
    return measure(regions, told, embeddings, labels, chances, seed)


def measure(
    regions: Regions,
    told: Sequence[tuple[str, int, float]],
    embeddings: Any,
    labels: Any,
    chances: Any,
    seed: int,
) -> Discovery:
    """Returns what held-out rows say of regions.

    Args:
        regions: Where the slices lie.
        told: Name, label and found error rate of each.
        embeddings: Of shape `[rows, dim]`, checked.
        labels: Of shape `[rows]`, checked.
        chances: Of shape `[rows, classes]`, checked.
        seed: Of the halves; the second is measured.
    """
    wrong = chances.argmax(axis=1) != labels
    _, second = halves(wrong, seed)
    scores = regions.scores_in_blocks(embeddings)
    inside, rest = scores[second] >= THRESHOLD, wrong[second]
    truth, given = labels[second], chances[second]
    sizes, errors = inside.sum(axis=0), inside.T @ rest.astype(int)
    low, high = wilson(errors, sizes)
    outside = ~inside.any(axis=1)
    usual = float(rest[outside].mean()) if outside.any() else 1.0
    shrunken = shrink(errors, sizes, float(rest.mean()))
    slice_labels = np.array([label for _, label, _ in told], np.int64)
    amiss = scores * error_of(labels, chances)[:, None]
    z = regions.projection(embeddings, np.float32)
    nearest = clearest(z, labels, amiss, slice_labels, _NEAREST)
    slices = tuple(
        FoundSlice(
            name=name,
            label=label,
            found_error_rate=found_rate,
            size=int(sizes[k]),
            error_rate=float(errors[k] / sizes[k]) if sizes[k] else None,
            low=float(low[k]) if sizes[k] else None,
            high=float(high[k]) if sizes[k] else None,
            shrunken_error_rate=float(shrunken[k]),
            rest_error_rate=usual,
            holds_up=bool(sizes[k] and low[k] > usual),
            nearest=tuple(nearest[k].tolist()),
            description=_describe(truth[inside[:, k]], given[inside[:, k]]),
            scores=_histograms(
                given[truth == label, label], inside[truth == label, k]
            ),
        )
        for k, (name, label, found_rate) in enumerate(told)
    )
    return Discovery(slices, regions, float(rest.mean()), len(labels), seed)


def shrink(errors: Any, sizes: Any, usual: float) -> Any:
    """Returns error rates, moved towards the usual one, of shape `[slices]`.

    A rate moves by the share of its squared distance from `usual` that chance
    explains; without rows, all the way. The variance between slices is the
    method of moments' and at least a thousandth, so that one slice is
    shrunken, too.
    """
    n = np.maximum(np.asarray(sizes, np.float64), 1e-9)
    rates = np.asarray(errors) / n
    if not len(n) or not n.sum() > 1e-6:
        return np.full(len(n), usual)
    chance = usual * (1 - usual)
    between = (n * (rates - usual) ** 2 - chance).sum() / n.sum()
    between = max(float(between), 1e-3)
    kept = between / (between + chance / n)
    return usual + kept * (rates - usual)


def _describe(labels: Any, chances: Any) -> str:
    """Returns which class is most often taken for which."""
    if not len(labels):
        return "No held-out example lies in it."
    predicted = chances.argmax(axis=1)
    wrong = predicted != labels
    if not wrong.any():
        return "No held-out example in it is wrong."
    pairs = np.stack([labels[wrong], predicted[wrong]], axis=1)
    kinds, counts = np.unique(pairs, axis=0, return_counts=True)
    (label, other), most = kinds[counts.argmax()], counts.max()
    return (
        f"{most:,} of {wrong.sum():,} held-out errors take class {label} for "
        f"class {other}."
    )


def _histograms(given: Any, inside: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(
        tuple(np.histogram(given[rows], _SCORE_BINS, (0.0, 1.0))[0].tolist())
        for rows in (inside, ~inside)
    )


def halves(wrong: Any, seed: int) -> tuple[Any, Any]:
    """Returns row numbers of two halves with as many errors each.

    Slices are found on the first and measured on the second.
    """
    order = np.random.default_rng(seed).permutation(len(wrong))
    order = order[np.argsort(wrong[order], kind="stable")]
    return np.sort(order[::2]), np.sort(order[1::2])


def _distinct(model: MixtureSlicer) -> dict[tuple[int, int], Candidate]:
    """Returns found slices by place: two labels of one are one region."""
    first: dict[tuple[int, int], Candidate] = {}
    for one in model.slices_:
        first.setdefault((one.view, one.component), one)
    return first
