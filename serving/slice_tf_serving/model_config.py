"""Which models a server serves: TensorFlow Serving's `models.config`."""

import dataclasses
import os
import pathlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from slice_tf_serving.codes import ApiError, invalid
from slice_tf_serving.version_policy import VersionPolicy

_PLATFORM = "tensorflow"
_TENSORFLOW = 1  # the same among the deprecated types
_NO_LABELS: Mapping[str, int] = {}


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """A model, and which of its versions are served under which label.

    Args:
        name: Its name in requests.
        base_dir: Directory of its versions; where TensorFlow Serving is to
            serve it, a URL such as `gs://bucket/digits` as well.
        policy: Which of them are served; by default the newest.
        labels: Label to number, such as `{"stable": 3}`.

    Raises:
        ValueError: If the name cannot stand in a URL.
    """

    name: str
    base_dir: str | os.PathLike[str]
    policy: VersionPolicy = dataclasses.field(default_factory=VersionPolicy)
    labels: Mapping[str, int] = dataclasses.field(
        default_factory=lambda: _NO_LABELS
    )

    def __post_init__(self) -> None:
        if not self.name or set(self.name) & set("/:"):
            raise ValueError(
                "A model's name must not be empty nor hold '/' or ':', "
                "because it becomes part of a URL. "
                f"Received: model_name={self.name!r}"
            )


def read_models_config(path: str | os.PathLike[str]) -> list[ModelConfig]:
    """Reads a `models.config` file.

    Raises:
        ValueError: If the file is no such configuration, or one that
            TensorFlow Serving would refuse.
    """
    message = read_config_message(path)
    try:
        check_config(message)
        return configs_of(message)
    except ApiError as error:
        raise _refusal(path, error) from error


def read_config_message(path: str | os.PathLike[str]) -> Any:
    """Reads a `models.config` file as a `ModelServerConfig`.

    Raises:
        ValueError: If the file is missing or holds anything else.
    """
    from google.protobuf import text_format

    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
        return text_format.Parse(text, new_config_message())
    except (OSError, text_format.ParseError) as error:
        raise _refusal(path, error) from error


def new_config_message() -> Any:
    """Returns a `ModelServerConfig` without a model."""
    from tensorflow_serving.config import model_server_config_pb2

    return model_server_config_pb2.ModelServerConfig()


def models_config(models: Sequence[ModelConfig]) -> str:
    """Returns the text of a `models.config` file."""
    message = new_config_message()
    for model in models:
        one = message.model_config_list.config.add(
            name=model.name,
            base_path=os.fspath(model.base_dir),
            model_platform=_PLATFORM,
            version_labels=model.labels,
        )
        policy, chosen = one.model_version_policy, model.policy
        if chosen.numbers:
            policy.specific.versions.extend(chosen.numbers)
        elif chosen.newest is None:
            policy.all.SetInParent()
        else:
            policy.latest.num_versions = chosen.newest
    return text_of(message)


def text_of(message: Any) -> str:
    """Returns a `ModelServerConfig` as the text of a file."""
    from google.protobuf import text_format

    text: str = text_format.MessageToString(message)
    return text


def _refusal(path: str | os.PathLike[str], error: Exception) -> ValueError:
    return ValueError(
        "A models.config must be one that TensorFlow Serving takes. "
        f"Received: file={os.fspath(path)}, error={error}"
    )


def configs_of(message: Any) -> list[ModelConfig]:
    """Reads a `ModelServerConfig` that `check_config` has let pass.

    Raises:
        ApiError: If it is refused; in TensorFlow Serving's words.
    """
    models = message.model_config_list.config
    for model in models:
        platform = _platform(model)
        if platform != _PLATFORM:
            raise invalid(
                f"Model {model.name} requests unsupported platform {platform}"
            )
    return [_config(model) for model in models]


def check_config(message: Any, served: Collection[str] = ()) -> None:
    """Makes the checks that come before those of labels.

    Args:
        message: A `ModelServerConfig`.
        served: Names of the models that are served already, whose platform
            may not change.

    Raises:
        ApiError: If it is refused; in TensorFlow Serving's words.
    """
    if message.WhichOneof("config") != "model_config_list":
        raise invalid(
            "ServerModelConfig type not supported by "
            "HandleReloadConfigRequest. Only ModelConfigList is currently "
            "supported"
        )
    models = message.model_config_list.config
    _check_names(models)
    for model in models:
        _check_path(model)
    for model in models:
        if model.name in served and (new := _platform(model)) != _PLATFORM:
            raise invalid(
                f"Illegal to change a model's platform. For model {model.name} "
                f"platform was {_PLATFORM} and new platform requested is {new}"
            )


def _check_names(models: Any) -> None:
    seen: set[str] = set()
    for model in models:
        if model.name in seen:
            raise invalid(
                f"Illegal to list model {model.name} multiple times in "
                "config list"
            )
        seen.add(model.name)


def _check_path(model: Any) -> None:
    if not model.base_path.startswith("/") and "://" not in model.base_path:
        raise invalid(
            f"Expected model {model.name} to have an absolute path or URI; "
            f"got base_path()={model.base_path}"
        )


def _platform(model: Any) -> str:
    fields = "ModelServerConfig::model_type (deprecated)"
    where = f"ModelServerConfig::model_platform, model name is {model.name}"
    if model.model_type and model.model_platform:
        raise invalid(f"Illegal setting both {fields} and {where}")
    if model.model_type not in (0, _TENSORFLOW):
        raise invalid(
            f"ModelServerConfig::model_type choice {model.model_type} not "
            "supported."
        )
    platform = _PLATFORM if model.model_type else model.model_platform
    if not platform:
        raise invalid(f"Illegal setting neither {fields} nor {where}")
    return platform


def _config(model: Any) -> ModelConfig:
    if model.HasField("logging_config"):
        raise invalid("No request-logger-creator provided.")
    try:
        return ModelConfig(
            model.name,
            _path(model),
            _policy(model.model_version_policy),
            dict(model.version_labels),
        )
    except ValueError as error:
        raise invalid(str(error)) from error


def _path(model: Any) -> pathlib.Path:
    """Returns the path; URIs other than of files are for the real server."""
    path = model.base_path.removeprefix("file://")
    if "://" in path:
        raise invalid(
            f"Model {model.name} must lie in a local directory to be served "
            f"here; got base_path()={model.base_path}"
        )
    return pathlib.Path(path)


def _policy(message: Any) -> VersionPolicy:
    kind = message.WhichOneof("policy_choice")
    if kind == "all":
        return VersionPolicy.every()
    if kind == "specific":
        return VersionPolicy.specific(*message.specific.versions)
    count = message.latest.num_versions if kind == "latest" else 1
    return VersionPolicy.latest(count or 1)
