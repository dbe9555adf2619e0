"""Honest numbers: found on one half of the rows, counted on the other."""

import dataclasses
from typing import Any

import numpy as np
from sklearn.base import clone

from slice_tf.discovery.candidates import Candidate
from slice_tf.discovery.inputs import check_embeddings, check_predictions
from slice_tf.discovery.mixture_slicer import MixtureSlicer
from slice_tf.discovery.projection import Projection
from slice_tf.discovery.regions import THRESHOLD, Regions
from slice_tf.evaluation.intervals import wilson

_NEAREST = 10
_SCORE_BINS = 20


@dataclasses.dataclass(frozen=True)
class FoundSlice:
    """One slice, with numbers from rows that did not help to find it.

    Attributes:
        name: `found_0` and so on, in order of certainty.
        label: Class whose examples the model gets wrong there.
        found_error_rate: Error rate where it was found, which flatters.
        size: Held-out rows in the region, of whatever label.
        error_rate: Theirs; None where there are none.
        low: Lower end of its 95 % Wilson interval.
        high: Upper end.
        shrunken_error_rate: After shrinkage towards the rate of all rows, by
            as much as the found slices' rates scatter by chance.
        rest_error_rate: Of held-out rows in no found slice.
        holds_up: Whether `low` exceeds `rest_error_rate`.
        nearest: Numbers of the rows that are most in it, of all rows.
        description: One sentence that says what goes wrong there.
        scores: Held-out rows of the label's class by the probability that
            the model gives their label, in 20 even bins: inside, and outside.
        examples: What there is to see of the nearest rows; see
            `with_examples`.
    """

    name: str
    label: int
    found_error_rate: float
    size: int
    error_rate: float | None
    low: float | None
    high: float | None
    shrunken_error_rate: float
    rest_error_rate: float
    holds_up: bool
    nearest: tuple[int, ...] = ()
    description: str = ""
    scores: tuple[tuple[int, ...], ...] = ()
    examples: tuple[dict[str, Any], ...] = ()


@dataclasses.dataclass(frozen=True)
class Discovery:
    """What a run found.

    Attributes:
        slices: In the order in which they were found.
        regions: Where they lie.
        error_rate: Of all held-out rows.
        num_rows: Rows in both halves.
    """

    slices: tuple[FoundSlice, ...]
    regions: Regions
    error_rate: float
    num_rows: int


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
    wrong = chances.argmax(axis=1) != labels
    first, second = _halves(wrong, model.random_state)
    model.fit(embeddings[first], labels[first], chances[first])
    chosen = _distinct(model)
    regions = _regions(model, chosen, embeddings.shape[1])
    scores = np.concatenate(
        [regions.scores(embeddings[i : i + 8192]) for i in _steps(labels)]
    )
    inside, rest = scores[second] >= THRESHOLD, wrong[second]
    sizes, errors = inside.sum(axis=0), inside.T @ rest.astype(int)
    low, high = wilson(errors, sizes)
    outside = ~inside.any(axis=1)
    usual = float(rest[outside].mean()) if outside.any() else 1.0
    shrunken = shrink(errors, sizes, float(rest.mean()))
    slices = tuple(
        FoundSlice(
            name=f"found_{k}",
            label=one.label,
            found_error_rate=one.error_rate,
            size=int(sizes[k]),
            error_rate=float(errors[k] / sizes[k]) if sizes[k] else None,
            low=float(low[k]) if sizes[k] else None,
            high=float(high[k]) if sizes[k] else None,
            shrunken_error_rate=float(shrunken[k]),
            rest_error_rate=usual,
            holds_up=bool(sizes[k] and low[k] > usual),
            nearest=tuple(np.argsort(-scores[:, k])[:_NEAREST].tolist()),
            description=_describe(
                labels[second][inside[:, k]], chances[second][inside[:, k]]
            ),
            scores=_histograms(
                chances[second, labels[second]][labels[second] == one.label],
                inside[labels[second] == one.label, k],
            ),
        )
        for k, one in enumerate(chosen)
    )
    return Discovery(slices, regions, float(rest.mean()), len(labels))


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
        f"Class {label} is taken for {other} in {most:,} of {wrong.sum():,} "
        "held-out errors."
    )


def _histograms(given: Any, inside: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(
        tuple(np.histogram(given[rows], _SCORE_BINS, (0.0, 1.0))[0].tolist())
        for rows in (inside, ~inside)
    )


def _halves(wrong: Any, seed: int) -> tuple[Any, Any]:
    """Returns row numbers of two halves with as many errors each."""
    order = np.random.default_rng(seed).permutation(len(wrong))
    order = order[np.argsort(wrong[order], kind="stable")]
    return np.sort(order[::2]), np.sort(order[1::2])


def _steps(labels: Any) -> range:
    return range(0, len(labels), 8192)


def _distinct(model: MixtureSlicer) -> list[Candidate]:
    """Returns found slices, one a component: two labels are one region."""
    found = model.slices_ if model.num_slices_ else []
    first: dict[tuple[int, int], Candidate] = {}
    for one in found:
        first.setdefault((one.view, one.component), one)
    return list(first.values())


def _regions(
    model: MixtureSlicer, chosen: list[Candidate], dim: int
) -> Regions:
    if not chosen:
        nothing = Projection(np.zeros(dim), np.zeros((dim, 1)))
        return Regions(nothing, (), np.zeros((0, 2), np.int64))
    places = np.array([[one.view, one.component] for one in chosen])
    return Regions(model.projection_, model.views_, places)
