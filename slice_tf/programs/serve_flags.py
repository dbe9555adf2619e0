"""The flags of `slice-tf serve`."""

import argparse
import math
import pathlib
from collections.abc import Sequence
from typing import Any

from slice_tf.programs.flags import FlagParser, number, positive_int

_MAX_PORT = (1 << 16) - 1
_IN_RANGE = "a number in range"


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Returns the flags; exits with status 2 where they are wrong."""
    parser = FlagParser(
        "serve",
        "Serves models over REST and gRPC, as TensorFlow Serving does. Stops "
        "on SIGTERM or Ctrl-C.",
    )
    add = parser.add_argument
    add(
        "--base-dir",
        type=pathlib.Path,
        help="directory of versions that `slice-tf publish` fills",
    )
    add("--name", help="name of the model in requests")
    add(
        "--models-config",
        type=pathlib.Path,
        metavar="FILE",
        help="TensorFlow Serving's models.config, for several models, chosen "
        "versions or labels; in place of --base-dir and --name",
    )
    add(
        "--rest-port",
        type=_port,
        default=8501,
        help="of the REST API; 0 takes a free one",
    )
    add(
        "--grpc-port",
        type=_port,
        default=8500,
        help="of gRPC; 0 takes a free one",
    )
    add(
        "--host",
        default="127.0.0.1",
        help="address to listen at; open it to others only with --tls-key and "
        "--token-file, or behind a proxy",
    )
    add(
        "--poll-seconds",
        type=_seconds,
        default=1.0,
        help="how often to look for new versions; 0 stands for never",
    )
    add(
        "--models-config-poll-seconds",
        type=_seconds,
        default=0.0,
        help="how often to look at --models-config again; 0, the default, "
        "stands for never",
    )
    add(
        "--workers",
        type=positive_int,
        default=1,
        help="processes that answer at the same ports, each with the models "
        "in memory of its own",
    )
    add(
        "--model-threads",
        type=_count,
        default=1,
        help="threads that one operation of a model may use; 0 stands for all "
        "cores",
    )
    _add_security(parser)
    _add_telemetry(parser)
    flags = parser.parse(argv)
    _check(parser, flags)
    return flags


def _add_security(parser: FlagParser) -> None:
    add = parser.add_argument
    file: dict[str, Any] = {"type": pathlib.Path, "metavar": "FILE"}
    add("--tls-key", **file, help="private key, PEM; for both ports")
    add("--tls-certificate", **file, help="certificate, PEM")
    add(
        "--tls-client-ca",
        **file,
        help="answer only clients with a certificate of this authority",
    )
    add(
        "--token-file",
        **file,
        help="answer only requests with `Authorization: Bearer` and the "
        "content of this file",
    )


def _add_telemetry(parser: FlagParser) -> None:
    add = parser.add_argument
    add(
        "--watch-slices",
        action="store_true",
        help="count in the metrics which slices the model takes examples to "
        "be in",
    )
    add(
        "--log-dir",
        type=pathlib.Path,
        help="log a sample of requests there, as TFRecords of PredictionLog",
    )
    add(
        "--log-rate",
        type=_share,
        default=0.01,
        help="share of requests to log, above 0 and at most 1",
    )
    add(
        "--log-input",
        action="append",
        default=[],
        metavar="NAME",
        help="an input to log, which are none by default; repeatable",
    )


def _check(parser: FlagParser, flags: argparse.Namespace) -> None:
    one = flags.base_dir is not None and flags.name is not None
    any_of_one = flags.base_dir is not None or flags.name is not None
    if one == (flags.models_config is not None) or (any_of_one and not one):
        parser.error("pass either --base-dir and --name, or --models-config")
    if flags.models_config_poll_seconds and flags.models_config is None:
        parser.error("--models-config-poll-seconds needs --models-config")
    if (flags.tls_key is None) != (flags.tls_certificate is None):
        parser.error("--tls-key and --tls-certificate go together")
    if flags.tls_client_ca is not None and flags.tls_key is None:
        parser.error("--tls-client-ca needs --tls-key")


def _seconds(text: str) -> float:
    return number(text, lambda one: 0 <= one < math.inf, _IN_RANGE)


def _count(text: str) -> int:
    return int(
        number(text, lambda one: one >= 0 and one.is_integer(), _IN_RANGE)
    )


def _share(text: str) -> float:
    return number(text, lambda one: 0 < one <= 1, _IN_RANGE)


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdecimal() else -1
    if not 0 <= port <= _MAX_PORT:
        raise argparse.ArgumentTypeError(
            f"must be a port from 0 to {_MAX_PORT}. Received: {text}"
        )
    return port
