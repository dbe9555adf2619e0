"""`slice-tf publish`: a SavedModel where a model server picks it up."""

import argparse
import os
import pathlib
from collections.abc import Sequence

from slice_tf.programs.flags import FlagParser, new_directory, positive_int


def main(argv: Sequence[str]) -> int:
    """Publishes an export as the next version and prints its path."""
    flags = _parse(argv)
    before = None if flags.plan_dir is None else _newest(flags.base_dir)
    version = _publish(flags)
    print(f"version: {version}")  # noqa: T201 - results go to stdout
    if before is not None:
        _write_plan(flags, before, int(version.rpartition("/")[2]))
    return 0


def _publish(flags: argparse.Namespace) -> str:
    """Returns the path or URL of the new version."""
    if "://" in flags.base_dir:
        from slice_tf_serving.deployment import publish_remote

        return publish_remote(
            flags.saved_model,
            flags.base_dir,
            flags.version,
            new_contract=flags.new_contract,
        )

    from slice_tf_serving import publish, rollback

    path = (
        rollback(flags.base_dir, flags.version)
        if flags.rollback
        else publish(
            flags.saved_model,
            flags.base_dir,
            flags.version,
            keep=flags.keep,
            new_contract=flags.new_contract,
        )
    )
    return path.as_posix()


def _newest(base_dir: str) -> int:
    """Returns the version that is served, from which a plan starts."""
    from slice_tf_serving.deployment.publish_remote import newest_remote_version
    from slice_tf_serving.versions import newest_version

    if "://" not in base_dir:
        return newest_version(base_dir)[0]
    newest = newest_remote_version(base_dir)
    if not newest:
        raise FileNotFoundError(
            "A plan must start from a version that is served. "
            f"Received: base_dir={base_dir}, versions=none"
        )
    return newest


def _write_plan(flags: argparse.Namespace, old: int, new: int) -> None:
    """Writes the `models.config` of each step, and says what to wait for."""
    from slice_tf.files import write_text
    from slice_tf_serving.deployment.canary import canary_plan, step_file

    directory = new_directory(flags.plan_dir)
    base = flags.server_base_dir or flags.base_dir
    if "://" not in base:  # Servers do not know from where this is run.
        base = os.path.abspath(base)
    for number, step in enumerate(canary_plan(flags.name, base, old, new), 1):
        path = step_file(directory, number)
        write_text(path, step.config)
        waited = " and ".join(map(str, step.available))
        print(  # noqa: T201 - results go to stdout
            f"{path}: {step.what}; wait until {waited} AVAILABLE"
        )


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = FlagParser(
        "publish",
        "Copies an export to the next version of a model, at once or not at "
        "all.",
    )
    _add_flags(parser)
    flags = parser.parse(argv)
    if flags.rollback and flags.keep is not None:
        parser.error("--rollback keeps all versions: leave out --keep")
    if "://" in flags.base_dir and (flags.rollback or flags.keep):
        parser.error(
            "an object store has no atomic rename, so that --rollback and "
            "--keep are for directories: let servers ask for `specific` "
            "versions (--plan-dir)"
        )
    if (flags.plan_dir is None) != (flags.name is None):
        parser.error("--plan-dir and --name go together")
    return flags


def _add_flags(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--base-dir",
        required=True,
        help="directory of versions that a model server watches, or a URL "
        "such as gs://bucket/digits",
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
    add(
        "--new-contract",
        action="store_true",
        help="publish even what breaks callers of the newest version: other "
        "inputs, outputs or slices",
    )
    add(
        "--plan-dir",
        type=pathlib.Path,
        help="new directory for the steps by which the version takes over: a "
        "models.config each, with the labels stable and canary",
    )
    add("--name", help="name of the model in those")
    add(
        "--server-base-dir",
        help="base directory as the server sees it, where that is another",
    )
