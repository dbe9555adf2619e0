"""What a gate says: a verdict for each slice, and one for the release."""

import dataclasses
from typing import Any, NamedTuple

from slice_tf.evaluation.metric import Metric

PASS, FAIL, NOT_ENOUGH_DATA = "PASS", "FAIL", "NOT_ENOUGH_DATA"
EXIT_STATUS = {PASS: 0, FAIL: 1, NOT_ENOUGH_DATA: 3}


class Acceptance(NamedTuple):
    """A slice whose verdict somebody takes upon themselves, and why."""

    slice_name: str
    reason: str


@dataclasses.dataclass(frozen=True)
class SliceVerdict:
    """What a gate says of one slice.

    Args:
        name: The slice, or `base` for all examples.
        size: Members.
        critical: Whether the slice must be shown not to be worse.
        margin: Largest tolerated drop, as a fraction.
        baseline: The baseline's metric.
        candidate: The candidate's metric.
        difference: Candidate's minus baseline's, with its interval.
        p: Probability of such a drop, or a larger one, if the true drop is
            the margin; None without examples.
        adjusted_p: The same, corrected for the number of slices asked.
        smallest_drop: True drop that would be found in 4 of 5 such data sets;
            None where not even the largest would.
        verdict: `PASS`, `FAIL` or `NOT_ENOUGH_DATA`.
        reason: One sentence.
        accepted: Why somebody takes the verdict upon themselves; None where
            nobody does.
        label: By which label, such as `label[2]`, where several were judged
            together.
    """

    name: str
    size: int
    critical: bool
    margin: float
    baseline: Metric
    candidate: Metric
    difference: Metric
    p: float | None
    adjusted_p: float | None
    smallest_drop: float | None
    verdict: str
    reason: str
    accepted: str | None = None
    label: str = ""

    @property
    def full_name(self) -> str:
        """The slice; of several labels with its label, `label[2]/night`."""
        return full_name(self.label, self.name)


def full_name(label: str, name: str) -> str:
    """Returns what to call a slice judged by a label, or by the only one."""
    return f"{label}/{name}" if label else name


@dataclasses.dataclass(frozen=True)
class GateResult:
    """What a gate says of a candidate.

    Args:
        verdict: `PASS`, `FAIL` or `NOT_ENOUGH_DATA`.
        reason: One sentence.
        metric: What was compared.
        paired: Whether example by example.
        false_discovery_rate: Expected share of false alarms among alarms.
        slices: In the schema's order, the base slice last; so for each of
            several labels.
        labels: Of several labels judged together, each with the verdict that
            its own slices gave; also where `slices` are of one of them.
    """

    verdict: str
    reason: str
    metric: str
    paired: bool
    false_discovery_rate: float
    slices: tuple[SliceVerdict, ...]
    labels: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        """0 passed, 1 failed, 3 not enough data."""
        return EXIT_STATUS[self.verdict]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "GateResult":
        """Returns the result that `dataclasses.asdict` gave."""
        slices = tuple(_parse(one) for one in values["slices"])
        return cls(**{**values, "slices": slices})


def _parse(values: dict[str, Any]) -> SliceVerdict:
    metrics = ("baseline", "candidate", "difference")
    parsed = {name: Metric(**values[name]) for name in metrics}
    return SliceVerdict(**{**values, **parsed})
