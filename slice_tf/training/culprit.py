"""What in the data made a loss that is no number."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

_MOST_BATCHES = 100_000  # Of a data set that has no end.


def describe_culprit(
    batches: Iterable[Any], slices: Sequence[str], classes: int | None
) -> str:
    """Names the first example that no loss can come of, or says there is none.

    Args:
        batches: NumPy batches of `(features, targets)` or `(features,
            targets, weights)`, where features are a dict.
        slices: Names of the slices, in the order of membership.
        classes: Number of classes, or `None` where labels are no classes.

    Returns:
        A sentence or two. Batches and examples are counted from 0.
    """
    for index, batch in enumerate(itertools.islice(batches, _MOST_BATCHES)):
        features, targets, weights = (*batch, None)[:3]
        if not isinstance(targets, Mapping):
            targets = {"label": targets}
        for name, values in _named(features, targets, weights):
            limit = classes if name == "label" else None
            rows = np.flatnonzero(_is_bad(values, limit))
            if rows.size:
                row = int(rows[0])
                return (
                    f"The first bad value of the data is in {name} of example "
                    f"{row} of batch {index}: {_bad_value(values[row])}; the "
                    f"example is in {_slices_of(targets, row, slices)}."
                )
    return (
        "Every feature, label and weight of the data is a number in range: "
        "take a smaller learning rate, or scale features that are very large."
    )


def _named(features: Any, targets: Any, weights: Any) -> Any:
    if isinstance(features, Mapping):
        yield from ((f"feature {key}", one) for key, one in features.items())
    else:
        yield "features", features
    if "label" in targets:
        yield "label", targets["label"]
    if weights is not None and not isinstance(weights, Mapping):
        yield "sample_weight", weights


def _is_bad(values: Any, classes: int | None) -> Any:
    """Tells which rows hold something that is no number or no class."""
    if not isinstance(values, np.ndarray):  # Ragged or sparse.
        return np.zeros(0, bool)
    if np.issubdtype(values.dtype, np.floating):
        bad = ~np.isfinite(values)
    elif classes is not None and np.issubdtype(values.dtype, np.integer):
        bad = (values < 0) | (values >= classes)
    else:
        return np.zeros(len(values), bool)
    return bad.reshape(len(values), -1).any(axis=1)


def _bad_value(row: Any) -> str:
    """Returns the first bad number of a row, of which any integer is one."""
    flat = np.ravel(row)
    return str(
        (flat[~np.isfinite(flat)] if flat.dtype.kind == "f" else flat)[0]
    )


def _slices_of(targets: Any, row: int, slices: Sequence[str]) -> str:
    membership = targets.get("membership")
    if membership is None or not slices:
        return "no slice that is known"
    names = [slices[int(i)] for i in np.flatnonzero(membership[row])]
    return f"slices {', '.join(names)}" if names else "no slice"
