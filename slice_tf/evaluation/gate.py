"""Whether a candidate may replace a baseline: no slice got worse."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from slice_tf.evaluation import intervals
from slice_tf.evaluation.drops import compare
from slice_tf.evaluation.gate_result import (
    FAIL,
    NOT_ENOUGH_DATA,
    PASS,
    Acceptance,
    GateResult,
    SliceVerdict,
)
from slice_tf.evaluation.metric import LOSSES, OK, PLAIN, Metric, plain_text
from slice_tf.evaluation.multiple import benjamini_hochberg, holm
from slice_tf.evaluation.results import Results
from slice_tf.schema import BASE

FALSE_DISCOVERY_RATE = 0.05
CRITICAL_LEVEL = 0.05
POWER = 0.8


def gate(
    baseline: Results,
    candidate: Results,
    *,
    metric: str | None = None,
    margin: float = 0.0,
    false_discovery_rate: float = FALSE_DISCOVERY_RATE,
    accepted: Sequence[Acceptance] = (),
    strict: bool = False,
) -> GateResult:
    """Says whether a candidate may replace a baseline.

    A slice fails where its drop beyond its margin is more than chance
    explains: by a one-sided test, paired by example where the candidate was
    evaluated with the baseline beside it, corrected over all slices by
    Benjamini and Hochberg. A critical slice is corrected by Holm among the
    critical ones, and it passes only if its interval excludes a drop beyond
    the margin. All examples together are tested as a slice of their own.

    Args:
        baseline: What is in use.
        candidate: What is to replace it, on the same data.
        metric: `accuracy`, which is the default; `log_loss` or `brier`, of
            which a rise counts as a drop; of two classes `auc`, `precision`,
            `recall`, `f1` or `mcc`. Of predicted numbers `mae`, which is the
            default, or `rmse`, of which a rise counts as a drop, or `r2`.
            `auc_pr` of two classes, and means over more, are compared as
            if the two models had seen other examples.
        margin: Tolerated drop, as a fraction (of a loss and of `r2`: in its
            own unit), of slices whose schema has none.
        false_discovery_rate: Expected share of false alarms among alarms.
        accepted: Slices whose verdict somebody takes upon themselves.
        strict: Whether every slice with too few examples makes the verdict
            `NOT_ENOUGH_DATA`, not only critical ones.

    Raises:
        ValueError: If the results are of different data, slices or classes,
            lack the metric, the margin is no fraction where it must be one,
            or an accepted slice does not exist.
    """
    candidate.check_comparable(baseline)
    metric = metric or candidate.leading
    if margin >= 1 and metric not in PLAIN:
        raise ValueError(
            f"A tolerated drop of {metric} must be a fraction below 1, such "
            f"as 0.01 for a point. Received: margin={margin}"
        )
    reasons = _reasons(candidate, accepted)
    facts = [
        _Fact(one.name, one.critical, one.margin or margin)
        for one in candidate.schema.slices
    ]
    facts.append(_Fact(BASE, False, margin))
    margins = np.array([one.margin for one in facts])
    found = compare(baseline, candidate, metric, margins)
    critical = np.array([one.critical for one in facts])
    asked = np.array([one.status == OK for one in found.metrics])
    adjusted = _adjust(found.p, critical, asked)
    levels = _levels(critical, asked, false_discovery_rate)
    drops = [
        _smallest_drop(*row, largest=np.inf if metric in PLAIN else 1)
        for row in zip(found.spread, margins, levels, strict=True)
    ]
    slices = []
    for i, fact in enumerate(facts):
        level = CRITICAL_LEVEL if fact.critical else false_discovery_rate
        verdict, reason = _judge(
            found.metrics[i], found.largest[i], fact, adjusted[i], level, metric
        )
        slices.append(
            SliceVerdict(
                name=fact.name,
                size=candidate.slices[i].size,
                critical=fact.critical,
                margin=fact.margin,
                baseline=found.baseline[i],
                candidate=found.candidate[i],
                difference=found.metrics[i],
                p=_or_none(found.p[i]),
                adjusted_p=_or_none(adjusted[i]),
                smallest_drop=_or_none(drops[i]),
                verdict=verdict,
                reason=reason,
                accepted=reasons.get(fact.name),
            )
        )
    verdict, reason = _overall(slices, strict)
    return GateResult(
        verdict,
        reason,
        metric,
        found.paired,
        false_discovery_rate,
        tuple(slices),
    )


def accept_slices(
    result: GateResult, accepted: Sequence[Acceptance]
) -> GateResult:
    """Returns what a gate says where somebody lets more slices through.

    Args:
        result: What it said.
        accepted: Slices whose verdict somebody takes upon themselves.

    Raises:
        ValueError: If an accepted slice does not exist or has no reason.
    """
    names = [one.name for one in result.slices]
    for name, reason in accepted:
        if name not in names or not reason.strip():
            raise ValueError(
                "An accepted slice must be one that was compared, and come "
                f"with a reason. Received: slice={name!r}, reason={reason!r}"
            )
    reasons = {name: reason.strip() for name, reason in accepted}
    slices = tuple(
        dataclasses.replace(one, accepted=reasons.get(one.name, one.accepted))
        for one in result.slices
    )
    # Only a strict gate lets a slice that is not critical ask for more data.
    usual, _ = _overall(result.slices, strict=False)
    strict = usual == PASS and result.verdict == NOT_ENOUGH_DATA
    verdict, reason = _overall(slices, strict)
    return dataclasses.replace(
        result, verdict=verdict, reason=reason, slices=slices
    )


@dataclasses.dataclass(frozen=True)
class _Fact:
    """What a gate must know of a slice."""

    name: str
    critical: bool
    margin: float


def _reasons(
    results: Results, accepted: Sequence[Acceptance]
) -> dict[str, str]:
    for name, reason in accepted:
        if name != BASE:
            results.schema.index(name)
        if not reason.strip():
            raise ValueError(
                "An accepted slice must come with a reason, because somebody "
                f"will ask for it. Received: slice={name!r}, reason={reason!r}"
            )
    return {name: reason.strip() for name, reason in accepted}


def _adjust(p: Any, critical: Any, asked: Any) -> Any:
    adjusted = np.full(len(p), np.nan)
    for rows, correct in (
        (critical & asked, holm),
        (~critical & asked, benjamini_hochberg),
    ):
        if rows.any():
            adjusted[rows] = correct(p[rows])
    return adjusted


def _levels(critical: Any, asked: Any, rate: float) -> Any:
    """The p value at which each slice would be found alone."""
    num_critical = max(int((critical & asked).sum()), 1)
    num_others = max(int((~critical & asked).sum()), 1)
    return np.where(critical, CRITICAL_LEVEL / num_critical, rate / num_others)


def _judge(
    metric: Metric,
    largest: float,
    fact: _Fact,
    adjusted: float,
    level: float,
    name: str,
) -> tuple[str, str]:
    if metric.value is None or metric.low is None or metric.status != OK:
        return NOT_ENOUGH_DATA, f"too few to compare: {metric.n}"
    drop = "rise" if name in LOSSES else "drop"
    margin = _amount(fact.margin, name)
    beyond = f"beyond the margin of {margin} " if fact.margin else ""
    if adjusted <= level:
        return FAIL, (
            f"a {drop} of {_amount(abs(metric.value), name)} is {beyond}"
            f"{'by ' if beyond else ''}more than chance explains (adjusted p "
            f"{adjusted:.2g})"
        )
    if fact.critical and largest > fact.margin:
        return NOT_ENOUGH_DATA, (
            f"a {drop} of {_amount(largest, name)} is not excluded, and the "
            f"slice is critical with a margin of {margin}"
        )
    if fact.critical:
        return PASS, f"a {drop} beyond {margin} is excluded"
    return PASS, f"no {drop} {beyond}is shown"


def _amount(value: float, name: str) -> str:
    return plain_text(value) if name in PLAIN else f"{100 * value:.1f} points"


def _smallest_drop(
    spread: float, margin: float, level: float, largest: float
) -> float:
    """True drop that is found with 80 % power; NaN where none is.

    Args:
        spread: Standard error of the difference, at no difference.
        margin: Tolerated drop.
        level: p value at which the slice is found.
        largest: The largest drop that there can be.
    """
    quantile = intervals.NORMAL.inv_cdf
    steps = quantile(1 - level) + quantile(POWER)
    drop = margin + steps * spread
    return drop if drop <= largest else float("nan")


def _or_none(value: float) -> float | None:
    return None if value != value else float(value)


def _overall(slices: Sequence[SliceVerdict], strict: bool) -> tuple[str, str]:
    open_ones = [one for one in slices if one.accepted is None]
    failed = [one.name for one in open_ones if one.verdict == FAIL]
    few = [one for one in open_ones if one.verdict == NOT_ENOUGH_DATA]
    asked = [
        one.name for one in few if strict or one.critical or one.name == BASE
    ]
    taken = sum(
        one.accepted is not None and one.verdict != PASS for one in slices
    )
    suffix = f"; {taken} accepted" if taken else ""
    if failed:
        return FAIL, f"worse in {', '.join(failed)}{suffix}"
    if asked:
        return NOT_ENOUGH_DATA, f"undecided in {', '.join(asked)}{suffix}"
    left = f"; {len(few)} with too few to tell" if few else ""
    return PASS, f"no slice is shown to be worse{left}{suffix}"
