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
