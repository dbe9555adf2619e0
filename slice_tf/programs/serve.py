"""`slice-tf serve`: TensorFlow Serving's API on one host."""

import argparse
import pathlib
import signal
from collections.abc import Sequence

from slice_tf.programs.flags import FlagParser

_MAX_PORT = (1 << 16) - 1


def main(argv: Sequence[str]) -> int:
    """Serves the newest version until SIGTERM or Ctrl-C."""
    parser = FlagParser(
        "serve",
        "Serves the newest version of a model over REST and gRPC, as "
        "TensorFlow Serving does. Stops on SIGTERM or Ctrl-C.",
    )
    add = parser.add_argument
    add(
        "--base-dir",
        required=True,
        type=pathlib.Path,
        help="directory of versions that `slice-tf publish` fills",
    )
    add("--name", required=True, help="name of the model in requests")
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
        help="address to listen at; there is no authentication, so open it "
        "to others only behind a proxy",
    )
    flags = parser.parse(argv)

    from slice_tf_serving.versions import newest_version

    newest_version(flags.base_dir)  # Fails before TensorFlow is loaded.

    from slice_tf_serving import ModelServer

    server = ModelServer(
        flags.base_dir, flags.name, flags.rest_port, flags.grpc_port, flags.host
    )
    with server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.request_stop())
        host = f"[{flags.host}]" if ":" in flags.host else flags.host
        rest = f"http://{host}:{server.rest_port}/v1/models/{flags.name}"
        print(f"REST ready: {rest}", flush=True)  # noqa: T201
        grpc = f"grpc://{host}:{server.grpc_port}"
        print(f"gRPC ready: {grpc}", flush=True)  # noqa: T201
        server.wait()
    return 0


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdecimal() else -1
    if not 0 <= port <= _MAX_PORT:
        raise argparse.ArgumentTypeError(
            f"must be a port from 0 to {_MAX_PORT}. Received: {text}"
        )
    return port
