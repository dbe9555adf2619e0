"""Takes running servers along the steps of a plan."""

import functools
import os
import pathlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from slice_tf.files import write_text
from slice_tf_serving.client import Client
from slice_tf_serving.client.patience import SECONDS_BETWEEN_TRIES
from slice_tf_serving.client.target import Certificates, Target
from slice_tf_serving.deployment.canary import read_steps
from slice_tf_serving.deployment.canary_state import missing
from slice_tf_serving.deployment.server_reload import reload_models
from slice_tf_serving.model_config import (
    new_config_message,
    read_config_message,
    text_of,
)

_LOOK_SECONDS = 10.0  # for one answer


class CanaryWalk:
    """Servers, and the plan that they are to follow.

    How far they have come stands in `models.config` itself, so that a walk
    that was broken off goes on from there. Other models in the file stay as
    they are.

    Args:
        plan_dir: What `slice-tf publish --plan-dir` wrote.
        models_config: The file that the servers read; made where missing.
        servers: URLs of the servers, each of which must follow.
        reload: Whether to send the configuration to the servers as well,
            which is for those that do not look at the file again.
        timeout: Seconds that servers have for a step.
        token: What to send as `Authorization: Bearer TOKEN`.
        certificates: Whom to trust and who to be over TLS.

    Attributes:
        num_steps: How many steps the plan has.

    Raises:
        ValueError: If the plan cannot be read.
    """

    def __init__(
        self,
        plan_dir: str | os.PathLike[str],
        models_config: str | os.PathLike[str],
        servers: Sequence[str],
        *,
        reload: bool = False,
        timeout: float = 300.0,
        token: str | None = None,
        certificates: Certificates | None = None,
    ) -> None:
        self._steps = read_steps(pathlib.Path(plan_dir))
        self._name = self._steps[0].name
        self._labels = sorted(
            {k for s in self._steps for k in s.version_labels}
        )
        self._file = pathlib.Path(models_config)
        self._servers = servers
        self._reload = reload
        self._timeout = timeout
        self._token = token
        self._certificates = certificates
        self.num_steps = len(self._steps)

    @property
    def position(self) -> int:
        """The step at which the file is, counted from 1; 0 for none.

        Raises:
            ValueError: If the file cannot be read, or has the model in
                another directory.
        """
        model = self._model_in(self._config())
        planned = self._steps[0].base_path
        if model is None:
            return 0
        if model.base_path != planned:
            raise ValueError(
                "A plan must have the directory that servers have. Received: "
                f"base_path={planned} in the plan, {model.base_path} in "
                f"{self._file}. Plan with --server-base-dir."
            )
        return self._steps.index(model) + 1 if model in self._steps else 0

    def walk(self, to: int) -> Iterator[int]:
        """Goes step by step, forth or back, and waits for each.

        Args:
            to: Number of the last step.

        Yields:
            The number of each step, once all servers are there.

        Raises:
            ConnectionError: If a server cannot be told.
            RequestError: If a server refuses.
            TimeoutError: If a server does not follow in time.
            ValueError: If there is no such step, or a version cannot be
                loaded.
        """
        if not 1 <= to <= self.num_steps:
            raise ValueError(
                f"A step must be from 1 to {self.num_steps}. Received: to={to}"
            )
        at = self.position
        if 0 < at <= to:  # It may have been left before it was reached.
            self._wait(at)
            yield at
        while at != to:
            at += 1 if at < to else -1
            self._write(at)
            self._wait(at)
            yield at

    def describe(self, number: int) -> str:
        """Returns what servers do at a step."""
        step = self._steps[number - 1]
        versions = step.model_version_policy.specific.versions
        labels = sorted(step.version_labels.items())
        return ", ".join(
            [
                f"serves {' and '.join(map(str, versions))}",
                *(f"{label} is {version}" for label, version in labels),
            ]
        )

    def _write(self, number: int) -> None:
        """Gives servers a step. The file is last: it says what they have."""
        config = self._config()
        model = self._model_in(config)
        if model is None:
            model = config.model_config_list.config.add()
        model.CopyFrom(self._steps[number - 1])
        if self._reload:
            who = Target(
                self._name, None, None, self._token, self._certificates
            )
            for url in self._servers:
                reload_models(url, config, who, self._timeout)
        write_text(self._file, text_of(config))

    def _wait(self, number: int) -> None:
        step = self._steps[number - 1]
        deadline = time.monotonic() + self._timeout
        for url in self._servers:
            connect = functools.partial(
                Client,
                url,
                self._name,
                timeout=_LOOK_SECONDS,
                token=self._token,
                certificates=self._certificates,
            )
            while lacking := missing(connect, step, self._labels):
                if time.monotonic() >= deadline:
                    raise TimeoutError(
                        "A server must follow within the timeout. Received: "
                        f"server={url}, step={number}, "
                        f"timeout={self._timeout:g}, {lacking}"
                    )
                time.sleep(SECONDS_BETWEEN_TRIES)

    def _config(self) -> Any:
        if self._file.exists():
            return read_config_message(self._file)
        return new_config_message()

    def _model_in(self, config: Any) -> Any:
        models = config.model_config_list.config
        return next((one for one in models if one.name == self._name), None)
