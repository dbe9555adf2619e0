"""`slice-tf gate`: may a candidate replace a baseline?"""

import argparse
import dataclasses
import logging
import math
import pathlib
from collections.abc import Sequence

from slice_tf.evaluation import (
    Acceptance,
    GateResult,
    Results,
    gate,
    gate_of_label,
    load_labels,
    save_labels,
)
from slice_tf.evaluation.drops import COMPARED
from slice_tf.evaluation.gate_reports import (
    gate_junit,
    gate_markdown,
    gate_table,
)
from slice_tf.evaluation.gate_result import full_name
from slice_tf.programs.exports import (
    add_export_flags,
    check_exports,
    export,
)
from slice_tf.programs.flags import FlagParser, number
from slice_tf.programs.tables import show_table

logger = logging.getLogger("slice_tf.gate")


def main(argv: Sequence[str]) -> int:
    """Compares results of two models and returns the gate's exit status."""
    flags = _parse(argv)
    baseline, candidate = map(load_labels, (flags.baseline, flags.candidate))
    result = gate(
        baseline,
        candidate,
        metric=flags.metric,
        margin=flags.margin,
        false_discovery_rate=flags.false_discovery_rate,
        accepted=[
            *_reviewed(flags.review, candidate),
            *_accepted(flags.accept, flags.reason),
        ],
        strict=flags.strict,
    )
    for path, text in (
        (flags.junit, gate_junit(result)),
        (flags.markdown, gate_markdown(result)),
    ):
        if path is not None:
            path.write_text(text, encoding="utf-8")
    judged = [
        dataclasses.replace(
            one,
            gate=gate_of_label(result, one.data.label)
            if result.labels
            else result,
        )
        for one in candidate
    ]
    if flags.output is not None:
        save_labels(judged, flags.output)
    _show(result)
    export(judged, flags)
    return result.exit_status


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = FlagParser(
        "gate",
        "Compares two results.json files of the same data, or two directories "
        "of several labels' results, all labels at once. Exit status: 0 no "
        "slice is worse, 1 a slice is, 2 usage or data error, 3 not enough "
        "data to tell.",
    )
    add = parser.add_argument
    add("baseline", type=pathlib.Path, help="results of what is in use")
    add("candidate", type=pathlib.Path, help="results of what is to replace it")
    add(
        "--metric",
        choices=COMPARED,
        help="what to compare; without it accuracy, or mae of predicted "
        "numbers",
    )
    add(
        "--margin",
        type=_amount,
        default=0.0,
        help="tolerated drop of slices whose schema has none, as a fraction; "
        "of log_loss, brier, mae and rmse the tolerated rise, of r2 the drop, "
        "each in its own unit",
    )
    add(
        "--false-discovery-rate",
        type=_rate,
        default=0.05,
        help="expected share of false alarms among alarms",
    )
    add(
        "--accept",
        metavar="SLICE",
        action="append",
        default=[],
        help="let a slice through; needs a --reason for each; of several "
        "labels with its label, such as 'tags[2]/night'",
    )
    add("--reason", metavar="TEXT", action="append", default=[], help="why")
    add(
        "--review",
        type=pathlib.Path,
        metavar="FILE",
        help="review.json of `slice-tf ui`: slices that were accepted there, "
        "of this model on this data, are let through",
    )
    add(
        "--strict",
        action="store_true",
        help="any slice with too few examples gives status 3",
    )
    add(
        "--output",
        type=pathlib.Path,
        help="file for the candidate's results with the verdicts in them, of "
        "several labels a directory",
    )
    add("--junit", type=pathlib.Path, help="file for JUnit XML")
    add("--markdown", type=pathlib.Path, help="file for a summary")
    add_export_flags(parser)
    flags = parser.parse(argv)
    check_exports(flags)
    return flags


def _amount(text: str) -> float:
    what = "a number of at least 0"
    return number(text, lambda one: 0 <= one < math.inf, what)


def _rate(text: str) -> float:
    return number(
        text, lambda one: 0 < one < 1, "a fraction above 0 and below 1"
    )


def _accepted(
    names: Sequence[str], reasons: Sequence[str]
) -> tuple[Acceptance, ...]:
    if len(names) != len(reasons):
        raise ValueError(
            "Each `--accept SLICE` must be followed by a `--reason TEXT`. "
            f"Received: {len(names)} accepted, {len(reasons)} reasons"
        )
    return tuple(map(Acceptance, names, reasons))


def _reviewed(
    path: pathlib.Path | None, candidate: Sequence[Results]
) -> list[Acceptance]:
    if path is None:
        return []
    from slice_tf.report.review import Review

    review, several = Review.read(path), len(candidate) > 1
    found = [
        Acceptance(full_name(one.data.label * several, name), reason)
        for one in candidate
        for name, reason in review.acceptances(one)
    ]
    names = ", ".join(one.slice_name for one in found) or "nothing"
    logger.info("%s accepts %s of this model", path, names)
    return found


def _show(result: GateResult) -> None:
    show_table(*gate_table(result))
    print(f"{result.verdict}: {result.reason}")  # noqa: T201 - results
    if not result.paired:
        logger.warning(
            "%s is not compared example by example, so that less is found: "
            "pass --baseline to `slice-tf evaluate`, and choose a metric "
            "whose paired difference its results hold",
            result.metric,
        )
