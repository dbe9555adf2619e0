"""The unit in which losses, probabilities and weights are summed."""

from typing import Any

import numpy as np

# Losses, probabilities and weights are summed as whole multiples of this, so
# that a sum is the same in whatever order and in however many parts it is
# taken.
UNIT = 2.0**-20


def to_units(values: Any, weights: Any = None) -> Any:
    """Returns values, times weights, as whole multiples of `UNIT`, int64.

    Args:
        values: Of shape `[..., batch]`.
        weights: In `UNIT`, of shape `[batch]`; None for one each.
    """
    if weights is not None:
        values = values * (weights * UNIT)
    return np.rint(values / UNIT).astype(np.int64)
