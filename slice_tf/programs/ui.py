"""`slice-tf ui`: results of a directory in a browser, to look at and review."""

import argparse
import logging
import pathlib
import signal
import threading
import webbrowser
from collections.abc import Sequence

from slice_tf.programs.flags import FlagParser

logger = logging.getLogger("slice_tf.ui")


def main(argv: Sequence[str]) -> int:
    """Serves pages until SIGTERM or Ctrl-C."""
    flags = _parse(argv)

    from slice_tf.report.rows import Rows
    from slice_tf.report.server import ReviewServer

    rows = None if flags.predictions is None else Rows(flags.predictions)
    stopped = threading.Event()
    with ReviewServer(flags.directory, flags.port, rows) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        print(server.access.address, flush=True)  # noqa: T201 - results
        logger.info("Ctrl-C ends; whoever has this address may write")
        if flags.open:
            webbrowser.open(server.access.address)
        stopped.wait()
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = FlagParser(
        "ui",
        "Shows the results and discovery runs in a directory in a browser of "
        "this machine, and writes what people say there, such as answers of "
        "audits, into the directory.",
    )
    add = parser.add_argument
    add("directory", type=pathlib.Path, help="where results.json files are")
    add("--port", type=_port, default=0, help="port; 0 for a free one")
    add(
        "--predictions",
        type=pathlib.Path,
        metavar="FILE",
        help="the .npz that `slice-tf discover` was given, to split groups on "
        "the page",
    )
    add("--open", action="store_true", help="open a browser")
    return parser.parse(argv)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 65536):
        raise argparse.ArgumentTypeError(
            f"must be a port from 0 to 65535. Received: {text}"
        )
    return int(text)
