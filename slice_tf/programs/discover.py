"""`slice-tf discover`: what a model gets wrong, as slices to accept."""

import argparse
import logging
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slice_tf.programs.flags import FlagParser, positive_int

if TYPE_CHECKING:
    from slice_tf.discovery.held_out import Discovery

logger = logging.getLogger("slice_tf.discover")

_ARRAYS = ("embeddings", "labels", "probabilities")


def main(argv: Sequence[str]) -> int:
    """Finds slices, or writes a slicing function for one that was found."""
    flags = _parse(argv)
    if flags.accept is not None:
        return _accept(flags)
    from slice_tf.discovery.discovered import save_discovery
    from slice_tf.discovery.held_out import discover
    from slice_tf.discovery.look import with_examples
    from slice_tf.discovery.mixture_slicer import MixtureSlicer

    slicer = MixtureSlicer(flags.num_slices, random_state=flags.seed)
    (embeddings, labels, probabilities), shown = _read(
        flags.predictions, flags.show
    )
    found = discover(embeddings, labels, probabilities, slicer)
    if shown:
        found = with_examples(found, shown, labels, probabilities)
    path = save_discovery(flags.output_dir, found)
    _show(found)
    logger.info("wrote %s", path)
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = FlagParser(
        "discover",
        "Finds groups of examples that a model gets wrong, measured on a half "
        "of them that did not help to find it. With --accept, writes a slicing "
        "function for one of them, for `slice-tf apply`.",
    )
    add, directory = parser.add_argument, pathlib.Path
    add(
        "--predictions",
        type=directory,
        help=".npz with embeddings [rows, dim], labels [rows] and "
        "probabilities [rows, classes]",
    )
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
    add("--accept", metavar="FOUND", help="a found slice, such as found_0")
    add("--name", help="name of the new slice; with --accept")
    add(
        "--feature",
        help="feature of the examples that is the embedding, or what the "
        "encoder encodes; with --accept",
    )
    add(
        "--encoder",
        default="",
        help="module:function that returns an encoder; with --accept",
    )
    add("--functions", type=directory, help=".py to write; with --accept")
    flags = parser.parse(argv)
    wanted = ("name", "feature", "functions") if flags.accept else ()
    missing = [f"--{one}" for one in wanted if getattr(flags, one) is None]
    if missing:
        parser.error(f"--accept needs {', '.join(missing)} beside it")
    if (flags.predictions is None) == (flags.accept is None):
        parser.error("pass either --predictions or --accept")
    return flags


def _read(
    path: pathlib.Path, shown: Sequence[str]
) -> tuple[list[Any], dict[str, Any]]:
    """Returns the arrays that are needed, and those to show by name."""
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        missing = [name for name in (*_ARRAYS, *shown) if name not in file]
        if missing:
            raise ValueError(
                "Predictions must hold embeddings, labels and probabilities, "
                "and what is to be shown. "
                f"Received: predictions={path}, missing={', '.join(missing)}"
            )
        needed = [file[name] for name in _ARRAYS]
        return needed, {name: file[name] for name in shown}


def _accept(flags: argparse.Namespace) -> int:
    from slice_tf.discovery.propose import accept

    paths = accept(
        flags.output_dir,
        flags.accept,
        flags.name,
        flags.feature,
        flags.functions,
        flags.encoder,
    )
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
    rest = found.slices[0].rest_error_rate
    print(  # noqa: T201 - results go to stdout
        f"of {found.num_rows:,} rows, half held out; elsewhere "
        f"{_percent(rest)} % errors"
    )


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f}"
