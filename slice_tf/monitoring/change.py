"""What has become of a slice."""

import dataclasses

STEADY, MOVED, TOO_FEW = "steady", "moved", "too few"


@dataclasses.dataclass(frozen=True)
class Change:
    """One quantity of a slice, now and in the reference.

    Args:
        value: As it is now.
        low: Lower end of its 95 % interval.
        high: Upper end.
        reference: As it was.
        p_value: Of the hypothesis that it has changed by no more than the
            margin, adjusted for all that was asked; NaN where there is too
            little to tell.
        verdict: `steady`, `moved` or `too few`.
        since: Where it has moved, and windows of time were compared: the
            window with which, most likely, that began.
    """

    value: float
    low: float
    high: float
    reference: float
    p_value: float
    verdict: str
    since: str | None = None


@dataclasses.dataclass(frozen=True)
class SliceDrift:
    """What has become of one slice.

    Args:
        name: Of the slice, or `base` for all examples.
        members: Examples in it, as the indicator sees them.
        share: Of all examples, from 0 to 1; None for the base slice.
        prediction: The mean of the output that has changed most.
        output: Index of that output: a class or a label, 0 of a number.
    """

    name: str
    members: float
    share: Change | None
    prediction: Change
    output: int

    @property
    def verdict(self) -> str:
        """`moved` if anything has, `too few` if nothing could be told."""
        found = {one.verdict for one in (self.share, self.prediction) if one}
        return next(one for one in (MOVED, STEADY, TOO_FEW) if one in found)

    @property
    def since(self) -> str | None:
        """The window with which it began to be other than it was."""
        parts = (self.share, self.prediction)
        return min(
            (one.since for one in parts if one and one.since), default=None
        )
