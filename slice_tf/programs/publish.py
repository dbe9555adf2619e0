"""`slice-tf publish`: a SavedModel where a model server picks it up."""

import pathlib
from collections.abc import Sequence

from slice_tf.programs.flags import FlagParser, positive_int


def main(argv: Sequence[str]) -> int:
    """Publishes an export as the next version and prints its path."""
    parser = FlagParser(
        "publish",
        "Copies an export to the next version of a model, at once or not at "
        "all.",
    )
    add = parser.add_argument
    add(
        "--saved-model",
        required=True,
        type=pathlib.Path,
        help="what `slice-tf export` wrote",
    )
    add(
        "--base-dir",
        required=True,
        type=pathlib.Path,
        help="directory of versions that a model server watches",
    )
    add(
        "--version",
        type=positive_int,
        help="number of the version; by default the next",
    )
    flags = parser.parse(argv)

    from slice_tf_serving import publish

    path = publish(flags.saved_model, flags.base_dir, flags.version)
    print(f"version: {path}")  # noqa: T201 - results go to stdout
    return 0
