"""Backbones by name, as a command line gives them."""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import keras

from slice_tf.data.feature_spec import FeatureSpec
from slice_tf.models.mlp import build_mlp


def make_backbone(
    name: str, spec: FeatureSpec, units: Sequence[int] = (64, 64)
) -> keras.Model:
    """Returns the backbone of a name.

    Args:
        name: `mlp`, or `module:build`, a function of yours that takes the
            feature spec and returns a Keras model from a dict of features to
            `z`, of shape `[batch, dim]`. Modules in the working directory are
            found.
        spec: The features it will read.
        units: Widths of the layers of `mlp`.

    Raises:
        ValueError: If the name leads to no function, or the features are not
            for the backbone.
        TypeError: If the function returns no Keras model.
    """
    if name == "mlp":
        features = {
            key: (one.shape, one.dtype) for key, one in spec.features.items()
        }
        return build_mlp(features, units)
    backbone = _function(name)(spec)
    if not isinstance(backbone, keras.Model):
        raise TypeError(
            "A backbone's function must return a `keras.Model`, from a dict "
            f"of features to `z`. Received: backbone={name}, "
            f"type={type(backbone).__name__}"
        )
    return backbone


def import_backbone_module(name: str) -> Any:
    """Imports the module of `module:build`, from the working directory too.

    Raises:
        ValueError: If there is no such module.
    """
    module = name.partition(":")[0]
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # The module is there and misses a package of its own.
        raise ValueError(
            "The module that builds the backbone must be importable. "
            f"Received: backbone={name}. Run from the folder that holds it, "
            "or add that folder to PYTHONPATH."
        ) from error


def _function(name: str) -> Callable[[FeatureSpec], Any]:
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ValueError(
            "A backbone must be `mlp` or written as module:function. "
            f"Received: backbone={name!r}"
        )
    function = getattr(import_backbone_module(name), attribute, None)
    if not callable(function):
        raise ValueError(
            f"The module `{module}` must have a function of that name. "
            f"Received: backbone={name}"
        )
    return function
