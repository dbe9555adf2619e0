"""Heavy things that slicing functions use."""

import functools
import threading
from collections.abc import Callable
from typing import Any

from slice_tf.slicing.importable import path_of
from slice_tf.slicing.machine import Remote
from slice_tf.slicing.modules import attribute_of
from slice_tf.slicing.resource_error import ResourceError

_PLAIN = (str, bytes, int, float, bool, type(None))
_SHARES = ("process", "machine")

# What this process has loaded, and a lock for each that is being loaded.
_loaded: dict[str, Any] = {}
_locks: dict[str, threading.Lock] = {}
_lock = threading.Lock()


class Resource:
    """A model, table or client that is loaded once and never pickled.

    It is known by its loader and the loader's arguments: equal resources,
    wherever they are made, are loaded once a process, when the first example
    is asked about.

    ```python
    DETECTOR = Resource("detectors:load", path="/models/rcnn")


    @slicing_function(uses={"detector": DETECTOR}, batch=True)
    def sees_bus(batch, detector):
        return ["bus" in found for found in detector.find(batch["image"])]
    ```

    Args:
        loader: A function of a module, or its import path
            `module:attribute` or `file.py:attribute`.
        *args: Positional arguments of the loader.
        share: `process`, or `machine` to load it once for all processes of
            this user, in a process of its own. Then it is used through its
            methods and calls, one at a time, whose arguments and results are
            pickled: hand it many rows a call.
        **kwargs: Keyword arguments of the loader.

    Raises:
        TypeError: If `loader` is neither, or an argument is no plain value:
            str, bytes, int, float, bool, None, or a list, tuple or dict of
            these.
        ValueError: If `share` is something else, or the loader has no name
            by which a worker finds it.
    """

    def __init__(
        self,
        loader: str | Callable[..., Any],
        *args: Any,
        share: str = "process",
        **kwargs: Any,
    ) -> None:
        if share not in _SHARES:
            raise ValueError(
                "`share` must say who shares a resource: 'process' or "
                f"'machine'. Received: share={share!r}"
            )
        self.loader = loader if isinstance(loader, str) else path_of(loader)
        if ":" not in self.loader:
            raise ValueError(
                "A resource's loader must be named as `module:function`. "
                f"Received: loader={loader!r}"
            )
        for value in (*args, *kwargs.values()):
            _check_plain(value)
        self.args = args
        self.kwargs = kwargs
        self.share = share

    @functools.cached_property
    def key(self) -> str:
        """Text that is equal for equal resources."""
        named = sorted(self.kwargs.items())
        parts = [repr(one) for one in self.args]
        parts += [f"{name}={value!r}" for name, value in named]
        return f"{self.loader}({', '.join(parts)})"

    @property
    def fingerprint(self) -> str:
        """What stands for the resource in a function's fingerprint."""
        return self.key

    def get(self) -> Any:
        """Returns what the loader returns, loading it if nobody did.

        Raises:
            ResourceError: If it cannot be loaded; the message names the
                loader. The next call tries again.
        """
        key = f"{self.share}:{self.key}"
        if key in _loaded:
            return _loaded[key]
        with _lock:
            lock = _locks.setdefault(key, threading.Lock())
        with lock:
            if key not in _loaded:
                _loaded[key] = self._load()
            return _loaded[key]

    def load(self) -> Any:
        """Calls the loader, whatever was loaded before."""
        return attribute_of(self.loader)(*self.args, **self.kwargs)

    def _load(self) -> Any:
        try:
            return Remote(self) if self.share == "machine" else self.load()
        except Exception as error:
            told = isinstance(error, ResourceError)
            reason = error if told else f"{type(error).__name__}: {error}"
            raise ResourceError(
                "A resource must load before examples are asked about. "
                f"Received: resource={self.key}, error={reason}"
            ) from error

    def __repr__(self) -> str:
        return f"Resource({self.key})"


def _check_plain(value: Any) -> None:
    if isinstance(value, (list, tuple)):
        for item in value:
            _check_plain(item)
    elif isinstance(value, dict):
        for item in (*value, *value.values()):
            _check_plain(item)
    elif not isinstance(value, _PLAIN):
        raise TypeError(
            "A resource's arguments must be plain values, because they tell "
            "resources apart and travel to workers. Received: "
            f"type={type(value).__name__}. Let the loader make it from a path "
            "or a name."
        )
