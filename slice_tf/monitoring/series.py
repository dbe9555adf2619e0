"""A quantity of slices over windows of time, against a reference."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from slice_tf.monitoring.estimates import Estimate
from slice_tf.monitoring.traffic import TrafficCounts
from slice_tf.monitoring.windows import merge_windows

_Floats = npt.NDArray[np.float64]
_CERTAIN = 1e9  # The score of a change where nothing spreads.


class Series(NamedTuple):
    """A quantity in each window and in the reference.

    Args:
        now: Of each window, `[windows, ...]`.
        reference: Of the reference, `[...]`.
        error: Standard error of the change, `[windows, ...]`.
        p_value: Of a change that is within the margin, `[windows, ...]`.
    """

    now: Estimate
    reference: _Floats
    error: _Floats
    p_value: _Floats

    @property
    def change(self) -> _Floats:
        """Value minus reference, `[windows, ...]`."""
        return self.now.value - self.reference

    def pick(self, chosen: Any) -> "Series":
        """Returns one entry of the last axis for each slice."""

        def one(values: Any) -> Any:
            return values[..., np.arange(len(chosen)), chosen]

        now = Estimate(*map(one, self.now))
        return Series(now, *map(one, self[1:]))

    def since(self, window: int, column: int) -> int:
        """Returns the window with which the change most likely began.

        Looking back from `window`, each of those before is either as the
        reference was or as much changed as `window` is.
        """
        change = self.change[: window + 1, column]
        shift = change[-1]
        variance = np.maximum(self.error[: window + 1, column] ** 2, 1e-300)
        evidence = np.nan_to_num(shift * (change - shift / 2) / variance)
        return window - int(np.argmax(np.cumsum(evidence[::-1])))


def series_of(
    windows: Mapping[str, TrafficCounts],
    reference: Mapping[str, TrafficCounts],
    estimate: Callable[[TrafficCounts], Estimate],
    margin: float,
    relative: bool = False,
) -> Series:
    """Returns a quantity over time, and whether it changed beyond a margin.

    What windows of the reference differ by beyond chance, such as weekends
    from Mondays, is no change. It is itself known from few windows, so tails
    are Student's, with Welch's degrees of freedom.

    Args:
        windows: Counts by window, in order of time.
        reference: Likewise; of one window, nothing is known of what windows
            differ by.
        estimate: Gives the quantity of counts.
        margin: Tolerated change.
        relative: Whether the margin is a part of the reference.

    Source:
        Variance between groups by moments: DerSimonian and Kacker 2007,
        "Random-effects model for meta-analysis of clinical trials". As a
        control limit: Laney 2002, "Improved control charts for attributes".
    """
    now = _stack(estimate(one) for one in windows.values())
    then = estimate(merge_windows(reference))
    between, number = _between(_stack(map(estimate, reference.values())))
    sampled = now.error**2 + then.error**2
    variance = between * (1 + 1 / number)
    error = np.sqrt(sampled + variance)
    tolerated = margin * then.value if relative else margin
    beyond = np.abs(now.value - then.value) - tolerated
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.nan_to_num(beyond / error, posinf=_CERTAIN, neginf=-_CERTAIN)
        degrees = (number - 1) * (1 + sampled / variance) ** 2
        z = np.where(variance > 0, _normal_score(t, degrees), t)
    tails = [math.erfc(one / math.sqrt(2)) for one in z.flat]
    p = np.minimum(1.0, np.reshape(tails, z.shape))
    p[np.isnan(beyond)] = np.nan
    return Series(now, then.value, error, p)


def _stack(estimates: Iterable[Estimate]) -> Estimate:
    return Estimate(*map(np.stack, zip(*estimates, strict=True)))


def _between(each: Estimate) -> tuple[_Floats, _Floats]:
    """Returns the variance between windows, and how many tell it.

    Large windows tell more, so there are fewer than there are windows.
    """
    told = np.isfinite(each.value)
    value, error = (
        np.where(told, part, 0.0) for part in (each.value, each.error)
    )
    weight = np.where(told, each.size, 0.0)
    weight /= np.maximum(weight.sum(axis=0), 1e-300)
    number = 1 / np.maximum((weight**2).sum(axis=0), 1e-300)
    squares = (value - (weight * value).sum(axis=0)) ** 2
    beyond = (weight * (squares - (1 - weight) * error**2)).sum(axis=0)
    room = (weight * (1 - weight)).sum(axis=0)
    several = room > 0
    between = np.maximum(0.0, beyond) / np.where(several, room, 1.0)
    return np.where(several, between, 0.0), number


def _normal_score(t: _Floats, degrees: _Floats) -> _Floats:
    """Returns the normal score whose tail is that of a Student's t.

    Source:
        Wallace 1959, "Bounds on normal approximations to Student's and the
        chi-square distributions".
    """
    factor = (8 * degrees + 1) / (8 * degrees + 3)
    score: _Floats = np.sqrt(degrees * np.log1p(t**2 / degrees))
    return np.sign(t) * factor * score
