"""What Beam logs that says nothing to the user of a local job.

This file imports nothing of Beam, as one line is logged by importing it.
"""

import logging

_RUNNERS = "apache_beam.runners"
# Logger to the start of a message.
_NOISE = {
    # Importing Beam without its `gcp` extra.
    None: "apitools not found",
    # Our own worker processes are not Beam's `multi_processing` mode.
    f"{_RUNNERS}.portability.fn_api_runner.fn_runner": (
        "If direct_num_workers is not equal to 1"
    ),
    # There is no pickled main session: workers import what they need.
    f"{_RUNNERS}.worker.sdk_worker_main": "No semi_persistent_directory",
    # A worker died: its thread raises the same, and `LocalWorkers` tells why.
    f"{_RUNNERS}.worker.data_plane": "Failed to read inputs in the data plane",
    f"{_RUNNERS}.portability.fn_api_runner.worker_handlers": (
        "Error closing worker_handler"
    ),
}
# Repeats what worker processes wrote to stderr already.
_ECHO = f"{_RUNNERS}.portability.local_job_service"


def quiet_beam() -> None:
    """Silences lines of Beam that tell of no trouble; others still show."""
    for name, start in _NOISE.items():
        logging.getLogger(name).addFilter(_StartsOtherwise(start))
    logging.getLogger(_ECHO).setLevel(logging.CRITICAL)


class _StartsOtherwise(logging.Filter):
    """Drops records whose message starts with a text."""

    def __init__(self, start: str) -> None:
        super().__init__()
        self.start = start

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(self.start)
