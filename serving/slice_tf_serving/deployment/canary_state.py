"""Whether a server does what a step of a plan asks of it."""

from collections.abc import Callable, Collection
from typing import Any

from slice_tf_serving.client import Client
from slice_tf_serving.client.errors import RequestError
from slice_tf_serving.client.patience import NOT_READY
from slice_tf_serving.client.transport import VersionStatus
from slice_tf_serving.codes import Code


def missing(
    connect: Callable[..., Client], step: Any, labels: Collection[str]
) -> str:
    """Returns what a server still lacks of a step; empty for nothing.

    Its versions, and no others, must be available, and its labels lead where
    they are to: only that tells that a server has read its configuration.

    Args:
        connect: Makes a client of the model, `label=` pins one.
        step: The `ModelConfig` message of the model.
        labels: All labels of the plan; those that the step lacks must lead
            nowhere.

    Raises:
        RequestError: If the server answers as it never should.
        ValueError: If a version could not be loaded.
    """
    wanted = step.model_version_policy.specific.versions
    try:
        with connect() as client:
            states = client.status()
        _check_loaded(states, wanted)
        available = [s.version for s in states if s.state == "AVAILABLE"]
        if set(available) != set(wanted):
            return f"available={sorted(available)}"
        others = [s for s in states if s.version not in wanted]
        if going := [s.version for s in others if s.state != "END"]:
            return f"not unloaded yet={sorted(going)}"
        for label in labels:
            found = _version_of(label, connect)
            if found != step.version_labels.get(label):
                return f"label={label}, leads to={found}"
    except (ConnectionError, TimeoutError) as error:
        return f"error={error}"
    except RequestError as error:
        if error.code not in NOT_READY:
            raise
        return f"error={error}"
    return ""


def _version_of(label: str, connect: Callable[..., Client]) -> int | None:
    """Returns where a label leads; `None` where there is no such label."""
    with connect(label=label) as client:
        try:
            return client.metadata().version
        except RequestError as error:
            if error.code is not Code.INVALID_ARGUMENT:
                raise
            return None


def _check_loaded(
    states: Collection[VersionStatus], wanted: Collection[int]
) -> None:
    for one in states:
        if one.version in wanted and one.state == "END" and one.error:
            raise ValueError(
                "A version must load to be served; those before it still are. "
                f"Received: version={one.version}, error={one.error}"
            )
