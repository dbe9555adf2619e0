"""A backbone of dense layers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops


def build_mlp(
    features: Mapping[str, tuple[tuple[int, ...], str]],
    units: Sequence[int] = (64, 64),
    seed: int | None = None,
    dropout: float = 0.0,
) -> keras.Model:
    """Returns a multi-layer perceptron with named inputs.

    Every feature is cast to float32 and flattened; all are concatenated in
    the order of `features` and go through dense layers with ReLU, the last
    one included.

    Args:
        features: Shape without batch axis, and dtype, of every feature.
        units: Widths of the layers; the last is the width of `z`.
        seed: Seed of the weights. `None` takes Keras' global seed.
        dropout: Share of `z` that is dropped in training, from 0 to below 1.
            Experts are more weights to learn: where data is scarce they need
            it more than a plain head does.

    Returns:
        A model from a dict of features, each of shape `[batch, *shape]`, to
        `z` of shape `[batch, units[-1]]`.

    Raises:
        ValueError: If there is no feature or no layer, a width is not
            positive, or a feature is text.
    """
    _check(features, units)
    inputs = {
        name: keras.Input(shape, dtype=dtype, name=name)
        for name, (shape, dtype) in features.items()
    }
    columns = [_flat(tensor) for tensor in inputs.values()]
    z = ops.concatenate(columns, axis=-1) if len(columns) > 1 else columns[0]
    for position, width in enumerate(units):
        z = keras.layers.Dense(
            width,
            activation="relu",
            kernel_initializer=keras.initializers.GlorotUniform(
                None if seed is None else seed + position
            ),
            name=f"hidden_{position}",
        )(z)
    if dropout:
        z = keras.layers.Dropout(dropout, seed=seed)(z)
    return keras.Model(inputs, z, name="mlp")


def _flat(tensor: Any) -> Any:
    width = math.prod(tensor.shape[1:])
    return ops.reshape(ops.cast(tensor, "float32"), (-1, width))


def _check(
    features: Mapping[str, tuple[tuple[int, ...], str]], units: Sequence[int]
) -> None:
    if not features:
        raise ValueError(
            "`features` must name at least one feature, because a backbone "
            "reads something. Received: features={}"
        )
    text = [name for name, (_, dtype) in features.items() if dtype == "string"]
    if text:
        raise ValueError(
            "`build_mlp` reads numbers only, because text and files have no "
            f"values to multiply. Received: string features={', '.join(text)}."
            " Pass a backbone that takes them, such as `build_text` or "
            "`build_image` of `slice_tf.backbones`, or encode them as numbers "
            "in the records."
        )
    if not units or any(width < 1 for width in units):
        raise ValueError(
            "`units` must hold at least one positive width, because the last "
            f"one is the width of `z`. Received: units={tuple(units)}"
        )
