"""A trained model on disk, with all that is needed to use it."""

import contextlib
import importlib.metadata
import json
import os
import pathlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from slice_tf.backbones import import_layers
from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.files import staged_directory
from slice_tf.models.task_model import TaskModel
from slice_tf.schema import SliceSchema
from slice_tf.training.backbone import import_backbone_module
from slice_tf.training.write_log import json_number

FORMAT_VERSION = 1
MODEL_FILE = "model.keras"
TRAINING_FILE = "training.json"
FILES = (MODEL_FILE, "slices.json", "features.json", TRAINING_FILE)


def check_new(directory: str | os.PathLike[str]) -> pathlib.Path:
    """Returns the path of a directory that is absent or empty.

    Raises:
        FileExistsError: If something is there, which would be lost.
    """
    path = pathlib.Path(directory)
    if path.is_dir() and not any(path.iterdir()):
        return path
    if path.exists() or path.is_symlink():
        raise FileExistsError(
            "The output directory must be new or empty, because a model is "
            f"never overwritten. Received: directory={path}. Name another, "
            "or remove it."
        )
    return path


def save_model_directory(
    directory: str | os.PathLike[str],
    model: TaskModel,
    spec: FeatureSpec,
    schema: SliceSchema,
    history: Mapping[str, Sequence[float]],
    flags: Mapping[str, Any] | None = None,
) -> pathlib.Path:
    """Writes a model directory; it gets its name when it is whole.

    Args:
        directory: A directory that is absent or empty.
        model: A trained model.
        spec: The features it reads.
        schema: Its slices.
        history: What `fit` returned.
        flags: How it was trained.

    Returns:
        The path of the directory.

    Raises:
        FileExistsError: If the directory holds anything.
        OSError: If it cannot be written; nothing is left behind.
    """
    path = check_new(directory)
    training = {
        "format_version": FORMAT_VERSION,
        "model": type(model).__name__,
        "versions": versions(),
        "flags": dict(flags or {}),
        "history": {
            key: [json_number(value) for value in values]
            for key, values in history.items()
        },
    }
    with _staged(path) as staging:
        model.save(staging / MODEL_FILE)
        schema.save(staging)
        spec.save(staging)
        text = json.dumps(training, indent=2) + "\n"
        (staging / TRAINING_FILE).write_text(text, encoding="utf-8")
    return path


def load_model_directory(
    directory: str | os.PathLike[str],
) -> tuple[Any, FeatureSpec, SliceSchema]:
    """Reads what `save_model_directory` wrote.

    A backbone that came from a user's module needs that module on the path
    again, because its layers may be defined there.

    Returns:
        The model, ready to predict and to go on training, the features it
        reads, and its slices.

    Raises:
        FileNotFoundError: If there is no such directory or a file is missing.
        ValueError: If a file is malformed or they contradict one another.
    """
    path = pathlib.Path(directory)
    _check_complete(path)
    spec, schema = FeatureSpec.load(path), SliceSchema.load(path)
    import_layers()
    _import_backbone(read_training(path))
    try:
        model = keras.models.load_model(path / MODEL_FILE)
    except (TypeError, ValueError, OSError) as error:
        # Before the cause, Keras quotes the whole configuration.
        cause = str(error).rpartition("Exception encountered: ")[2]
        raise ValueError(
            "A model must be loadable by these versions of slice-tf and Keras. "
            f"Received: path={path / MODEL_FILE}, keras={keras.__version__}, "
            f"error={cause}"
        ) from error
    if model.schema is not None:
        model.schema.check_same(schema, MODEL_FILE, "slices.json")
    return model, spec, schema


def read_training(directory: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns flags, history and versions of a model directory.

    Raises:
        ValueError: If the file is of another format or malformed.
    """
    path = pathlib.Path(directory) / TRAINING_FILE
    try:
        training = json.loads(path.read_text(encoding="utf-8"))
        version = training["format_version"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            "A model directory's record of training must be the JSON that "
            f"slice-tf writes. Received: path={path}, "
            f"error={type(error).__name__}: {error}"
        ) from error
    if version != FORMAT_VERSION:
        raise ValueError(
            "A model directory must be of a format this version reads, which "
            f"is {FORMAT_VERSION}. Received: path={path}, "
            f"format_version={version}"
        )
    return dict(training)


def _check_complete(path: pathlib.Path) -> None:
    missing = [name for name in FILES if not (path / name).is_file()]
    if missing:
        raise FileNotFoundError(
            "A model directory must hold what `slice-tf train` writes. "
            f"Received: directory={path}, missing={', '.join(missing)}"
        )


def _import_backbone(training: Mapping[str, Any]) -> None:
    """Imports the user's module, whose layers may be part of the model."""
    backbone = str(training.get("flags", {}).get("backbone", ""))
    if ":" in backbone:
        import_backbone_module(backbone)


@contextlib.contextmanager
def _staged(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a directory that becomes `path`, and says what if it cannot."""
    try:
        with staged_directory(path) as staging:
            yield staging
    except OSError as error:
        raise OSError(
            "A model's directory must be writable: is the disk full? "
            f"Received: directory={path}, error={error}"
        ) from error


def versions() -> dict[str, str]:
    """Returns the versions that a model was made with."""
    return {
        "slice_tf": importlib.metadata.version("slice-tf"),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "python": sys.version.split()[0],
    }
