"""`slice-tf canary`: running servers along the steps of a plan."""

import argparse
import logging
import pathlib
from collections.abc import Sequence

from slice_tf.programs.client_flags import add_identity, identity
from slice_tf.programs.flags import FlagParser, positive_int, positive_number

logger = logging.getLogger("slice_tf.canary")


def main(argv: Sequence[str]) -> int:
    """Goes to a step and prints each that all servers have reached."""
    flags = _parse(argv)

    from slice_tf_serving.deployment import CanaryWalk

    walk = CanaryWalk(
        flags.plan_dir,
        flags.models_config,
        flags.server,
        reload=flags.reload,
        timeout=flags.timeout,
        **identity(flags),
    )
    start = walk.position
    to = flags.to or min(start + 1, walk.num_steps)
    reached = start if to < start else start - 1
    try:
        for reached in walk.walk(to):
            what = walk.describe(reached)
            print(f"step {reached} of {walk.num_steps}: {what}")  # noqa: T201
    except (OSError, ValueError):
        logger.warning("to go back, pass --to %d", max(reached, 1))
        raise
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = FlagParser(
        "canary",
        "Takes running servers from one step of a plan to the next: writes "
        "their models.config and waits until they serve what it says. Goes on "
        "where it was broken off.",
    )
    add = parser.add_argument
    add(
        "--plan-dir",
        type=pathlib.Path,
        required=True,
        help="what `slice-tf publish --plan-dir` wrote",
    )
    add(
        "--models-config",
        type=pathlib.Path,
        required=True,
        metavar="FILE",
        help="the file that the servers read; other models in it stay",
    )
    add(
        "--server",
        required=True,
        action="append",
        metavar="URL",
        help="grpc://host:port or http://host:port of a server; repeatable",
    )
    add(
        "--to",
        type=positive_int,
        metavar="STEP",
        help="step to go to, forth or back; by default the next",
    )
    add(
        "--reload",
        action="store_true",
        help="send the configuration to the servers over gRPC as well, where "
        "they do not look at the file again",
    )
    add(
        "--timeout",
        type=positive_number,
        default=300.0,
        help="seconds that the servers have for a step",
    )
    add_identity(parser)
    return parser.parse(argv)
