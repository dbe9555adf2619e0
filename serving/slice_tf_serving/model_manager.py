"""Keeps the versions loaded that are to be served."""

import asyncio
import logging
import pathlib
import time
from collections.abc import Mapping, Sequence

from slice_tf_serving.arrivals import Arrivals
from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.limits import Limits
from slice_tf_serving.model_config import ModelConfig
from slice_tf_serving.servable import Servable
from slice_tf_serving.shared_states import (
    AVAILABLE,
    END,
    LOADING,
    UNLOADING,
    SharedStates,
    VersionState,
)
from slice_tf_serving.telemetry import Telemetry
from slice_tf_serving.version_policy import Versions
from slice_tf_serving.versions import list_versions, newest_version

logger = logging.getLogger("slice_tf.serving")


class ModelManager:
    """Loads new versions before it unloads old ones.

    A version that cannot be loaded, or that fails its warm-up, is as good as
    not there, and is not tried again: those before it stay in service, or go
    into service where a server starts. An empty or missing base directory
    leaves everything in service, too.

    All methods but `load` run in the event loop's thread.

    Args:
        configs: The models.
        limits: How large a request may be.
        telemetry: Told of versions that are loaded.
        threads: Threads that one operation of a model may use.
        shared: What other processes serve at the same ports.

    Attributes:
        configs: The models, by name.
        arrivals: To be told of requests by whoever hears of them.
    """

    def __init__(
        self,
        configs: Sequence[ModelConfig],
        limits: Limits,
        telemetry: Telemetry,
        threads: int = 1,
        shared: SharedStates | None = None,
    ) -> None:
        self.configs = {one.name: one for one in configs}
        self._limits = limits
        self._telemetry = telemetry
        self._threads = threads
        self._shared = shared or SharedStates(None)
        self.arrivals = Arrivals()
        self._served: dict[str, dict[int, Servable]] = {}
        self._states: dict[str, dict[int, VersionState]] = {}
        self._changing = asyncio.Lock()

    def load(self) -> None:
        """Loads every model, before requests are taken.

        Raises:
            FileNotFoundError: If a base directory holds no version.
            ValueError: If no version of a model can be loaded, or a label
                names one that is not loaded.
        """
        try:
            for config in self.configs.values():
                newest_version(config.base_dir)
                self._load_first(config)
                self.check_labels(config.name, config.labels)
        except ApiError as error:
            self.close()
            raise ValueError(error.text) from error
        except BaseException:
            self.close()
            raise

    async def poll(self) -> None:
        """Looks for new versions once, loads them and unloads old ones."""
        async with self._changing:
            for config in list(self.configs.values()):
                await self._update(config)

    async def reload(self, configs: Sequence[ModelConfig]) -> None:
        """Replaces the configuration by a new one.

        It is refused as a whole, and the one before kept, if it names a
        label of a version that is not served or a model without a version.

        Raises:
            ApiError: If it is refused.
        """
        async with self._changing:
            for config in configs:
                self.check_labels(config.name, config.labels)
                if config.name not in self._served:
                    await self._start(config)
            names = {config.name for config in configs}
            self.configs = {config.name: config for config in configs}
            self._share()
            for config in configs:
                await self._update(config)
            for name in [name for name in self._served if name not in names]:
                for version in list(self._served[name]):
                    await self._unload(name, version)
                del self._served[name]

    def find(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Servable:
        """Returns what serves a model: a version, a label's, or the newest.

        Raises:
            ApiError: If there is none; in TensorFlow Serving's words.
        """
        if not name:
            raise invalid("ModelSpec has no name specified.")
        if label is not None:
            version = self._labelled(name, label)
        served = self._served.get(name, {})
        newest = max(served, default=0)
        servable = served.get(newest if version is None else version)
        if servable is None:
            wanted = (
                f"Latest({name})"
                if version is None
                else f"Specific({name}, {version})"
            )
            raise ApiError(
                Code.NOT_FOUND, f"Servable not found for request: {wanted}"
            )
        return servable

    def find_agreed(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> Servable:
        """Returns the same, but of a label only once all processes have it.

        Raises:
            ApiError: If there is none.
        """
        servable = self.find(name, version, label)
        if label is not None and not self._shared.agree(
            name, label, servable.version
        ):
            raise _unknown_label(label)
        return servable

    def states(
        self, name: str, version: int | None = None
    ) -> list[tuple[int, VersionState]]:
        """Returns the states of a model's versions, the greatest first.

        They are those of all processes together.

        Raises:
            ApiError: If the model or its version is unknown.
        """
        states = self._shared.together(name, self._states.get(name, {}))
        if not states:
            raise ApiError(
                Code.NOT_FOUND, f"Could not find any versions of model {name}"
            )
        if version is None:
            return sorted(states.items(), reverse=True)
        if version not in states:
            raise ApiError(
                Code.NOT_FOUND,
                f"Could not find version {version} of model {name}",
            )
        return [(version, states[version])]

    def check_labels(self, name: str, labels: Mapping[str, int]) -> None:
        """Refuses labels of versions that are not served.

        Raises:
            ApiError: If one is.
        """
        served = self._served.get(name, {})
        for version in labels.values():
            if version not in served:
                raise ApiError(
                    Code.FAILED_PRECONDITION,
                    f"Request to assign label to version {version} of model "
                    f"{name}, which is not currently available for inference",
                )

    def is_available(self) -> bool:
        """Tells whether every model has a version that is served."""
        return all(self._served.get(name) for name in self.configs)

    def close(self) -> None:
        """Frees the memory of all models."""
        for versions in self._served.values():
            for servable in versions.values():
                servable.close()
        self._served.clear()

    def _tell(self, name: str, version: int, state: VersionState) -> None:
        self._states[name][version] = state
        self._share()

    def _share(self) -> None:
        labels = {name: one.labels for name, one in self.configs.items()}
        self._shared.leave(self._states, labels)

    def _labelled(self, name: str, label: str) -> int:
        config = self.configs.get(name)
        if config is None or label not in config.labels:
            raise _unknown_label(label)
        return config.labels[label]

    def _wanted(self, config: ModelConfig) -> Versions:
        states = self._states.setdefault(config.name, {})
        failed = {version for version in states if states[version].error}
        return config.policy.chosen(
            [
                one
                for one in list_versions(config.base_dir)
                if one[0] not in failed
            ]
        )

    def _next(self, config: ModelConfig) -> tuple[int, pathlib.Path] | None:
        """Returns a version that is wanted and not served, if there is one."""
        served = self._served.get(config.name, {})
        wanted = self._wanted(config)
        return next((one for one in wanted if one[0] not in served), None)

    def _load_first(self, config: ModelConfig) -> None:
        """Loads what is wanted of a model, in the caller's thread."""
        failure: Exception | None = None
        while one := self._next(config):
            try:
                self._add(self._loaded(config.name, *one), one[1])
            except Exception as error:
                failure = error
                self._fail(config.name, *one, error)
        if failure is not None and not self._served.get(config.name):
            raise failure

    async def _start(self, config: ModelConfig) -> None:
        """Loads the first versions of a model.

        Raises:
            ApiError: If there is none that can be loaded.
        """
        await self._update(config)
        if not self._served.get(config.name):
            raise ApiError(
                Code.NOT_FOUND,
                f"Could not find a version of model {config.name} that can "
                f"be loaded; got base_path()={config.base_dir}",
            )

    async def _update(self, config: ModelConfig) -> None:
        while one := await asyncio.to_thread(self._next, config):
            try:
                servable = await asyncio.to_thread(
                    self._loaded, config.name, *one
                )
            except Exception as error:
                self._fail(config.name, *one, error)
            else:
                self._add(servable, one[1])
        numbers = dict(await asyncio.to_thread(self._wanted, config))
        served = self._served.get(config.name, {})
        if not numbers.keys() & served.keys():
            return
        for version in [one for one in served if one not in numbers]:
            await self._unload(config.name, version)

    def _loaded(self, name: str, version: int, path: pathlib.Path) -> Servable:
        self._tell(name, version, VersionState(LOADING))
        began = time.monotonic()
        servable = Servable(
            name, version, path, self._limits, self.arrivals, self._threads
        )
        logger.info(
            "loaded %s version %d in %.1f s, %d warm-up requests",
            name,
            version,
            time.monotonic() - began,
            servable.num_warmup_requests,
        )
        return servable

    def _add(self, servable: Servable, path: pathlib.Path) -> None:
        self._telemetry.loaded(servable, str(path))
        name, version = servable.name, servable.version
        self._served.setdefault(name, {})[version] = servable
        self._tell(name, version, VersionState(AVAILABLE))

    def _fail(
        self, name: str, version: int, path: pathlib.Path, error: Exception
    ) -> None:
        logger.error("cannot serve %s: %s", path, error)
        text = str(error) or type(error).__name__
        self._tell(name, version, VersionState(END, text))

    async def _unload(self, name: str, version: int) -> None:
        """Takes a version out of service, then frees its memory."""
        servable = self._served[name].pop(version)
        self._tell(name, version, VersionState(UNLOADING))
        await servable.batcher.drain()
        await asyncio.to_thread(servable.close)
        self._tell(name, version, VersionState(END))
        logger.info("unloaded %s version %d", name, version)


def _unknown_label(label: str) -> ApiError:
    return invalid(f"Unrecognized servable version label: {label}")
