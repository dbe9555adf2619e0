"""`slice-tf report`: one HTML file that shows results."""

import argparse
import logging
import pathlib
from collections.abc import Sequence

from slice_tf.programs.flags import FlagParser

logger = logging.getLogger("slice_tf.report")


def main(argv: Sequence[str]) -> int:
    """Writes a page of a results.json and prints what it says first."""
    flags = _parse(argv)

    from slice_tf.evaluation import load_labels
    from slice_tf.report import read_summary, write_page
    from slice_tf.report.sentence import headline

    results = [one for path in flags.results for one in load_labels(path)]
    summary = None
    if flags.summary is not None:
        summary = read_summary(flags.summary, results[0].schema)
    write_page(flags.output, results, summary)
    for one in results:
        judged = one.gate is not None and one.gate.labels
        # A headline that judges one of several labels says which.
        label = f"{one.data.label}: " if len(results) > 1 and not judged else ""
        print(f"{label}{headline(one)}")  # noqa: T201 - results go to stdout
    logger.info("wrote %s", flags.output)
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = FlagParser(
        "report",
        "Writes one HTML file that shows a results.json: it loads nothing, so "
        "it can be mailed, archived and opened anywhere.",
    )
    add, path = parser.add_argument, pathlib.Path
    add(
        "results",
        type=path,
        nargs="+",
        help="results.json to show; of several labels, their directory, or "
        "some of its files",
    )
    add("--output", type=path, default=path("report.html"), help="HTML file")
    add(
        "--summary",
        type=path,
        help="summary.json of `slice-tf apply`, to show how functions voted",
    )
    flags = parser.parse(argv)
    if flags.output.is_dir():
        raise ValueError(
            "The output must be a file, such as report.html. "
            f"Received: output={flags.output}, which is a directory."
        )
    return flags
