"""One number and how far to trust it."""

import dataclasses
from typing import Any

import numpy as np

FLOOR = 30
# Metrics that are better when lower, in a unit of their own.
LOSSES = ("log_loss", "brier", "mae", "rmse")
# Metrics that are written as they are, not in percent, and have no bound.
PLAIN = (*LOSSES, "r2")
OK, TOO_FEW, EMPTY = "ok", "too few", "empty"


@dataclasses.dataclass(frozen=True)
class Metric:
    """One number and how far to trust it.

    Args:
        value: The estimate; None where nothing was counted.
        low: Lower end of the 95 % interval; None where there is none.
        high: Upper end.
        n: The denominator: examples, positives, or what the metric divides
            by. With weights or clusters, of as many independent examples of
            equal weight as would say as much.
        status: `ok`; `too few` where the denominator is below the floor;
            `empty` where it is zero.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    status: str


def to_metrics(
    value: Any, low: Any, high: Any, n: Any, floor: int = FLOOR
) -> list[Metric]:
    """Returns one `Metric` a slice from arrays of shape `[slices]`.

    NaN becomes None; a slice without a value is `empty`.
    """
    columns = (np.asarray(column).tolist() for column in (value, low, high, n))
    rows = zip(*columns, strict=True)
    return [_to_metric(v, start, end, m, floor) for v, start, end, m in rows]


def _to_metric(
    value: float, low: float, high: float, n: float, floor: int
) -> Metric:
    # An effective number of 30 may be 29.999999 after its division.
    whole = int(n + 1e-6)
    if n <= 0 or value != value:
        return Metric(None, None, None, whole, EMPTY)
    if low != low or high != high:
        return Metric(value, None, None, whole, TOO_FEW)
    return Metric(value, low, high, whole, OK if whole >= floor else TOO_FEW)


def plain_text(value: float, digits: int = 4, sign: str = "") -> str:
    """Returns a number of so many digits, with an exponent only if small."""
    text = f"{value:{sign}.{digits}g}"
    return f"{value:{sign},.0f}" if "e+" in text else text


def ratio(over: Any, under: Any) -> Any:
    """Divides; NaN where `under` is zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.true_divide(over, under)
