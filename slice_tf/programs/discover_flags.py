"""The flags of `slice-tf discover`."""

import argparse
import pathlib
from collections.abc import Sequence

from slice_tf.programs.flags import FlagParser, positive_int


def parse(argv: Sequence[str], beam_flags: Sequence[str]) -> argparse.Namespace:
    """Reads and checks a command line; exits where flags do not fit."""
    parser = FlagParser(
        "discover",
        "Finds groups of examples that a model gets wrong, measured on a half "
        "of them that did not help to find it. With --accept, writes a slicing "
        "function for one of them, for `slice-tf apply`: its rule, or with "
        "--feature its region. With --score, Apache Beam says of any number of "
        "examples how much they are in each; its flags follow after `--`.",
    )
    add, directory = parser.add_argument, pathlib.Path
    add(
        "--predictions",
        type=directory,
        help=".npz with embeddings [rows, dim], labels [rows] and "
        "probabilities [rows, classes]",
    )
    add(
        "--data",
        help="sliced directory or TFRecords, instead of --predictions; with "
        "--model",
    )
    add(
        "--model",
        help="whose errors they are: a directory of `slice-tf train`, or, with "
        "--feature and --embed-with, what --embed-with takes",
    )
    add(
        "--embed-with",
        metavar="MODEL",
        help="what embeds examples: a .keras file, a SavedModel, an address "
        "of TensorFlow Hub, or module:function; the backbone of a directory "
        "of `slice-tf train` where it is left out",
    )
    add(
        "--feature",
        metavar="FEATURE",
        action="append",
        default=[],
        help="a feature that models read, such as image=float32:28x28; may be "
        "repeated. With --accept, the name of the one that is the embedding "
        "or that the encoder encodes; none to accept the rule",
    )
    add(
        "--sample",
        type=positive_int,
        metavar="N",
        help="rows of --data to find slices in, of each class by its share; "
        "all where it is left out",
    )
    add("--label", default="label", help="feature with the class")
    add("--num-classes", type=positive_int, default=2, help="of the labels")
    add(
        "--output-dir",
        type=directory,
        required=True,
        help="where discovered.json is written, or was",
    )
    add("--num-slices", type=positive_int, default=5, help="most to report")
    add("--seed", type=int, default=0, help="of halves and of the slicer")
    add(
        "--show",
        metavar="ARRAY",
        action="append",
        default=[],
        help="array of --predictions [rows, ...] whose values are kept of the "
        "clearest errors of a slice, such as text or images; may be repeated",
    )
    add(
        "--describe",
        metavar="COLUMN",
        action="append",
        default=[],
        help="array of --predictions [rows], or feature of --data such as "
        "text=string, that may say what a slice is; may be repeated",
    )
    add("--phrases", type=directory, help="text file, a candidate a line")
    add(
        "--embed-phrases-with",
        metavar="MODEL",
        help="what embeds phrases where examples are; as --embed-with",
    )
    add("--split", metavar="FOUND", help="a found slice to make two of")
    add(
        "--accept",
        metavar="FOUND",
        action="append",
        help="a found slice, such as found_0; repeat it to make one of several",
    )
    add("--name", help="name of the new slice; with --accept")
    add(
        "--encoder",
        default="",
        help="module:function that returns an encoder; with --accept",
    )
    add("--functions", type=directory, help=".py to write; with --accept")
    add(
        "--score",
        metavar="TFRECORDS",
        help="a path, a directory or a quoted pattern of examples to score, "
        "here or on gs:// and the like; with what embedded them: --model, "
        "--embed-with, or the --feature that is the embedding",
    )
    add(
        "--scores-dir",
        help="where scores are written: new, empty, or of this job",
    )
    add(
        "--overwrite",
        action="store_true",
        help="remove the scores of an earlier run first",
    )
    add(
        "--workers",
        type=positive_int,
        default=1,
        help="processes that score on this machine, unless Beam's flags name "
        "a runner",
    )
    flags = parser.parse(argv)
    _check(flags, beam_flags, parser)
    return flags


def _check(
    flags: argparse.Namespace, beam_flags: Sequence[str], parser: FlagParser
) -> None:
    wanted = ("name", "functions") if flags.accept else ()
    missing = [f"--{one}" for one in wanted if getattr(flags, one) is None]
    if missing:
        parser.error(f"--accept needs {', '.join(missing)} beside it")
    if flags.encoder and not flags.feature:
        parser.error("--encoder needs --feature, which it encodes")
    if flags.accept and len(flags.feature) > 1:
        parser.error("--accept takes one --feature")
    _check_source(flags, parser)
    _check_together(flags, parser, "phrases", "embed_phrases_with")
    _check_together(flags, parser, "score", "scores_dir")
    if beam_flags and flags.score is None:
        parser.error("Beam's flags, after `--`, need --score")
    if flags.overwrite and flags.score is None:
        parser.error("--overwrite needs --score")
    if flags.sample is not None and flags.data is None:
        parser.error("--sample needs --data")


def _check_source(flags: argparse.Namespace, parser: FlagParser) -> None:
    by_model = flags.data is not None and flags.model is not None
    given = [flags.predictions is not None, by_model, bool(flags.accept)]
    # What was found before can be scored without finding it again.
    none = flags.data is None and flags.score is not None and not any(given)
    if not none and (
        sum(given) != 1
        or (flags.data is not None and flags.model is None)
        or (flags.accept and flags.score is not None)
    ):
        parser.error(
            "pass either --predictions, or --data and --model, or --accept, "
            "or --score"
        )


def _check_together(
    flags: argparse.Namespace, parser: FlagParser, one: str, other: str
) -> None:
    if (getattr(flags, one) is None) != (getattr(flags, other) is None):
        names = [f"--{name.replace('_', '-')}" for name in (one, other)]
        parser.error(f"{names[0]} and {names[1]} go together")
