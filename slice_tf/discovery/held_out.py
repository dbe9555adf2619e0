"""Honest numbers: found on one half of the rows, counted on the other."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

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
from slice_tf.discovery.rule import Rate
from slice_tf.discovery.slicer import is_whole

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
        TypeError: If the slicer is another one.
        ValueError: If inputs do not fit, there are fewer than two rows, or
            the slicer's seed is no number.
    """
    slicer = MixtureSlicer() if slicer is None else slicer
    if not isinstance(slicer, MixtureSlicer):
        raise TypeError(
            "The slicer must be a MixtureSlicer, because regions are "
            f"components of its mixtures. Received: slicer="
            f"{type(slicer).__name__}"
        )
    if not is_whole(slicer.random_state, 0):
        raise ValueError(
            "`random_state` must be a whole number from 0, because the halves "
            "are drawn again whenever a slice is measured. Received: "
            f"random_state={slicer.random_state!r}"
        )
    embeddings = check_embeddings(embeddings)
    labels, chances = check_predictions(labels, probabilities, len(embeddings))
    if len(labels) < 2:
        raise ValueError(
            "There must be two rows at least, one to find slices and one to "
            f"measure them. Received: rows={len(labels)}"
        )
    model = clone(slicer)
    seed = int(model.random_state)
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
    slice_labels = np.array([label for _, label, _ in told], np.int64)
    missed, truth, given = wrong[second], labels[second], chances[second]
    inside, alike = scores[second] >= THRESHOLD, truth[:, None] == slice_labels
    ours = inside & alike
    own, own_rest = _rates(ours, missed), _rates(alike & ~inside, missed)
    region, region_rest = _rates(inside, missed), _rates(~inside, missed)
    sizes, errors = ours.sum(axis=0), ours.T @ missed.astype(int)
    usual = [missed.mean() if r.value is None else r.value for r in own_rest]
    shrunken = shrink(errors, sizes, usual)
    amiss = scores * error_of(labels, chances)[:, None]
    z = regions.projection(embeddings, np.float32)
    nearest = clearest(z, labels, amiss, slice_labels, _NEAREST)
    slices = tuple(
        FoundSlice(
            name=name,
            label=label,
            found_error_rate=found_rate,
            size=int(sizes[k]),
            error_rate=own[k].value,
            low=own[k].low,
            high=own[k].high,
            shrunken_error_rate=float(shrunken[k]),
            rest_error_rate=own_rest[k].value,
            region_size=int(inside[:, k].sum()),
            region_error_rate=region[k],
            region_rest_error_rate=region_rest[k].value,
            holds_up=_exceeds(own[k], own_rest[k])
            or _exceeds(region[k], region_rest[k]),
            nearest=tuple(nearest[k].tolist()),
            description=_describe(label, given[ours[:, k]]),
            scores=_histograms(
                given[truth == label, label], inside[truth == label, k]
            ),
        )
        for k, (name, label, found_rate) in enumerate(told)
    )
    return Discovery(slices, regions, float(missed.mean()), len(labels), seed)


def _rates(members: Any, wrong: Any) -> list[Rate]:
    """Returns the error rate of the rows in each column of `members`."""
    sizes, errors = members.sum(axis=0), members.T @ wrong.astype(int)
    return [
        Rate.of(*pair)
        for pair in zip(errors.tolist(), sizes.tolist(), strict=True)
    ]


def _exceeds(rate: Rate, rest: Rate) -> bool:
    if rate.low is None or rest.value is None:
        return False
    return rate.low > rest.value


def shrink(errors: Any, sizes: Any, usual: Any) -> Any:
    """Returns error rates, moved towards the usual ones, `[slices]`.

    A rate moves by the share of its squared distance from the usual one that
    chance explains; without rows, all the way. The variance between slices is
    the method of moments' and at least a thousandth, so that one slice is
    shrunken, too.

    Args:
        errors: Of each slice, `[slices]`.
        sizes: Rows of each slice, `[slices]`.
        usual: Error rates to compare with, `[slices]` or one for all.
    """
    n = np.maximum(np.asarray(sizes, np.float64), 1e-9)
    usual = np.broadcast_to(np.asarray(usual, np.float64), n.shape)
    rates = np.asarray(errors) / n
    if not len(n) or not n.sum() > 1e-6:
        return usual.copy()
    chance = usual * (1 - usual)
    between = (n * (rates - usual) ** 2 - chance).sum() / n.sum()
    between = max(float(between), 1e-3)
    kept = between / (between + chance / n)
    return usual + kept * (rates - usual)


def _describe(label: int, chances: Any) -> str:
    """Returns as which class the label is most often taken."""
    if not len(chances):
        return "No held-out example of its class lies in it."
    predicted = chances.argmax(axis=1)
    wrong = predicted[predicted != label]
    if not len(wrong):
        return "No held-out example in it is wrong."
    kinds, counts = np.unique(wrong, return_counts=True)
    return (
        f"{counts.max():,} of {len(wrong):,} held-out errors take class "
        f"{label} for class {kinds[counts.argmax()]}."
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
