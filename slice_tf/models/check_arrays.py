"""Checks of targets that are arrays, before training begins."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def check_membership(targets: Any, names: Sequence[str]) -> None:
    """Refuses membership other than 0 and 1, and names slices of nobody.

    It reads every value once, so it is for arrays, before the first step;
    records were checked when they were written.

    Args:
        targets: A dict with `membership` and, optionally, `known`, arrays of
            shape `[examples, slices]`. Anything else is left alone.
        names: Names of the slices.

    Raises:
        ValueError: If a known membership is neither 0 nor 1.
    """
    if not isinstance(targets, Mapping):
        return
    membership = targets.get("membership")
    if not isinstance(membership, np.ndarray) or membership.ndim != 2:
        return
    known = targets.get("known")
    if isinstance(known, np.ndarray) and known.shape == membership.shape:
        membership = np.where(known > 0, membership, 0)
    odd = (membership != 0) & (membership != 1)
    if odd.any():
        row, column = np.argwhere(odd)[0]
        raise ValueError(
            "`membership` must be 0 or 1, because an example is in a slice or "
            f"not. Received: membership[{row}, {column}]="
            f"{membership[row, column]}. Mark what is not known in `known`."
        )
    warn_of_empty_slices(membership.mean(axis=0), names)


def check_labels(targets: Any, num_classes: int, task: str) -> None:
    """Refuses labels of classes that there are not.

    Args:
        targets: A dict with `label`, an array. Anything else is left alone,
            and so are probabilities of classes, and numbers.
        num_classes: Number of classes, or of labels that apply or do not.
        task: What a label is.

    Raises:
        ValueError: If a label is out of range.
    """
    label = targets.get("label") if isinstance(targets, Mapping) else None
    if not isinstance(label, np.ndarray) or task == "regression":
        return
    if task == "multi_label":
        fits, most = label.shape[1:] == (num_classes,), 1
    else:
        fits, most = label.dtype.kind in "iu", num_classes - 1
    if not fits:  # Refused, or read otherwise, where shapes are checked.
        return
    odd = np.argwhere(~((label >= 0) & (label <= most)))
    if len(odd):
        place = ", ".join(map(str, odd[0]))
        raise ValueError(
            f"`label` must be from 0 to {most}, because others have no "
            f"probability. Received: label[{place}]={label[tuple(odd[0])]}, "
            f"task={task}, num_classes={num_classes}"
        )


def warn_of_empty_slices(rates: Sequence[float], names: Sequence[str]) -> None:
    """Warns of slices without members, by name.

    Args:
        rates: Share of the examples in each slice.
        names: Names of the slices.
    """
    pairs = zip(names, rates, strict=False)
    empty = [name for name, rate in pairs if rate == 0]
    if empty:
        warnings.warn(
            "Slices without members in the training data learn to say no and "
            f"nothing else: {', '.join(empty)}",
            stacklevel=4,
        )
