"""95 % confidence: its quantile, and Wilson's interval of a rate."""

import statistics
from typing import Any

import numpy as np

CONFIDENCE = 0.95
Z = statistics.NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def wilson(successes: Any, totals: Any) -> tuple[Any, Any]:
    """Wilson's score interval of a rate.

    Coverage at a rate of 0.90: 0.93 of 10, 0.98 of 30 examples; at 0.98: 0.98
    of 30, 0.95 of 100.

    Args:
        successes: Of any shape.
        totals: Of the same.

    Returns:
        Low and high, NaN where the total is 0.

    Source:
        Wilson 1927, "Probable inference, the law of succession, and
        statistical inference".
    """
    k = np.asarray(successes, dtype=np.float64)
    n = np.asarray(totals, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = k / n
        center = (rate + Z**2 / (2 * n)) / (1 + Z**2 / n)
        spread = np.sqrt(rate * (1 - rate) / n + (Z / (2 * n)) ** 2)
        half = Z * spread / (1 + Z**2 / n)
    # At 0 and 1 rounding would leave the rate outside by 1e-17.
    return np.clip(center - half, 0, rate), np.clip(center + half, rate, 1)
