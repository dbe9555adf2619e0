"""A resource that all processes of a machine share: one serves the others.

The server is an ordinary process, started by whoever comes first and ended
with the last one who is connected. A file lock orders comings and goings, so
nobody meets a server that is about to leave.
"""

import base64
import contextlib
import fcntl
import hashlib
import multiprocessing.connection as connections
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from slice_tf.slicing.resource_error import ResourceError

# Servers that this process started, kept so that Python does not complain of
# processes that outlive their objects.
_servers: list[subprocess.Popen[bytes]] = []


class Remote:
    """Stands for a resource that another process holds.

    Calls and methods go there; attributes that are no methods do not.

    Args:
        resource: The `Resource`.

    Raises:
        ResourceError: If the server cannot load it; the message is its own.
    """

    def __init__(self, resource: Any) -> None:
        self._resource = resource
        self._lock = threading.Lock()
        self._dial()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("__call__", args, kwargs)

    def __getattr__(self, method: str) -> Any:
        if method.startswith("__"):
            raise AttributeError(method)
        return lambda *args, **kwargs: self._ask(method, args, kwargs)

    def _dial(self) -> None:
        self._connection: Any = _connect(self._resource)
        self._pid = os.getpid()

    def _ask(self, *call: Any) -> Any:
        with self._lock:
            if self._connection is None or self._pid != os.getpid():
                self._dial()
            try:
                self._connection.send(call)
                failed, answer = self._connection.recv()
            except (EOFError, ConnectionError) as error:
                self._connection = None
                raise ResourceError(
                    "The process that holds a shared resource must stay "
                    f"alive. Received: resource={self._resource.key}, "
                    f"error={type(error).__name__}. The next call starts "
                    "another."
                ) from error
        if failed:
            raise answer
        return answer


def _connect(resource: Any) -> Any:
    """Returns a connection to the server, which is started if none runs."""
    socket = _socket_of(resource.key)
    with locked(socket):
        try:
            return _greeted(socket)
        except (FileNotFoundError, ConnectionError, EOFError):
            socket.unlink(missing_ok=True)
        _start(resource, socket)
        return _greeted(socket)


def _greeted(socket: pathlib.Path) -> Any:
    """Returns a connection to a server that has counted us."""
    connection = connections.Client(str(socket))
    connection.recv()
    return connection


def _start(resource: Any, socket: pathlib.Path) -> None:
    """Starts a server and waits until it listens, or says why not."""
    incoming, outgoing = os.pipe()
    payload = base64.b64encode(pickle.dumps(resource)).decode()
    server, pipe = "slice_tf.slicing.machine_server", str(outgoing)
    with os.fdopen(incoming, "rb") as answers:
        with os.fdopen(outgoing, "wb"):
            process = subprocess.Popen(
                [sys.executable, "-m", server, str(socket), payload, pipe],
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                pass_fds=[outgoing],
                start_new_session=True,
            )
        _servers.append(process)
        answer = answers.read().decode()
    if answer != "ready":
        raise ResourceError(answer or "its process ended while loading it")


def _socket_of(key: str) -> pathlib.Path:
    """Returns the address of a resource, in a directory only we can enter."""
    name = f"slice-tf-{os.getuid()}"
    directory = pathlib.Path(tempfile.gettempdir()) / name
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ResourceError(
            "The directory of shared resources must be this user's alone. "
            f"Received: directory={directory}, "
            f"mode={status.st_mode & 0o777:o}"
        )
    digest = hashlib.sha256(f"{sys.executable}\0{key}".encode()).hexdigest()
    return directory / digest[:16]


@contextlib.contextmanager
def locked(socket: pathlib.Path) -> Iterator[None]:
    """Holds the lock of an address against all other processes."""
    with open(socket.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
