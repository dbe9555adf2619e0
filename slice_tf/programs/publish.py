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
        "--base-dir",
        required=True,
        type=pathlib.Path,
        help="directory of versions that a model server watches",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--saved-model",
        type=pathlib.Path,
        help="what `slice-tf export` wrote",
    )
    source.add_argument(
        "--rollback",
        action="store_true",
        help="publish an earlier version again: --version, or the one before "
        "the newest",
    )
    add(
        "--version",
        type=positive_int,
        help="number of the version, by default the next; with --rollback, "
        "the version to go back to",
    )
    add(
        "--keep",
        type=positive_int,
        help="number of versions to keep, by default all",
    )
    flags = parser.parse(argv)
    if flags.rollback and flags.keep is not None:
        parser.error("--rollback keeps all versions: leave out --keep")

    from slice_tf_serving import publish, rollback

    path = (
        rollback(flags.base_dir, flags.version)
        if flags.rollback
        else publish(
            flags.saved_model, flags.base_dir, flags.version, keep=flags.keep
        )
    )
    print(f"version: {path}")  # noqa: T201 - results go to stdout
    return 0
