"""The process that holds a resource which others share.

Run as `python -m slice_tf.slicing.machine_server SOCKET RESOURCE PIPE`.
"""

import base64
import contextlib
import multiprocessing.connection as connections
import os
import pathlib
import pickle
import signal
import sys
import threading
from typing import Any

from slice_tf.slicing.machine import locked

# Seconds after which a server leaves that nobody ever came to.
_PATIENCE = 60.0


def main(socket: str, resource: str, pipe: str) -> None:
    """Loads a resource, tells the one who waits, and serves."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(int(pipe), "w") as answer:
        try:
            value = pickle.loads(base64.b64decode(resource)).load()
            server = _Server(value, pathlib.Path(socket))
        except Exception as error:
            answer.write(f"{type(error).__name__}: {error}")
            return
        answer.write("ready")
    server.serve()


class _Server:
    """Answers calls, one at a time, until nobody is connected."""

    def __init__(self, value: Any, socket: pathlib.Path) -> None:
        self._value = value
        self._socket = socket
        self._listener = connections.Listener(str(socket), backlog=64)
        self._calling = threading.Lock()
        self._counting = threading.Lock()
        self._num_clients = 0

    def serve(self) -> None:
        patience = threading.Timer(_PATIENCE, self._leave_if_alone)
        patience.daemon = True
        patience.start()
        while True:
            client = self._listener.accept()
            with self._counting:
                self._num_clients += 1
            thread = threading.Thread(target=self._answer, args=[client])
            thread.daemon = True
            thread.start()

    def _answer(self, client: Any) -> None:
        with contextlib.suppress(EOFError, ConnectionError):
            client.send("welcome")
            while True:
                client.send_bytes(self._call(*client.recv()))
        with self._counting:
            self._num_clients -= 1
        self._leave_if_alone()

    def _call(self, method: str, args: Any, kwargs: Any) -> bytes:
        try:
            with self._calling:
                answer = getattr(self._value, method)(*args, **kwargs)
            return pickle.dumps((False, answer))
        except Exception as error:
            return _failure(error)

    def _leave_if_alone(self) -> None:
        with locked(self._socket), self._counting:
            if not self._num_clients:
                self._socket.unlink(missing_ok=True)
                os._exit(0)


def _failure(error: Exception) -> bytes:
    """Returns an exception as bytes that can surely be read again."""
    try:
        pickled = pickle.dumps((True, error))
        pickle.loads(pickled)
    except Exception:
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        return pickle.dumps((True, plain))
    return pickled


if __name__ == "__main__":
    main(*sys.argv[1:])
