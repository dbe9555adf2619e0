"""`slice-tf monitor`: are slices in production what they were?"""

import argparse
import functools
import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from slice_tf.programs.flags import (
    FlagParser,
    positive_int,
    split_beam_flags,
)

if TYPE_CHECKING:
    from slice_tf.monitoring import (
        AccuracyEstimate,
        SliceDrift,
        TrafficCounts,
    )

logger = logging.getLogger("slice_tf.monitor")

_MOVED, _TOO_FEW = 1, 3


def main(argv: Sequence[str]) -> int:
    """Counts request logs and compares them with a reference."""
    own, beam_flags = split_beam_flags(argv)
    flags = _parse(own)
    from slice_tf.monitoring import (
        accuracy_table,
        drift_by_window,
        drift_table,
        latest_accuracy,
        latest_drift,
        merge_windows,
        save_traffic,
        shares_table,
    )
    from slice_tf.programs.tables import show_table

    earlier = _earlier(flags)
    counted = _count(flags.logs, flags.version, flags, beam_flags)
    windows = {**earlier, **counted}
    accuracy = _accuracy(windows, flags)
    reference, drift = None, {}
    if flags.reference is not None:
        usual = _reference(flags, beam_flags)
        reference = merge_windows(usual)
        drift = drift_by_window(
            windows,
            usual,
            share_margin=flags.share_margin,
            prediction_margin=flags.prediction_margin,
            false_discovery_rate=flags.false_discovery_rate,
        )
    values = save_traffic(flags.output, windows, reference, drift, accuracy)
    if flags.page is not None:
        from slice_tf.report import write_traffic_page

        write_traffic_page(flags.page, values)
    latest = latest_drift(drift)
    if latest:
        show_table(*drift_table(latest))
    else:
        show_table(*shares_table(merge_windows(windows)))
    if accuracy:
        show_table(*accuracy_table(latest_accuracy(accuracy)))
    logger.info("wrote %s", flags.output)
    return _judge(latest) if latest else 0


def _accuracy(
    windows: Mapping[str, "TrafficCounts"], flags: argparse.Namespace
) -> "dict[str, list[AccuracyEstimate]]":
    if flags.labelled is None:
        return {}
    from slice_tf.evaluation import Results
    from slice_tf.monitoring import estimate_accuracy

    labelled = Results.load(flags.labelled)
    return {
        start: estimate_accuracy(counts, labelled)
        for start, counts in windows.items()
    }


def _earlier(flags: argparse.Namespace) -> "dict[str, TrafficCounts]":
    """Returns the windows to which those of this run are added."""
    if not (flags.append and flags.output.exists()):
        return {}
    from slice_tf.monitoring import every_of, load_windows

    windows = load_windows(flags.output)
    if every_of(windows) != flags.every:
        raise ValueError(
            "`--append` adds to windows as long as its own. Received: "
            f"every={flags.every}, every of {flags.output}={every_of(windows)}"
        )
    return windows


def _count(
    logs: str,
    version: int | None,
    flags: argparse.Namespace,
    beam_flags: Sequence[str],
) -> "dict[str, TrafficCounts]":
    from slice_tf_beam.beam_logs import quiet_beam

    quiet_beam()
    from slice_tf.schema import SliceSchema
    from slice_tf_beam.traffic_job import READ, count_traffic
    from slice_tf_serving.logged_answers import answer_of

    schema = SliceSchema.load(flags.saved_model / "assets")
    windows, passed = count_traffic(
        logs,
        schema.names,
        functools.partial(
            answer_of, names=READ, model=flags.model, version=version
        ),
        every=flags.every,
        num_workers=flags.workers,
        pipeline_options=beam_flags,
        scratch=str(flags.output.parent),
    )
    hint = "log the signature `explain`, or serve with `--watch-slices`"
    if not windows:
        raise ValueError(
            "There must be an answer that tells of slices. Received: "
            f"logs={logs}, model={flags.model}, version={version}, answers=0, "
            f"others={passed}. If there are others, {hint}."
        )
    if passed:
        logger.warning("%d answers tell of no slices: %s", passed, hint)
    return windows


