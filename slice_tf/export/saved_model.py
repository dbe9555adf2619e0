"""Writes a trained model as a SavedModel."""

import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.export import signatures as names
from slice_tf.export.check import check_operations
from slice_tf.export.checksums import write_checksums
from slice_tf.export.contract import write_contract
from slice_tf.export.servable import (
    Servable,
    build,
    check_servable,
    make_signatures,
)
from slice_tf.export.staging import staged
from slice_tf.export.tasks import set_methods
from slice_tf.models.sliced_model import SlicedModel
from slice_tf.models.task_model import TaskModel


def export_saved_model(
    model: TaskModel,
    directory: str | os.PathLike[str],
    spec: FeatureSpec,
    *,
    overwrite: bool = False,
    allow_operations: Sequence[str] = (),
    finish: Callable[[pathlib.Path], object] | None = None,
) -> pathlib.Path:
    """Writes a SavedModel that runs wherever TensorFlow does.

    It needs neither slicing functions nor any Python code of the model. Its
    signatures are `serving_default` (dense features by name), `examples`
    (serialized `tf.train.Example`s), `classify` and, of two classes,
    `regress` in TensorFlow Serving's form and, for a slice-aware model,
    `explain`; every one takes a batch of any size. Beside the model lie
    `assets/slices.json`, `assets.extra/signature.json` (inputs, outputs and a
    sample request of each signature) and `assets.extra/SHA256SUMS`.

    The directory gets its name when all of it is written and checked; an
    error or an interrupt leaves nothing behind.

    Args:
        model: A trained `SliceAwareModel` or `VanillaModel`.
        directory: Local path; new, or an empty directory.
        spec: The features the model reads.
        overwrite: Whether to replace a SavedModel that stands there.
        allow_operations: Names of further TensorFlow operations that the
            graph may hold. Operations that run Python are always refused.
        finish: Called with the path of the directory while it still has a
            temporary name, to add to it, such as
            `slice_tf_serving.write_warmup`, or to check it.

    Returns:
        The path of the SavedModel.

    Raises:
        FileExistsError: If something stands at `directory` that may not be
            replaced.
        TypeError: If the model is none of slice-tf.
        ValueError: If the model cannot be exported, or its graph holds an
            operation that is not allowed.
    """
    _check_backend()
    check_servable(model, spec)
    with staged(directory, overwrite) as staging:
        build(model, spec)
        served = _served(model)
        functions = make_signatures(served, spec)
        _save(served, functions, staging)
        set_methods(staging)
        check_operations(staging, allow_operations)
        if isinstance(model, SlicedModel) and model.schema is not None:
            model.schema.save(_made(staging / names.SLICES_FILE))
        _made(staging / names.CONTRACT_FILE)
        write_contract(staging, functions, model, spec)
        if finish is not None:
            finish(staging)
        write_checksums(staging)
    return pathlib.Path(directory)


def _served(model: TaskModel) -> TaskModel:
    """Returns what predicts the same at the least cost."""
    if isinstance(model, SlicedModel) and model.can_fold:
        return model.fold()
    return model


def _check_backend() -> None:
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ValueError(
            "Keras must run on TensorFlow to export a SavedModel. "
            f"Received: backend={backend}. Set KERAS_BACKEND=tensorflow; a "
            "`.keras` file of any backend can be loaded there."
        )


def _save(
    model: TaskModel, functions: Mapping[str, Any], path: pathlib.Path
) -> None:
    try:
        tf.saved_model.save(Servable(model), str(path), signatures=functions)
    except AssertionError as error:
        raise ValueError(
            "Whatever the model reads must belong to one of its layers as an "
            "attribute, because it is saved with them. "
            f"Received: error={error}"
        ) from error


def _made(file: pathlib.Path) -> pathlib.Path:
    """Creates the directory of a file and returns it."""
    file.parent.mkdir(exist_ok=True)
    return file.parent
