"""A small task with two slices, for tests of models and training."""

import keras
import numpy as np

from slice_tf.models import SliceAwareModel, build_mlp
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["small", "large"])

_X = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
FEATURES = {"x": _X}
TARGETS = {
    "label": (_X[:, 0] > 0).astype("int64"),
    "membership": (_X[:, 1:3] > [1.0, 0.0]).astype("float32"),
}


def mlp():
    return build_mlp({"x": ((6,), "float32")}, units=(8,))


def made(
    num_classes,
    *,
    schema=SCHEMA,
    seed=0,
    rates="data",
    recipe="default",
    units=None,
    **compile_arguments,
):
    """A compiled slice-aware model."""
    keras.utils.set_random_seed(seed)
    if isinstance(rates, str):
        rates = TARGETS["membership"].mean(axis=0)
    model = SliceAwareModel(
        mlp(),
        schema,
        num_classes,
        units=units,
        recipe=recipe,
        slice_rates=rates,
    )
    model.compile(keras.optimizers.Adam(1e-2), **compile_arguments)
    return model
