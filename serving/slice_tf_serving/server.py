"""A model server in this process, for tests, notebooks and small loads."""

import asyncio
import concurrent.futures
import logging
import os
import pathlib
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import grpc

from slice_tf_serving.grpc_service import add_services
from slice_tf_serving.health import add_health
from slice_tf_serving.limits import Limits
from slice_tf_serving.model_config import ModelConfig, read_models_config
from slice_tf_serving.model_manager import ModelManager
from slice_tf_serving.ports import listening
from slice_tf_serving.request_log import LogSettings, RequestLog
from slice_tf_serving.rest.api import RestApp
from slice_tf_serving.rest.front import HttpFront
from slice_tf_serving.security import Tls, TokenInterceptor
from slice_tf_serving.service import Service
from slice_tf_serving.shared_files import SharedFiles
from slice_tf_serving.shared_states import SharedStates
from slice_tf_serving.telemetry import Telemetry
from slice_tf_serving.versions import newest_version

logger = logging.getLogger("slice_tf.serving")

_GRACE_SECONDS = 5
_SHARE_SECONDS = 1.0


class ModelServer:
    """Serves models over REST and gRPC.

    It speaks TensorFlow Serving's API. Versions are loaded and their warm-up
    requests are replayed before a port is opened, so that whoever can connect
    is answered; a version that comes later replaces the one before once it is
    as warm. Both fronts share one event loop in a thread of its own; requests
    that arrive together run as one batch.

    Args:
        base_dir: Directory of versions, as `publish` fills it.
        model_name: Name of the model in requests.
        rest_port: Port of the REST API; 0 takes a free one.
        grpc_port: Port of gRPC; 0 takes a free one.
        host: Address to listen at. The default can be reached from this host
            only: there is neither TLS nor authentication.
        limits: How large a request may be.
        poll_seconds: How often to look for new versions; 0 stands for never.
        allow_reload: Whether a caller may replace the configuration over
            gRPC. Whoever may can make the server run any model.
        tls: Key and certificates for both fronts; see `security.Tls`.
        token: What callers must send as `Authorization: Bearer TOKEN`.
        watch_slices: Whether to count, in the metrics, which slices the
            model takes examples to be in. The default signature then runs as
            `explain`.
        log: Where to log a sample of requests, if anywhere.
        model_threads: Threads that one operation of a model may use; 0 stands
            for all cores. One is the fastest for small models.
        config_file: A `models.config` to look at again, so that models come
            and go and labels move without a restart.
        config_poll_seconds: How often to look at it; 0 stands for never.
        shared_dir: Where to leave metrics and states for other processes
            that serve at the same ports; see `Workers`. `None` leaves the
            ports to this process alone.

    Attributes:
        models: What is served; see `of_models`.
        rest_port: The REST port, once the server has started.
        grpc_port: The gRPC port, once the server has started.
        tls: Key and certificates; `None` for plain connections.

    Raises:
        ValueError: If the model's name cannot stand in a URL, or a port is
            out of range or named twice.

    Example:
        with ModelServer("models/digits", "digits") as server:
            url = f"http://127.0.0.1:{server.rest_port}"
            Client(url, "digits").predict({"image": images})
    """

    def __init__(
        self,
        base_dir: str | os.PathLike[str],
        model_name: str,
        rest_port: int = 0,
        grpc_port: int = 0,
        host: str = "127.0.0.1",
        *,
        limits: Limits | None = None,
        poll_seconds: float = 1.0,
        allow_reload: bool = False,
        tls: Tls | None = None,
        token: str | None = None,
        watch_slices: bool = False,
        log: LogSettings | None = None,
        model_threads: int = 1,
        config_file: str | os.PathLike[str] | None = None,
        config_poll_seconds: float = 0.0,
        shared_dir: str | None = None,
    ) -> None:
        for name, port in (("rest_port", rest_port), ("grpc_port", grpc_port)):
            if not 0 <= port < 1 << 16:
                raise ValueError(
                    f"`{name}` must be a port, or 0 for a free one. "
                    f"Received: {name}={port}"
                )
        if rest_port and rest_port == grpc_port:
            raise ValueError(
                "REST and gRPC must listen at ports of their own. "
                f"Received: rest_port={rest_port}, grpc_port={grpc_port}"
            )
        if not poll_seconds >= 0:
            raise ValueError(
                "`poll_seconds` must not be negative. "
                f"Received: poll_seconds={poll_seconds}"
            )
        self.models: tuple[ModelConfig, ...] = (
            ModelConfig(model_name, pathlib.Path(base_dir)),
        )
        self.rest_port = rest_port
        self.grpc_port = grpc_port
        self.host = host
        self._limits = limits or Limits()
        self._poll_seconds = poll_seconds
        self._allow_reload = allow_reload
        self.tls = tls
        self._token = token
        self._watch_slices = watch_slices
        self._log = log
        self._model_threads = model_threads
        self._config_file = config_file
        self._config_poll_seconds = config_poll_seconds
        self._shared_dir = shared_dir
        self._is_draining = False
        self._manager: ModelManager | None = None
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @classmethod
    def of_models(
        cls, models: Sequence[ModelConfig], **arguments: Any
    ) -> "ModelServer":
        """Returns a server of several models, of chosen versions or labels.

        Args:
            models: What to serve, such as `read_models_config` returns.
            **arguments: Those of `ModelServer`, from `rest_port` on.

        Raises:
            ValueError: If there is no model, or a name stands there twice.
        """
        names = [one.name for one in models]
        if not names or len(set(names)) < len(names):
            raise ValueError(
                "A server must have models, each of a name of its own. "
                f"Received: names={names}"
            )
        server = cls(models[0].base_dir, models[0].name, **arguments)
        server.models = tuple(models)
        return server

    @property
    def version(self) -> int | None:
        """The newest version served of the first model; `None` if stopped."""
        name = self.models[0].name
        manager = self._manager
        return None if manager is None else manager.find(name).version

    def start(self) -> None:
        """Loads the models and opens the ports.

        Raises:
            FileNotFoundError: If a base directory holds no version.
            OSError: If a port is in use.
            RuntimeError: If the server has been started before.
            ValueError: If a version cannot be loaded.
        """
        if self._thread is not None:
            raise RuntimeError("A server is started once.")
        for model in self.models:
            newest_version(model.base_dir)
        is_shared = self._shared_dir is not None
        for port in (self.rest_port, self.grpc_port):
            # Fails before a long load.
            listening(self.host, port, is_shared).close()
        log = RequestLog(self._log) if self._log is not None else None
        shared = SharedFiles(self._shared_dir, "metrics")
        telemetry = Telemetry(self._watch_slices, log, shared)
        manager = ModelManager(
            self.models,
            self._limits,
            telemetry,
            self._model_threads,
            SharedStates(self._shared_dir),
        )
        try:
            manager.load()
        except BaseException:
            telemetry.close()
            raise
        service = Service(manager, self._limits, telemetry, self._allow_reload)
        self._manager = manager
        started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(
            target=self._run, args=(service, started), name="model-server"
        )
        self._thread.start()
        started.result()

    def request_stop(self) -> None:
        """Lets `wait` return; may be called from a signal handler."""
        self._stopping.set()

    def wait(self) -> None:
        """Blocks until `request_stop` is called or the server ends."""
        self._stopping.wait()

    def stop(self) -> None:
        """Answers what has arrived, then closes ports and frees the model."""
        self._stopping.set()
        if self._thread is not None:
            self._wake()
            self._thread.join()

    def __enter__(self) -> "ModelServer":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _wake(self) -> None:
        """Ends the event loop, unless it has ended by itself."""
        loop, event = self._loop, self._ending
        if loop is None or loop.is_closed():
            return
        try:
            loop.call_soon_threadsafe(event.set)
        except RuntimeError:  # closed in between
            return

    def _run(
        self,
        service: Service,
        started: "concurrent.futures.Future[None]",
    ) -> None:
        try:
            asyncio.run(self._serve(service, started))
        except BaseException as error:
            if started.done():
                logger.exception("the server ended")
            else:
                started.set_exception(error)
        finally:
            self._manager = None
            service.manager.close()
            service.telemetry.close()
            self._stopping.set()

    async def _serve(
        self,
        service: Service,
        started: "concurrent.futures.Future[None]",
    ) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        is_shared = self._shared_dir is not None
        with listening(self.host, self.rest_port, is_shared) as rest_socket:
            self.rest_port = rest_socket.getsockname()[1]
            grpc_server = self._grpc_server(service)
            front = HttpFront(RestApp(service, self._token), self._limits)
            await grpc_server.start()
            await front.start(
                rest_socket, None if self.tls is None else self.tls.context()
            )
            started.set_result(None)
            tasks = [
                asyncio.create_task(self._poll(service.manager)),
                asyncio.create_task(self._share(service.telemetry)),
                asyncio.create_task(self._watch_config(service.manager)),
            ]
            await self._ending.wait()
            self._is_draining = True
            for task in tasks:
                task.cancel()
            await asyncio.gather(
                front.stop(_GRACE_SECONDS),
                grpc_server.stop(_GRACE_SECONDS),
                asyncio.wait(tasks),
            )

    async def _poll(self, manager: ModelManager) -> None:
        while self._poll_seconds:
            await asyncio.sleep(self._poll_seconds)
            try:
                await manager.poll()
            except Exception:  # Such as a file system that is away.
                logger.exception("failed to look for versions")

    async def _share(self, telemetry: Telemetry) -> None:
        while self._shared_dir is not None:
            telemetry.share()
            await asyncio.sleep(_SHARE_SECONDS)

    async def _watch_config(self, manager: ModelManager) -> None:
        """Applies `models.config` whenever it changes, as a whole or not."""
        applied: Sequence[ModelConfig] = self.models
        told = ""
        while self._config_file is not None and self._config_poll_seconds:
            await asyncio.sleep(self._config_poll_seconds)
            try:
                wanted = read_models_config(self._config_file)
                if wanted != applied:
                    await manager.reload(wanted)
                    applied, told = wanted, ""
                    logger.info("took over %s", self._config_file)
            except Exception as error:  # What is served stays.
                if str(error) != told:
                    logger.error("cannot take over the models: %s", error)
                told = str(error)

    def _grpc_server(self, service: Service) -> Any:
        token = self._token
        server = grpc.aio.server(
            interceptors=[] if token is None else [TokenInterceptor(token)],
            options=[
                # Else a second server would share the port silently.
                ("grpc.so_reuseport", int(self._shared_dir is not None)),
                (
                    "grpc.max_receive_message_length",
                    self._limits.request_bytes,
                ),
                ("grpc.max_send_message_length", -1),
            ],
        )
        add_services(server, service)
        add_health(
            server,
            lambda: not self._is_draining and service.manager.is_available(),
        )
        address = f"{_bracketed(self.host)}:{self.grpc_port}"
        try:
            if self.tls is None:
                self.grpc_port = server.add_insecure_port(address)
            else:
                credentials = self.tls.credentials()
                self.grpc_port = server.add_secure_port(address, credentials)
        except RuntimeError as error:  # taken since it was tried
            raise OSError(f"Received: {address}, error={error}") from error
        return server


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
