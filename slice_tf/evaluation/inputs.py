"""Refuses predictions that cannot be counted."""

import dataclasses
import hashlib
from typing import Any

import numpy as np

from slice_tf.evaluation.units import to_units

# Softmax in float16 is this far from one; a logit is farther.
SUM_TOLERANCE = 5e-3

LARGEST_WEIGHT = 2.0**10
SMALL_WEIGHT = 2.0**-8


@dataclasses.dataclass(frozen=True)
class Predictions:
    """One checked batch of predictions.

    Args:
        labels: int64, of shape `[batch]`.
        probabilities: float64, of shape `[batch, classes]`.
        members: bool, of shape `[batch, slices]`; False where unknown.
        unknown: bool of the same shape, or None where all is known.
    """

    labels: Any
    probabilities: Any
    members: Any
    unknown: Any

    def __len__(self) -> int:
        return len(self.labels)


def check_predictions(
    labels: Any,
    probabilities: Any,
    membership: Any,
    known: Any,
    num_slices: int,
    num_classes: int,
) -> Predictions:
    """Returns the batch in one form.

    Raises:
        ValueError: If shapes disagree, a label is out of range, or a
            probability is no probability.
        TypeError: If labels are no integers.
    """
    truth = check_labels(labels, num_classes)
    scores = check_probabilities(probabilities, len(truth), num_classes)
    members, unknown = check_members(membership, known, len(truth), num_slices)
    return Predictions(truth, scores, members, unknown)


def check_labels(labels: Any, num_classes: int) -> Any:
    """Returns labels as int64 of shape `[batch]`.

    Raises:
        ValueError: If the shape or a value is wrong.
        TypeError: If labels are no integers.
    """
    array = np.asarray(labels)
    check_shape("labels", array, (None,))
    if array.size and array.dtype.kind not in "biu":
        raise TypeError(
            "`labels` must be integers, because they are class ids. "
            f"Received: labels.dtype={array.dtype}"
        )
    array = array.astype(np.int64, copy=False)
    if array.size and not 0 <= array.min() <= array.max() < num_classes:
        wrong = np.flatnonzero((array < 0) | (array >= num_classes))
        raise ValueError(
            f"`labels` must lie in [0, {num_classes}), because there are "
            f"{num_classes} classes. Received: label={array[wrong[0]]} at "
            f"row {wrong[0]}"
        )
    return array


def check_probabilities(
    probabilities: Any, num_rows: int, num_classes: int
) -> Any:
    """Returns probabilities as float64 of shape `[batch, classes]`.

    Raises:
        ValueError: If the shape is wrong, or a row is not finite, not in
            [0, 1], or does not sum to one.
    """
    array = np.asarray(probabilities, dtype=np.float64)
    check_shape("probabilities", array, (num_rows, num_classes))
    # Both are several times as fast as `sum`.
    two = num_classes == 2
    sums = array[:, 0] + array[:, 1] if two else np.einsum("ij->i", array)
    sums -= 1
    fits = np.abs(sums, out=sums) <= SUM_TOLERANCE  # False where NaN
    if array.min(initial=0) < -SUM_TOLERANCE:
        fits &= array.min(axis=1) >= -SUM_TOLERANCE
    wrong = np.flatnonzero(~fits)
    if wrong.size:
        row = wrong[0]
        raise ValueError(
            "`probabilities` must be finite, not negative and sum to one in "
            f"every row. Received: probabilities={array[row].tolist()} at row "
            f"{row}. Turn logits into probabilities with "
            "`slice_tf.evaluation.to_probabilities`."
        )
    return array


def predicted(probabilities: Any) -> Any:
    """Returns the likeliest class of each row, the first where some tie."""
    if probabilities.shape[1] == 2:  # `argmax` takes ten times as long
        return (probabilities[:, 1] > probabilities[:, 0]).astype(np.int64)
    return probabilities.argmax(axis=1)


def check_members(
    membership: Any, known: Any, num_rows: int, num_slices: int
) -> tuple[Any, Any]:
    """Returns who is in which slice, and who is unknown.

    Args:
        membership: 0 or 1, of shape `[batch, slices]`.
        known: 0 or 1, of the same shape, or None where all is known.
        num_rows: Number of rows that must be there.
        num_slices: Number of columns that must be there.

    Returns:
        Bool arrays `[batch, slices]`: members (never one that is unknown) and
        unknown; the second is None where `known` is.

    Raises:
        ValueError: If a shape is wrong or a value neither 0 nor 1.
    """
    members = _to_bool("membership", membership, (num_rows, num_slices))
    if known is None:
        return members, None
    sure = _to_bool("known", known, (num_rows, num_slices))
    return members & sure, ~sure


def _to_bool(name: str, values: Any, shape: tuple[int, int]) -> Any:
    array = np.asarray(values)
    check_shape(name, array, shape)
    if array.dtype == np.bool_:
        return np.ascontiguousarray(array)
    binary = (
        array.max(initial=0) <= 1
        if array.dtype == np.uint8
        else bool(np.all((array == 0) | (array == 1)))
    )
    if not binary:
        raise ValueError(
            f"`{name}` must hold only 0 and 1, because an example is in a "
            f"slice or is not. Received: {name}={_first_other(array)}"
        )
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array).view(np.bool_)
    return array.astype(np.bool_)


def _first_other(array: Any) -> str:
    row, column = np.argwhere((array != 0) & (array != 1))[0]
    return f"{array[row, column]} at row {row}, slice {column}"


