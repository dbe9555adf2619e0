"""Trains on one device and on two, in a process that has two CPUs.

Prints how far weights and logged losses are apart, as JSON.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from slice_tf.models import SliceAwareModel
from slice_tf.training import choose_strategy
from sliced_task import FEATURES, SCHEMA, TARGETS, mlp


def trained(strategy):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = slice_aware()
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


def largest_gap(first, second):
    pairs = zip(first, second, strict=True)
    return max(float(np.abs(np.subtract(*pair)).max()) for pair in pairs)


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    mirrored = choose_strategy("mirrored")
    one_weights, one_logs = trained(choose_strategy("auto"))
    two_weights, two_logs = trained(mirrored)
    result = {
        "replicas": mirrored.num_replicas_in_sync,
        "logs": sorted(one_logs),
        "weights_gap": largest_gap(one_weights, two_weights),
        "logs_gap": largest_gap(
            one_logs.values(), [two_logs[key] for key in one_logs]
        ),
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
