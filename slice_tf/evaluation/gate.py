"""Whether a candidate may replace a baseline: no slice got worse."""

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from slice_tf.evaluation.drops import compare
from slice_tf.evaluation.gate_result import (
    FAIL,
    NOT_ENOUGH_DATA,
    PASS,
    Acceptance,
    GateResult,
    SliceVerdict,
)
from slice_tf.evaluation.labels import pair_labels
from slice_tf.evaluation.metric import LOSSES, OK, PLAIN, Metric, plain_text
from slice_tf.evaluation.multiple import benjamini_hochberg, holm
from slice_tf.evaluation.results import Results
from slice_tf.near_miss import did_you_mean
from slice_tf.schema import BASE

FALSE_DISCOVERY_RATE = 0.05
CRITICAL_LEVEL = 0.05
POWER = 0.8


def gate(
    baseline: Results | Sequence[Results],
    candidate: Results | Sequence[Results],
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
    the margin. All examples together are tested as a slice of their own. Of
    several labels, every slice is tested by each label, and both corrections
    run over all of these tests.

    Args:
        baseline: What is in use; of several labels, results of each.
        candidate: What is to replace it, on the same data; of several labels,
            results of the same ones, in any order.
        metric: `accuracy`, which is the default; `log_loss` or `brier`, of
            which a rise counts as a drop; of two classes `auc`, `precision`,
            `recall`, `f1` or `mcc`. Of predicted numbers `mae`, which is the
            default, or `rmse`, of which a rise counts as a drop, or `r2`.
            `auc_pr` of two classes, and means over more, are compared as
            if the two models had seen other examples.
        margin: Tolerated drop, as a fraction (of a loss and of `r2`: in its
            own unit), of slices whose schema has none.
        false_discovery_rate: Expected share of false alarms among alarms.
        accepted: Slices whose verdict somebody takes upon themselves; of
            several labels, under their `full_name`.
        strict: Whether every slice with too few examples makes the verdict
            `NOT_ENOUGH_DATA`, not only critical ones.

    Raises:
        ValueError: If the results are of different data, slices, classes or
            labels, lack the metric, the margin is no fraction where it must
            be one, or an accepted slice does not exist.
    """
    pairs = pair_labels(baseline, candidate)
    metric = metric or pairs[0][1].leading
    if margin >= 1 and metric not in PLAIN:
        raise ValueError(
            f"A tolerated drop of {metric} must be a fraction below 1, such "
            f"as 0.01 for a point. Received: margin={margin}"
        )
    found = [
        _tests(*pair, metric, margin, pair[1].data.label * (len(pairs) > 1))
        for pair in pairs
    ]
    slices = _judged(
        [one for tests, _ in found for one in tests],
        metric,
        false_discovery_rate,
    )
    slices = _with_reasons(slices, accepted)
    verdict, reason = _overall(slices, strict)
    labels = dict.fromkeys(one.label for one in slices if one.label)
    return GateResult(
        verdict,
        reason,
        metric,
        all(paired for _, paired in found),
        false_discovery_rate,
        slices,
        {
            label: _overall([x for x in slices if x.label == label], strict)[0]
            for label in labels
        },
    )


def gate_of_label(result: GateResult, label: str) -> GateResult:
    """Returns what a gate of several labels says of one of them.

    Its p values stay corrected for all labels.

    Raises:
        ValueError: If there is no such label.
    """
    if label not in result.labels:
        raise ValueError(
            "A label must be one that was judged. "
            f"Received: label={label!r}, judged={', '.join(result.labels)}"
        )
    slices = tuple(one for one in result.slices if one.label == label)
    return _concluded(result, slices)


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
    return _concluded(result, _with_reasons(result.slices, accepted))


def _concluded(
    result: GateResult, slices: tuple[SliceVerdict, ...]
) -> GateResult:
    """Returns the result that other rows give by the same rules."""
    # Only a strict gate lets a slice that is not critical ask for more data.
    usual, _ = _overall(result.slices, strict=False)
    strict = usual == PASS and result.verdict == NOT_ENOUGH_DATA
    verdict, reason = _overall(slices, strict)
    return dataclasses.replace(
        result, verdict=verdict, reason=reason, slices=slices
    )


@dataclasses.dataclass(frozen=True)
class _Test:
    """One slice, by one label, before it is known what else was asked."""

    label: str
    name: str
    size: int
    critical: bool
    margin: float
    baseline: Metric
    candidate: Metric
    difference: Metric
    largest: float
    p: float
    spread: float


def _tests(
    baseline: Results,
    candidate: Results,
    metric: str,
    margin: float,
    label: str,
) -> tuple[list[_Test], bool]:
    """Returns a test a slice, and whether they are paired by example."""
    facts = [
        (one.name, one.critical, one.margin or margin)
        for one in candidate.schema.slices
    ]
    facts.append((BASE, False, margin))
    margins = np.array([one[-1] for one in facts])
    found = compare(baseline, candidate, metric, margins)
    tests = [
        _Test(label, name, one.size, critical, tolerated, *row)
        for one, (name, critical, tolerated), *row in zip(
            candidate.slices,
            facts,
            found.baseline,
            found.candidate,
            found.metrics,
            found.largest,
            found.p,
            found.spread,
            strict=True,
        )
    ]
    return tests, found.paired


def _judged(
    tests: Sequence[_Test], metric: str, rate: float
) -> tuple[SliceVerdict, ...]:
    """Corrects tests for one another and says what each means."""
    critical = np.array([one.critical for one in tests])
    asked = np.array([one.difference.status == OK for one in tests])
    adjusted = _adjust(np.array([one.p for one in tests]), critical, asked)
    levels = _levels(critical, asked, rate)
    most = np.inf if metric in PLAIN else 1
    slices = []
    for one, p, alone in zip(tests, adjusted, levels, strict=True):
        level = CRITICAL_LEVEL if one.critical else rate
        verdict, reason = _judge(one, p, level, metric)
        drop = _smallest_drop(one.spread, one.margin, alone, most)
        slices.append(
            SliceVerdict(
                name=one.name,
                size=one.size,
                critical=one.critical,
                margin=one.margin,
                baseline=one.baseline,
                candidate=one.candidate,
                difference=one.difference,
                p=_or_none(one.p),
                adjusted_p=_or_none(p),
                smallest_drop=_or_none(drop),
                verdict=verdict,
                reason=reason,
                label=one.label,
            )
        )
    return tuple(slices)


def _with_reasons(
    slices: Sequence[SliceVerdict], accepted: Sequence[Acceptance]
) -> tuple[SliceVerdict, ...]:
    """Returns verdicts with why somebody takes them upon themselves."""
    reasons = {}
    for name, reason in accepted:
        full = [x.full_name for x in slices if name in (x.full_name, x.name)]
        if len(full) != 1 or not reason.strip():
            near = did_you_mean(name, [one.full_name for one in slices])
            raise ValueError(
                "An accepted slice must be one that was compared, of several "
                "labels with its label, and come with a reason, because "
                f"somebody will ask for it. Received: slice={name!r}, "
                f"reason={reason!r}{near}"
            )
        reasons[full[0]] = reason.strip()
    return tuple(
        dataclasses.replace(x, accepted=reasons.get(x.full_name, x.accepted))
        for x in slices
    )


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
    fact: _Test, adjusted: float, level: float, name: str
) -> tuple[str, str]:
    metric, largest = fact.difference, fact.largest
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
    quantile = statistics.NormalDist().inv_cdf
    steps = quantile(1 - level) + quantile(POWER)
    drop = margin + steps * spread
    return drop if drop <= largest else float("nan")


def _or_none(value: float) -> float | None:
    return None if value != value else float(value)


def _overall(slices: Sequence[SliceVerdict], strict: bool) -> tuple[str, str]:
    open_ones = [one for one in slices if one.accepted is None]
    failed = [one.full_name for one in open_ones if one.verdict == FAIL]
    few = [one for one in open_ones if one.verdict == NOT_ENOUGH_DATA]
    asked = [
        one.full_name
        for one in few
        if strict or one.critical or one.name == BASE
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
