"""Logs a sample of requests as TFRecords of `PredictionLog`.

Nothing here loads TensorFlow, so that a caller of any server can log.
"""

import contextlib
import dataclasses
import logging
import pathlib
import queue
import random
import threading
import time
from collections.abc import Mapping
from typing import Any

from slice_tf.data.framing import frame
from slice_tf_serving.client.api_messages import message
from slice_tf_serving.dtypes import Array, of_array
from slice_tf_serving.tensors import fill

logger = logging.getLogger("slice_tf.serving")

_SUFFIX = ".tfrecord"
_IDLE_SECONDS = 0.5


@dataclasses.dataclass(frozen=True)
class LogSettings:
    """What is logged, and where.

    Args:
        directory: Files go there. A file gets its name when it is whole;
            until then it is hidden.
        sampling_rate: Share of requests that are logged, above 0, at most 1.
        inputs: Names of the inputs that are logged. By default none: a
            request may hold what must not be kept.
        file_records: Records in a file, before the next is begun.
        file_seconds: Seconds that a file is written to, at most.
        waiting: Records that may wait to be written; more are dropped and
            counted, because a slow disk must not slow down answers.

    Raises:
        ValueError: If a number is out of range.
    """

    directory: pathlib.Path
    sampling_rate: float = 0.01
    inputs: tuple[str, ...] = ()
    file_records: int = 10_000
    file_seconds: float = 60.0
    waiting: int = 1000

    def __post_init__(self) -> None:
        if not 0 < self.sampling_rate <= 1:
            raise ValueError(
                "`sampling_rate` must be above 0 and at most 1. "
                f"Received: sampling_rate={self.sampling_rate}"
            )
        for name in ("file_records", "file_seconds", "waiting"):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"`{name}` must be positive. "
                    f"Received: {name}={getattr(self, name)}"
                )


class RequestLog:
    """Takes requests from the server and writes them in a thread.

    Args:
        settings: What is logged, and where.

    Attributes:
        num_logged: Records written.
    """

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._random = random.Random()
        self._queue: queue.Queue[_Entry | None] = queue.Queue(settings.waiting)
        self._file: _File | None = None
        self._thread = threading.Thread(
            target=self._write_all, name="request-log", daemon=True
        )
        self.num_logged = 0
        self._num_refused = 0  # by the server's thread
        self._num_failed = 0  # by the writer's
        settings.directory.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    @property
    def num_dropped(self) -> int:
        """Records that found no place or could not be written."""
        return self._num_refused + self._num_failed

    def is_sampled(self) -> bool:
        """Tells whether the next request is to be logged."""
        return self._random.random() < self._settings.sampling_rate

    def add(
        self,
        model: tuple[str, int, str],
        inputs: Mapping[str, Array],
        outputs: Mapping[str, Array],
    ) -> None:
        """Logs a predict request and its answer.

        Args:
            model: Name, version and signature.
            inputs: Arrays by name; those on the list are kept.
            outputs: Arrays by name.
        """
        kept = {
            name: inputs[name]
            for name in self._settings.inputs
            if name in inputs
        }
        try:
            entry = _Entry(model, kept, dict(outputs), int(time.time()))
            self._queue.put_nowait(entry)
        except queue.Full:
            self._num_refused += 1

    def close(self) -> None:
        """Writes what waits and gives the last file its name."""
        self._queue.put(None)
        self._thread.join()

    def _write_all(self) -> None:
        while True:
            try:
                entry = self._queue.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                self._rotate()
                continue
            if entry is None:
                self._finish()
                return
            self._write(entry)
            self._rotate()

    def _write(self, entry: "_Entry") -> None:
        try:
            record = entry.record(self._settings.sampling_rate)
            if self._file is None:
                self._file = _File(self._settings.directory)
            self._file.write(record)
            self.num_logged += 1
        except Exception as error:  # Such as a full disk: answers go on.
            self._num_failed += 1
            self._give_up(error)

    def _rotate(self) -> None:
        file, settings = self._file, self._settings
        if file is not None and (
            file.num_records >= settings.file_records
            or file.age >= settings.file_seconds
        ):
            self._finish()

    def _finish(self) -> None:
        try:
            if self._file is not None:
                self._file.finish()
            self._file = None
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Counts what was in the file among what could not be written."""
        file, self._file = self._file, None
        if file is not None:
            file.discard()
            self.num_logged -= file.num_records
            self._num_failed += file.num_records
        logger.error("cannot log requests: %s", error)


class _File:
    """A file that is being written under a hidden name."""

    def __init__(self, directory: pathlib.Path) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        name = f"requests-{stamp}-{time.time_ns() % 10**9:09d}{_SUFFIX}"
        self._final = directory / name
        self._hidden = directory / f".{name}.tmp"
        self._began = time.monotonic()
        self._stream = open(self._hidden, "wb")  # noqa: SIM115 - closed below
        self.num_records = 0

    @property
    def age(self) -> float:
        return time.monotonic() - self._began

    def write(self, record: bytes) -> None:
        self._stream.write(frame(record))
        self.num_records += 1

    def discard(self) -> None:
        """Removes it, so that it does not keep a full disk full."""
        with contextlib.suppress(OSError):
            self._stream.close()
        with contextlib.suppress(OSError):
            self._hidden.unlink()

    def finish(self) -> None:
        self._stream.close()
        self._hidden.rename(self._final)


@dataclasses.dataclass(frozen=True)
class _Entry:
    """A request that waits to be written."""

    model: tuple[str, int, str]
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    seconds: int

    def record(self, sampling_rate: float) -> bytes:
        """Returns it as a serialized `PredictionLog`."""
        log = message("PredictionLog")()
        metadata, predict = log.log_metadata, log.predict_log
        metadata.sampling_config.sampling_rate = sampling_rate
        metadata.timestamp_secs = self.seconds
        request, response = predict.request, predict.response
        for part in (metadata, request, response):
            spec = part.model_spec
            spec.name, spec.version.value, spec.signature_name = self.model
        _fill(request.inputs, self.inputs)
        _fill(response.outputs, self.outputs)
        serialized: bytes = log.SerializeToString()
        return serialized


def _fill(tensors: Any, arrays: Mapping[str, Array]) -> None:
    for name, array in arrays.items():
        dtype = of_array(array)
        if dtype is not None:
            fill(tensors[name], array, dtype, content=True)
