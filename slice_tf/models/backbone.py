"""How a model calls the user's backbone."""

from collections.abc import Mapping
from typing import Any

import keras


def check_backbone(backbone: Any) -> Any:
    """Returns the backbone.

    Raises:
        TypeError: If it is no Keras model or layer.
    """
    if not isinstance(backbone, keras.layers.Layer):
        raise TypeError(
            "`backbone` must be a Keras model from a dict of features to `z` "
            f"of shape [batch, dim]. Received: type={type(backbone).__name__}"
        )
    return backbone


def feature_names(backbone: Any) -> tuple[str, ...] | None:
    """Returns the features that a functional backbone reads, else `None`."""
    inputs = _declared(backbone, "input")
    return tuple(inputs) if isinstance(inputs, dict) else None


def output_shapes(backbone: Any) -> tuple[Any, Any] | None:
    """Returns the shapes of both outputs where the backbone is functional."""
    output = _declared(backbone, "output")
    if output is None:
        return None
    z, own = both_outputs(output)
    return tuple(z.shape), None if own is None else tuple(own.shape)


def both_outputs(output: Any) -> tuple[Any, Any]:
    """Returns `z` and what indicators read instead, or `None`.

    Raises:
        ValueError: If a dict holds anything else.
    """
    if not isinstance(output, Mapping):
        return output, None
    if not {"z"} <= set(output) <= {"z", "indicator_features"}:
        raise ValueError(
            "A backbone that returns a dict must return `z` and, if "
            "indicators read something else, `indicator_features`. "
            f"Received: keys={', '.join(sorted(output))}"
        )
    return output["z"], output.get("indicator_features")


def _declared(backbone: Any, name: str) -> Any:
    try:
        return getattr(backbone, name)
    except (AttributeError, ValueError):
        return None  # A subclass declares neither inputs nor outputs.


def select_features(backbone: Any, features: Any) -> Any:
    """Returns the features that the backbone reads, by name.

    Keras pairs a dict with a functional model by sorted position, so that one
    feature too many would shift all others.

    Raises:
        TypeError: If features are no dict where the backbone names its own.
        ValueError: If a feature is missing.
    """
    names = feature_names(backbone)
    if names is None:
        return features
    if not isinstance(features, Mapping):
        raise TypeError(
            "Features must be a dict, because the backbone names its inputs: "
            f"{', '.join(names)}. Received: type={type(features).__name__}"
        )
    missing = [name for name in names if name not in features]
    if missing:
        raise ValueError(
            "Features must hold all that the backbone reads. "
            f"Received: missing={', '.join(missing)}, "
            f"features={', '.join(sorted(features))}"
        )
    return {name: features[name] for name in names}


def describe(features: Any) -> Any:
    """Returns shapes without batch axis, and dtypes, as plain values."""
    return keras.tree.map_structure(
        lambda one: (
            f"{keras.backend.standardize_dtype(one.dtype)}:"
            + ",".join(str(size) for size in one.shape[1:])
        ),
        features,
    )


def symbolic(specs: Any) -> Any:
    """Returns symbolic tensors of what `describe` has said."""

    def tensor(spec: str) -> Any:
        dtype, _, sizes = spec.partition(":")
        shape = [
            None if size == "None" else int(size)
            for size in sizes.split(",")
            if size
        ]
        return keras.KerasTensor((None, *shape), dtype)

    return keras.tree.map_structure(tensor, specs)
