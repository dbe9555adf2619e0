"""`slice-tf apply`: slicing functions over TFRecords."""

import argparse
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slice_tf.programs.flags import (
    FlagParser,
    number,
    positive_int,
    positive_number,
    split_beam_flags,
    whole_number,
)

if TYPE_CHECKING:
    from slice_tf_beam import Summary

logger = logging.getLogger("slice_tf.apply")


def main(argv: Sequence[str]) -> int:
    """Writes sliced TFRecords and prints what the slices hold."""
    own, beam_flags = split_beam_flags(argv)
    flags = _parse(own)

    from slice_tf_beam.beam_logs import quiet_beam

    quiet_beam()
    from slice_tf_beam import apply_slicing_functions

    summary = apply_slicing_functions(
        flags.input,
        flags.output_dir,
        flags.slices,
        num_workers=flags.workers,
        pipeline_options=beam_flags,
        overwrite=flags.overwrite,
        max_error_rate=flags.max_error_rate,
        max_bad_records=flags.max_bad_records,
        sf_timeout=flags.sf_timeout,
        split_bytes=flags.split_bytes,
        slice_names=flags.slice_names,
    )
    for warning in summary.warnings():
        logger.warning(warning)
    _show(summary, flags.output_dir)
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = FlagParser(
        "apply",
        "Applies slicing functions to TFRecords and writes sliced TFRecords, "
        "one for each file. A job that was stopped continues when it is run "
        "again. Flags of Apache Beam follow after `--`, such as "
        "`-- --runner=FlinkRunner`.",
    )
    add = parser.add_argument
    add(
        "--input",
        required=True,
        help="TFRecord files, plain or gzip: a path, a directory or a quoted "
        "pattern, here or on gs:// and the like",
    )
    add(
        "--slices",
        required=True,
        nargs="+",
        help="where the slicing functions are: module, module:attribute, "
        "file.py or file.py:attribute",
    )
    add(
        "--output-dir", required=True, help="must be new, empty, or of this job"
    )
    add(
        "--workers",
        type=positive_int,
        default=1,
        help="processes on this machine, unless Beam's flags name a runner",
    )
    add(
        "--overwrite",
        action="store_true",
        help="remove the files of an earlier run first",
    )
    add(
        "--max-error-rate",
        type=_rate,
        default=0.01,
        help="largest share of examples where a slicing function may fail",
    )
    add(
        "--max-bad-records",
        type=whole_number,
        default=0,
        help="how many damaged records may be left out and listed",
    )
    add(
        "--sf-timeout",
        type=positive_number,
        help="seconds that slicing functions may take over 256 examples; then "
        "the job ends and says which one hangs (default: wait for ever)",
    )
    add(
        "--split-bytes",
        type=positive_int,
        default=1 << 30,
        help="size of the parts that larger plain files are cut into, for "
        "several workers",
    )
    add(
        "--slice-names",
        action="store_true",
        help="also write the names of an example's slices as the feature "
        "slices/names, by which TensorFlow Model Analysis slices",
    )
    return parser.parse(argv)


def _rate(text: str) -> float:
    return number(text, lambda one: 0 <= one <= 1, "from 0 to 1")


def _show(summary: "Summary", output_dir: str) -> None:
    from slice_tf.programs.tables import show_table

    show_table(*summary.table())
    print("\n".join(_lines(summary, output_dir)))  # noqa: T201 - results


def _lines(summary: "Summary", output_dir: str) -> list[str]:
    share = summary.num_in_any / max(1, summary.num_examples)
    shards = "shard" if summary.num_shards == 1 else "shards"
    lines = [
        f"examples: {summary.num_examples:,} in {summary.num_shards:,} "
        f"{shards}; {share:.1%} are in at least one slice"
    ]
    overlap = summary.largest_overlap()
    if overlap is not None:
        first, second, both = overlap
        lines.append(
            f"overlap:  {first} and {second} share most: {both:.1%} of the "
            "examples in either are in both"
        )
    return [*lines, f"output:   {output_dir} (summary.json, errors.jsonl)"]
