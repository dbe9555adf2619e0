"""Trains on one device and on two, in a process that has two CPUs.

Prints how far weights and logged losses are apart, as JSON.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from slice_tf.models import SliceAwareModel, VanillaModel
from slice_tf.training import choose_strategy
from sliced_task import FEATURES, SCHEMA, TARGETS, mlp


def trained(strategy, make):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = make()
        model.compile(keras.optimizers.SGD(0.1), metrics=["accuracy"])
    weights = np.linspace(0.5, 1.5, 64).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((FEATURES, TARGETS, weights))
    history = model.fit(
        data.batch(16), epochs=3, shuffle=False, verbose=0
    ).history
    return model.get_weights(), history


def slice_aware():
    rates = TARGETS["membership"].mean(axis=0)
    backbone = mlp()
    backbone.layers[-1].kernel_regularizer = keras.regularizers.L2(0.1)
    return SliceAwareModel(backbone, SCHEMA, 2, slice_rates=rates)


def vanilla():
    return VanillaModel(mlp(), 2, SCHEMA)


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    mirrored = choose_strategy("mirrored")
    result = {"replicas": mirrored.num_replicas_in_sync}
    for make in (slice_aware, vanilla):
        one_weights, one_history = trained(choose_strategy("auto"), make)
        two_weights, two_history = trained(mirrored, make)
        gaps = [
            float(np.abs(one - two).max())
            for one, two in zip(one_weights, two_weights, strict=True)
        ]
        logged = [
            float(np.abs(np.subtract(values, two_history[key])).max())
            for key, values in one_history.items()
        ]
        result[make.__name__] = {"weights": max(gaps), "logs": max(logged)}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
