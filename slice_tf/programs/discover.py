"""`slice-tf discover`: what a model gets wrong, as slices to accept."""

import argparse
import logging
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slice_tf.programs.discover_data import Examples, read_examples
from slice_tf.programs.encoders import load_encoder
from slice_tf.programs.flags import FlagParser, positive_int

if TYPE_CHECKING:
    from slice_tf.discovery import Discovery, FoundSlice

logger = logging.getLogger("slice_tf.discover")


def main(argv: Sequence[str]) -> int:
    """Finds slices, or writes a slicing function for one that was found."""
    flags = _parse(argv)
    if flags.accept is not None:
        return _accept(flags)
    from slice_tf.discovery import (
        MixtureSlicer,
        discover,
        load_discovery,
        save_discovery,
        split_slice,
    )

    examples = read_examples(flags)
    if flags.split is not None:
        before = load_discovery(flags.output_dir)
        _check_rows(before, examples)
        found = split_slice(before, flags.split, *examples.predictions)
    else:
        slicer = MixtureSlicer(flags.num_slices, random_state=flags.seed)
        found = discover(*examples.predictions, slicer)
    path = save_discovery(flags.output_dir, _told(found, examples, flags))
    _show(load_discovery(flags.output_dir))
    logger.info("wrote %s", path)
    return 0


def _told(
    found: "Discovery", examples: Examples, flags: argparse.Namespace
) -> "Discovery":
    """Returns what was found with what there is to say of it."""
    from slice_tf.discovery import with_examples, with_phrases, with_rules

    def named(asked: Sequence[str]) -> dict[str, Any]:
        names = [one.partition("=")[0] for one in asked]
        return {name: examples.columns[name] for name in names}

    _, *predicted = examples.predictions
    if flags.show:
        found = with_examples(found, named(flags.show), *predicted)
    if flags.describe or examples.membership:
        columns = named(flags.describe)
        found = with_rules(
            found, columns, *examples.predictions, examples.membership
        )
    if flags.phrases is not None:
        embed = load_encoder(flags.embed_phrases_with)
        lines = flags.phrases.read_text(encoding="utf-8").splitlines()
        phrases = [line.strip() for line in lines if line.strip()]
        found = with_phrases(
            found,
            phrases,
            lambda texts: embed({"text": np.array(texts)}),
            *examples.predictions,
        )
    return found


def _check_rows(before: "Discovery", examples: Examples) -> None:
    if before.num_rows != len(examples.embeddings):
        raise ValueError(
            "A slice must be split with the rows that it was found in. "
            f"Received: rows={len(examples.embeddings)}, expected="
            f"{before.num_rows}"
        )


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = FlagParser(
        "discover",
        "Finds groups of examples that a model gets wrong, measured on a half "
        "of them that did not help to find it. With --accept, writes a slicing "
        "function for one of them, for `slice-tf apply`: its rule, or with "
        "--feature its region.",
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
        "examples nearest to a slice, such as text or images; may be repeated",
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
    flags = parser.parse(argv)
    _check(flags, parser)
    return flags


def _check(flags: argparse.Namespace, parser: FlagParser) -> None:
    wanted = ("name", "functions") if flags.accept else ()
    missing = [f"--{one}" for one in wanted if getattr(flags, one) is None]
    if missing:
        parser.error(f"--accept needs {', '.join(missing)} beside it")
    if flags.accept and len(flags.feature) > 1:
        parser.error("--accept takes one --feature")
    by_model = flags.data is not None and flags.model is not None
    given = [flags.predictions is not None, by_model, bool(flags.accept)]
    if sum(given) != 1 or (flags.data is None) != (flags.model is None):
        parser.error(
            "pass either --predictions, or --data and --model, or --accept"
        )
    if (flags.phrases is None) != (flags.embed_phrases_with is None):
        parser.error("--phrases and --embed-phrases-with go together")


def _accept(flags: argparse.Namespace) -> int:
    from slice_tf.discovery import accept, accept_rule

    given = flags.output_dir, flags.accept, flags.name
    if flags.feature:
        feature = flags.feature[0].partition("=")[0]
        paths = accept(*given, feature, flags.functions, flags.encoder)
    else:
        paths = accept_rule(*given, flags.functions)
    for path in paths:
        print(path)  # noqa: T201 - results go to stdout
    return 0


def _show(found: "Discovery") -> None:
    from slice_tf.programs.tables import show_table

    if not found.slices:
        print("Nothing to find: no group has more errors than is usual.")  # noqa: T201
        return
    show_table(
        ["slice", "label", "held out", "errors, %", "95 %", "shrunken", ""],
        [
            [
                one.name,
                str(one.label),
                f"{one.size:,}",
                _percent(one.error_rate),
                f"{_percent(one.low)} - {_percent(one.high)}",
                _percent(one.shrunken_error_rate),
                "" if one.holds_up else "does not hold up",
            ]
            for one in found.slices
        ],
    )
    for one in found.slices:
        _say(one)
    rest = found.slices[0].rest_error_rate
    print(  # noqa: T201 - results go to stdout
        f"of {found.num_rows:,} rows, half held out; elsewhere "
        f"{_percent(rest)} % errors"
    )


def _say(one: "FoundSlice") -> None:
    """Prints a slice's sentence, rule and words, what there is of them."""
    lines = [one.description] if one.description else []
    if one.rule is not None:
        precision, recall = one.rule.precision.value, one.rule.recall.value
        lines.append(
            f"rule: {one.rule} (precision {_percent(precision)} %, recall "
            f"{_percent(recall)} %, errors "
            f"{_percent(one.rule.error_rate.value)} % of {one.rule.size:,})"
        )
    lines += [
        f"{told.condition}: {told.lift:.1f} times as often "
        f"({told.low:.1f} - {told.high:.1f})"
        for told in one.separations
    ]
    if one.phrases:
        lines.append("like: " + "; ".join(p.text for p in one.phrases))
    for line in lines:
        print(f"  {one.name}  {line}")  # noqa: T201 - results go to stdout


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f}"
