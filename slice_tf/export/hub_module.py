"""Writes a backbone or a whole model for other models to build upon."""

import functools
import os
import pathlib
from typing import Any

import tensorflow as tf

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.export.check_graph import check_operations
from slice_tf.export.checksums import write_checksums
from slice_tf.export.servable import (
    build,
    check_servable,
    dense_specs,
    resources_of,
    save_module,
    variables_of,
)
from slice_tf.export.staging import staged
from slice_tf.models.task_model import TaskModel

PARTS = ("backbone", "model")


def export_hub_module(
    model: TaskModel,
    directory: str | os.PathLike[str],
    spec: FeatureSpec,
    part: str = "backbone",
    *,
    overwrite: bool = False,
) -> pathlib.Path:
    """Writes a reusable SavedModel, as TensorFlow Hub calls it.

    `hub.load`, `tf.saved_model.load` and `slice_tf.backbones.HubLayer` load
    it; called with a dict of features and, if wanted, `training=True`, it
    returns `z` of shape `[batch, dim]`, or of a whole model the dict of its
    outputs. Variables, those that are trained and regularization losses are
    there under the names that TensorFlow Hub prescribes, to train it further.

    Args:
        model: A trained model of slice-tf.
        directory: Local path; new, or an empty directory.
        spec: The features the model reads.
        part: `backbone` or `model`.
        overwrite: Whether to replace a SavedModel that stands there.

    Returns:
        The path of the SavedModel.

    Raises:
        FileExistsError: If something stands at `directory` that may not be
            replaced.
        TypeError: If the model is none of slice-tf.
        ValueError: If there is no such part, or it cannot be exported.
    """
    if part not in PARTS:
        raise ValueError(
            f"`part` must be one of {', '.join(PARTS)}. Received: part={part!r}"
        )
    check_servable(model, spec)
    with staged(directory, overwrite) as staging:
        build(model, spec)
        save_module(_reusable(model, spec, part), staging)
        check_operations(staging)
        (staging / "assets.extra").mkdir()
        write_checksums(staging)
    return pathlib.Path(directory)


def _reusable(model: TaskModel, spec: FeatureSpec, part: str) -> Any:
    """Returns an object of the attributes that TensorFlow Hub looks for."""
    whole = part == "model"

    def call(features: Any, training: bool = False) -> Any:
        if whole:
            return model(features, training=training)
        return model.represent(features, training=training)

    function = tf.function(call, autograph=False)
    traced = [
        function.get_concrete_function(dense_specs(spec), training=training)
        for training in (False, True)
    ]
    variables = variables_of(traced, model)
    read = set(map(id, variables))
    trained = [
        one for one in model.trainable_variables if id(one.value) in read
    ]
    module = tf.train.Checkpoint()
    module.__call__ = function
    module.variables = variables
    module.trainable_variables = [one.value for one in trained]
    module.regularization_losses = [
        tf.function(functools.partial(_loss, one), input_signature=[])
        for one in trained
        if one.regularizer is not None
    ]
    module.resources = resources_of(model)
    return module


def _loss(variable: Any) -> Any:
    return variable.regularizer(variable.value)
