"""A worker process on this machine: Beam's, on a leash.

Run as `python -m slice_tf_beam.worker LEASH`, where LEASH is a named pipe
that the driver holds open. However the driver ends, the pipe ends with it,
and then the worker does, too.
"""

import logging
import os
import signal
import sys
import threading

from slice_tf_beam.beam_logs import quiet_beam


def main() -> None:
    """Serves the driver whose address stands in the environment."""
    # On Ctrl-C the driver decides when the worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leash = threading.Thread(target=_end_with, args=[sys.argv[1]], daemon=True)
    leash.start()
    _log_warnings()
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)


def _end_with(leash: str) -> None:
    """Ends the process when the driver lets go of the leash."""
    try:
        with open(leash, "rb") as stream:
            stream.read()
    finally:
        os._exit(1)


def _log_warnings() -> None:
    """Logs as `slice-tf` does; the level, since Beam sets the root's."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    logging.basicConfig(
        format="%(levelname)s %(name)s: %(message)s", handlers=[handler]
    )
    quiet_beam()


if __name__ == "__main__":
    main()
