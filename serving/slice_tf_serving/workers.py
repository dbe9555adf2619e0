"""Several processes that answer at the same ports."""

import contextlib
import logging
import multiprocessing
import signal
import tempfile
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import connection
from types import FrameType, TracebackType
from typing import Any

from slice_tf_serving.model_config import ModelConfig
from slice_tf_serving.ports import held
from slice_tf_serving.shared_states import SharedStates

logger = logging.getLogger("slice_tf.serving")

_CONTEXT = multiprocessing.get_context("spawn")
_LOOK_SECONDS = 0.2
_PAUSE_SECONDS = 1.0  # before a worker that has died is replaced


class Workers:
    """Runs one `ModelServer` in each of several processes.

    Each holds the models in memory of its own, looks for new versions by
    itself, and takes those connections that the kernel gives it. A caller
    who keeps one connection is always answered by one worker. Whichever is
    asked, a version is available once all of them serve it. One that dies is
    replaced; the others go on.

    Args:
        models: What to serve.
        count: Number of processes.
        host: Address to listen at.
        rest_port: Port of the REST API; 0 takes a free one.
        grpc_port: Port of gRPC; 0 takes a free one.
        arguments: Others of `ModelServer`.

    Attributes:
        rest_port: The REST port.
        grpc_port: The gRPC port.

    Raises:
        OSError: If a port is in use.
        ValueError: If the count is not positive, or `allow_reload` is true.
    """

    def __init__(
        self,
        models: Sequence[ModelConfig],
        count: int,
        *,
        host: str = "127.0.0.1",
        rest_port: int = 0,
        grpc_port: int = 0,
        **arguments: Any,
    ) -> None:
        if count < 1:
            raise ValueError(
                f"`count` must be positive. Received: count={count}"
            )
        if arguments.get("allow_reload"):
            raise ValueError(
                "Workers must read their configuration from a file, because a "
                "request reaches one of them only. Received: "
                "allow_reload=True. Pass `config_file` instead."
            )
        self._models = tuple(models)
        self._held = [held(host, port) for port in (rest_port, grpc_port)]
        self.rest_port, self.grpc_port = (
            one.getsockname()[1] for one in self._held
        )
        self._directory = tempfile.TemporaryDirectory(prefix="slice-tf-")
        self._arguments = {
            **arguments,
            "host": host,
            "rest_port": self.rest_port,
            "grpc_port": self.grpc_port,
            "shared_dir": self._directory.name,
        }
        self._count = count
        self._processes: list[Any] = []
        self._stopping = threading.Event()

    def start(self) -> None:
        """Starts the workers; returns when all of them answer.

        Raises:
            ValueError: If one cannot start.
        """
        started = [self._started() for _ in range(self._count)]
        self._processes = [process for process, _ in started]
        for process, ready in started:
            with contextlib.suppress(EOFError):
                error = ready.recv()
                if not error:
                    continue
                self.stop()
                raise ValueError(error)
            self.stop()
            raise ValueError(
                "A worker must start to serve. "
                f"Received: pid={process.pid}, exitcode={process.exitcode}"
            )

    def wait(self) -> None:
        """Replaces workers that die until `request_stop` is called."""
        while not self._stopping.is_set():
            dead = connection.wait(
                [one.sentinel for one in self._processes], _LOOK_SECONDS
            )
            for one in [p for p in self._processes if p.sentinel in dead]:
                if self._stopping.wait(_PAUSE_SECONDS):
                    return
                logger.error("worker %d died: %s", one.pid, one.exitcode)
                self._processes.remove(one)
                SharedStates(self._directory.name).forget(one.pid)
                self._processes.append(self._started()[0])

    def request_stop(self) -> None:
        """Lets `wait` return; may be called from a signal handler."""
        self._stopping.set()

    def stop(self) -> None:
        """Lets every worker answer what has arrived, and ends them."""
        self._stopping.set()
        for process in self._processes:
            if process.is_alive():
                process.terminate()
        for process in self._processes:
            process.join()
        for one in self._held:
            one.close()
        self._directory.cleanup()

    def __enter__(self) -> "Workers":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        return [process.pid for process in self._processes]

    def _started(self) -> tuple[Any, Any]:
        ready, tell = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(
            target=_work,
            args=(
                self._models,
                self._arguments,
                logger.getEffectiveLevel(),
                tell,
            ),
        )
        process.start()
        tell.close()
        return process, ready


def _work(
    models: Sequence[ModelConfig],
    arguments: Mapping[str, Any],
    log_level: int,
    tell: Any,
) -> None:
    """Serves until SIGTERM, or until the parent is gone."""
    logging.basicConfig(
        format="%(levelname)s %(name)s[%(process)d]: %(message)s"
    )
    logger.setLevel(log_level)
    from slice_tf_serving.server import ModelServer

    server = ModelServer.of_models(models, **arguments)

    def end(number: int, frame: FrameType | None) -> None:
        server.request_stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent has it, too.
    threading.Thread(target=_follow, args=(server,), daemon=True).start()
    try:
        server.start()
    except (OSError, ValueError) as error:
        tell.send(str(error))
        return
    tell.send("")
    server.wait()
    server.stop()


def _follow(server: Any) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        server.request_stop()