def _reference(
    flags: argparse.Namespace, beam_flags: Sequence[str]
) -> "dict[str, TrafficCounts]":
    from slice_tf.monitoring import load_windows

    if flags.reference.endswith(".json"):
        return load_windows(flags.reference)
    return _count(flags.reference, flags.reference_version, flags, beam_flags)


def _judge(drift: Sequence["SliceDrift"]) -> int:
    from slice_tf.monitoring import MOVED, STEADY

    moved = [
        f"{one.name} (since {one.since})" if one.since else one.name
        for one in drift
        if one.verdict == MOVED
    ]
    if moved:
        print(f"MOVED: {', '.join(moved)}")  # noqa: T201 - results
        return _MOVED
    if all(one.verdict != STEADY for one in drift):
        print("NOT_ENOUGH_DATA: no slice has enough requests")  # noqa: T201
        return _TOO_FEW
    print("STEADY: no slice has moved beyond its margin")  # noqa: T201
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = FlagParser(
        "monitor",
        "Counts request logs per learned slice and compares them with a "
        "reference. Flags of Beam follow after `--`. Exit status: 0 steady, 1 "
        "a slice has moved, 2 usage or data error, 3 not enough data to tell.",
    )
    add = parser.add_argument
    add(
        "--logs",
        required=True,
        metavar="PATTERN",
        help="TFRecords of PredictionLog, as `slice-tf serve --watch-slices "
        "--log-dir` writes: a file, a directory or a quoted pattern",
    )
    add(
        "--saved-model",
        type=pathlib.Path,
        required=True,
        metavar="DIR",
        help="the SavedModel that answered; it names the slices",
    )
    add("--model", metavar="NAME", help="count answers of this model only")
    add(
        "--version",
        type=positive_int,
        metavar="N",
        help="count answers of this version only",
    )
    add(
        "--reference",
        metavar="FILE",
        help="what to compare with: the output of an earlier run (.json), or "
        "a pattern of logs; without it, nothing is compared",
    )
    add(
        "--reference-version",
        type=positive_int,
        metavar="N",
        help="of the reference's logs, count this version only",
    )
    add(
        "--share-margin",
        type=float,
        default=0.2,
        help="tolerated change of a slice's share, as a part of the share",
    )
    add(
        "--prediction-margin",
        type=float,
        default=0.1,
        help="tolerated change of the mean of an output within a slice: of a "
        "probability as it is, of a number in standard deviations",
    )
    add(
        "--false-discovery-rate",
        type=float,
        default=0.05,
        help="expected share of false alarms among alarms",
    )
    add(
        "--output",
        type=pathlib.Path,
        required=True,
        metavar="FILE",
        help="file for the counts and what was found, which a later run can "
        "take for its reference",
    )
    add(
        "--labelled",
        type=pathlib.Path,
        metavar="FILE",
        help="results.json of this model on labelled data, like those that it "
        "learned from, to estimate the accuracy of each slice",
    )
    add(
        "--every",
        choices=("day", "hour"),
        help="compare each day or hour by itself, in UTC, and tell since when "
        "a slice has moved",
    )
    add(
        "--append",
        action="store_true",
        help="keep the days or hours that --output holds already; those that "
        "are counted anew replace their own",
    )
    add(
        "--page",
        type=pathlib.Path,
        metavar="FILE",
        help="HTML file that shows what has moved; needs --reference",
    )
    add(
        "--workers",
        type=positive_int,
        default=1,
        help="processes that read logs on this machine",
    )
    flags = parser.parse(argv)
    if flags.append and flags.every is None:
        raise ValueError(
            "`--append` adds days or hours to those before. Received: "
            "append=True, every=None"
        )
    if flags.page is not None and flags.reference is None:
        raise ValueError(
            "`--page` shows what has moved since a reference. Received: "
            f"page={flags.page}, reference=None"
        )
    return flags
