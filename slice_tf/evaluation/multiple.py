"""Corrections for asking many slices at once."""

from typing import Any

import numpy as np


def benjamini_hochberg(p_values: Any) -> Any:
    """Returns p values adjusted for the share of false alarms.

    Rejecting where the adjusted value is at most `q` keeps the expected share
    of false alarms among alarms at `q`. It holds for slices that overlap as
    slices do: positively.

    Args:
        p_values: Of shape `[tests]`.

    Source:
        Benjamini and Hochberg 1995, "Controlling the false discovery rate";
        Benjamini and Yekutieli 2001 for dependence.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(adjusted, 1.0)


def holm(p_values: Any) -> Any:
    """Returns p values adjusted for any false alarm at all.

    Args:
        p_values: Of shape `[tests]`.

    Source:
        Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    scaled = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(scaled)
    return np.minimum(adjusted, 1.0)