def check_shape(
    name: str, array: Any, expected: tuple[int | None, ...]
) -> None:
    """Refuses an array of another shape; None stands for any size.

    Raises:
        ValueError: If a dimension differs.
    """
    fits = len(array.shape) == len(expected) and all(
        want is None or want == have
        for want, have in zip(expected, array.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if d is None else str(d) for d in expected)
        comma = "," if len(expected) == 1 else ""
        raise ValueError(
            f"`{name}` must be of shape ({wanted}{comma}). "
            f"Received: {name}.shape={tuple(array.shape)}"
        )


def to_probabilities(logits: Any, num_classes: int) -> Any:
    """Turns a model's logits into probabilities.

    Args:
        logits: Of shape `[batch, 1]` for two classes (the log-odds of class
            1), else `[batch, classes]`.
        num_classes: Number of classes.

    Returns:
        float64, of shape `[batch, classes]`.

    Raises:
        ValueError: If the shape is wrong or a logit not finite.
    """
    array = np.asarray(logits, dtype=np.float64)
    width = 1 if num_classes == 2 else num_classes
    check_shape("logits", array, (None, width))
    wrong = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if wrong.size:
        raise ValueError(
            "`logits` must be finite, because a model that gives NaN has no "
            f"accuracy. Received: logits={array[wrong[0]].tolist()} at row "
            f"{wrong[0]}. Look for a diverged training run."
        )
    if width == 1:
        array = np.concatenate([np.zeros_like(array), array], axis=1)
    exponents = np.exp(array - array.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def check_finite(name: str, values: Any, num_rows: int | None) -> Any:
    """Returns numbers as float64 of shape `[batch]`.

    Raises:
        ValueError: If the shape is wrong or a number not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    check_shape(name, array, (num_rows,))
    wrong = np.flatnonzero(~np.isfinite(array))
    if wrong.size:
        raise ValueError(
            f"`{name}` must be finite. Received: {array[wrong[0]]} at row "
            f"{wrong[0]}"
        )
    return array


def check_weights(weights: Any, num_rows: int, weighted: bool) -> Any:
    """Returns weights in units of 2 ** -20, int64 `[batch]`, or None.

    Only ratios of weights matter, so they are asked to lie around one: sums
    of large ones would not fit 64 bits, small ones would be rounded to none.

    Raises:
        ValueError: If weights come where none are expected or the other way
            round, one is negative, not finite or above 2 ** 10, or none of
            those above zero is at least 2 ** -8.
    """
    if (weights is not None) != weighted:
        raise ValueError(
            "`weights` must come with every batch or with none, because a "
            "sum of both means nothing. Received: weights="
            f"{'None' if weights is None else 'an array'}, weighted={weighted}"
        )
    if weights is None:
        return None
    array = np.asarray(weights, dtype=np.float64)
    check_shape("weights", array, (num_rows,))
    wrong = np.flatnonzero(~((array >= 0) & (array <= LARGEST_WEIGHT)))
    if wrong.size:
        raise ValueError(
            f"`weights` must be finite, not negative and at most "
            f"{LARGEST_WEIGHT:g}; scale all of them alike, because only their "
            f"ratios matter. Received: weight={array[wrong[0]]} at row "
            f"{wrong[0]}"
        )
    largest = array.max(initial=0)
    if 0 < largest < SMALL_WEIGHT:
        raise ValueError(
            "`weights` must lie around one, because they are counted in units "
            "of 2 ** -20; scale all of them alike, because only their ratios "
            f"matter. Received: largest weight of a batch={largest}"
        )
    return to_units(array)


def check_clusters(clusters: Any, num_rows: int, clustered: bool) -> Any:
    """Returns the bucket, from 0 to 63, of each cluster id, or None.

    Raises:
        ValueError: If ids come where none are expected or the other way
            round, or are not of shape `[batch]`.
        TypeError: If ids are neither integers nor texts.
    """
    if (clusters is not None) != clustered:
        raise ValueError(
            "`clusters` must come with every batch or with none. Received: "
            f"clusters={'None' if clusters is None else 'an array'}, "
            f"clustered={clustered}"
        )
    if clusters is None:
        return None
    array = np.asarray(clusters)
    check_shape("clusters", array, (num_rows,))
    if array.dtype.kind in "OSU":
        array = np.array([_number_of(one) for one in array.tolist()], np.uint64)
    if array.size and array.dtype.kind not in "biu":
        raise TypeError(
            "`clusters` must be integers, texts or bytes. "
            f"Received: clusters.dtype={array.dtype}"
        )
    # The top bits of a product with an odd number depend on all of an id.
    odd = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        mixed = array.astype(np.uint64) * odd
        return (
            (mixed ^ (mixed >> np.uint64(32))) * odd >> np.uint64(58)
        ).astype(np.int64)


def _number_of(name: Any) -> int:
    """Returns a number that stands for a text, in every process the same."""
    whole = name.encode() if isinstance(name, str) else name
    if not isinstance(whole, bytes):
        raise TypeError(
            "`clusters` must be integers, texts or bytes. "
            f"Received: {type(name).__name__}"
        )
    return int.from_bytes(hashlib.blake2b(whole, digest_size=8).digest(), "big")


def check_same_slices(num_slices: int, others: int) -> None:
    """Refuses to merge counts of other slices.

    Raises:
        ValueError: If the numbers of slices differ.
    """
    if num_slices != others:
        raise ValueError(
            "Only counts of the same slices can be merged. Received: "
            f"num_slices={num_slices} and {others}"
        )


def check_verdicts(name: str, verdicts: Any) -> Any:
    """Returns whether each prediction is right, bool of shape `[batch]`.

    Raises:
        ValueError: If the shape is wrong or a value neither 0 nor 1.
    """
    array = np.asarray(verdicts)
    check_shape(name, array, (None,))
    return _to_bool(name, array[:, None], (len(array), 1))[:, 0]
