"""The flags of `slice-tf evaluate`."""

import argparse
import pathlib
from collections.abc import Sequence

from slice_tf.programs.exports import add_export_flags, check_exports
from slice_tf.programs.flags import FlagParser, positive_int


def parse(argv: Sequence[str], beam_flags: Sequence[str]) -> argparse.Namespace:
    """Reads and checks a command line.

    Raises:
        ValueError: If flags contradict one another.
    """
    parser = FlagParser(
        "evaluate",
        "Predicts sliced data with a trained model, or reads predictions that "
        "were made elsewhere, writes results.json and prints accuracy per "
        "slice with 95 % intervals. Flags of Apache Beam follow after `--`.",
    )
    directory = pathlib.Path
    add = parser.add_argument
    add("--model", type=directory, help="model directory")
    add("--data", help="directory that `slice-tf apply` wrote")
    add(
        "--predictions",
        help="TFRecords of predictions instead of a model and data: a path, a "
        "directory or a quoted pattern, here or on gs:// and the like",
    )
    add("--schema", help="directory with slices.json, if not beside them")
    add(
        "--output",
        type=directory,
        required=True,
        help="results.json to write; of several labels, a directory",
    )
    add(
        "--baseline",
        type=directory,
        help="directory of another model, to compare with example by example",
    )
    add(
        "--audit",
        type=directory,
        help="JSON of what people said of slices, to correct accuracy by, or "
        "errors of predicted numbers",
    )
    add(
        "--examples",
        type=positive_int,
        metavar="N",
        help="keep at most N examples of each kind and slice, to be seen on "
        "the page of the results: 12 to look at, 50 to audit; whoever may "
        "read results.json can read them",
    )
    add(
        "--example-feature",
        metavar="FEATURE",
        action="append",
        default=[],
        help="a feature to keep, such as text=string or image=float32:28x28, "
        "or a name alone where the model reads it; may be repeated; without "
        "it, all that the model reads",
    )
    add(
        "--weight",
        metavar="FEATURE",
        help="a feature that holds examples' weights, of one number; another "
        "type than float32 is written as in count=int64",
    )
    add(
        "--cluster",
        metavar="FEATURE",
        help="a feature by which examples hang together, such as "
        "user=string; int64 without a type",
    )
    add(
        "--label-index",
        type=int,
        metavar="I",
        help="which label to evaluate, from 0, of a model of several labels; "
        "all of them unless it is given",
    )
    add(
        "--batch-size",
        type=positive_int,
        default=1024,
        help="examples predicted at once",
    )
    add(
        "--workers",
        type=positive_int,
        default=1,
        help="processes that count predictions on this machine",
    )
    add_export_flags(parser)
    flags = parser.parse(argv)
    _check_source(flags, beam_flags)
    check_exports(flags)
    return flags


def _check_source(flags: argparse.Namespace, beam_flags: Sequence[str]) -> None:
    given = [
        name
        for name in ("model", "data", "baseline", "predictions", "schema")
        if getattr(flags, name) is not None
    ]
    by_model = {"model", "data"} <= set(given) <= {"model", "data", "baseline"}
    by_predictions = "predictions" in given and set(given) <= {
        "predictions",
        "schema",
    }
    if not (by_model and not beam_flags) and not by_predictions:
        raise ValueError(
            "Either `--model` and `--data` must be given, or `--predictions`, "
            "which alone runs on Beam. Received: "
            f"{', '.join(given) or 'none'}"
            f"{', Beam flags' if beam_flags else ''}"
        )
    if flags.examples is not None and not by_model:
        raise ValueError(
            "`--examples` needs `--model` and `--data`, because predictions "
            f"hold no features to show. Received: examples={flags.examples}"
        )
    if flags.example_feature and flags.examples is None:
        raise ValueError(
            "`--example-feature` needs `--examples N` beside it. Received: "
            f"example_feature={', '.join(flags.example_feature)}"
        )
