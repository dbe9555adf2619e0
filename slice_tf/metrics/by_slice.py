"""From one number a slice to named ones."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


def by_slice(metric: str, names: Sequence[str], values: Any) -> dict[str, Any]:
    """Returns scalars under `<metric>/<name>`.

    Args:
        metric: What the values are.
        names: Names of the slices, the base slice's included.
        values: Of shape `[slices]`.
    """
    # Keras' `unstack` compiles one program a slice on JAX, outside of a step:
    # a minute at a thousand. Iterating over an array compiles one in all.
    is_jax = keras.backend.backend() == "jax"
    scalars = list(values) if is_jax else ops.unstack(values)
    keys = [f"{metric}/{name}" for name in names]
    return dict(zip(keys, scalars, strict=True))
