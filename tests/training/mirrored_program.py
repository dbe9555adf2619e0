"""Trains on one device and on two, in a process that has two CPUs.

Prints how far weights and logged losses are apart, as JSON: with Keras' `fit`,
and with the loop for every recipe and option, on batches the last of which is
uneven, with sample weights, a regularizer and membership that is not known.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from slice_tf.models import SliceAwareModel
from slice_tf.training import (
    DatasetBatches,
    FusedAdam,
    choose_strategy,
    train,
)
from sliced_task import FEATURES, SCHEMA, TARGETS, mlp

OPTIONS = {
    "default": ("default", {}),
    "paper": ("paper", {"steps_per_execution": 3}),
    "in pieces": ("default", {"accumulate": 3}),
    "compiled": ("default", {"jit_compile": True, "steps_per_execution": 4}),
}
OPTIMIZERS = {
    "fused adam": FusedAdam,
    "clipped": lambda rate: keras.optimizers.SGD(rate, global_clipnorm=0.5),
    # The first steps overflow, mostly on one device alone, and are skipped.
    "overflowing": lambda rate: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(rate, clipvalue=0.01), initial_scale=2.0**127
    ),
}


def dataset(rows):
    weights = np.linspace(0.5, 1.5, 64).astype("float32")
    known = np.random.default_rng(1).random((64, 2)) < 0.8
    targets = {**TARGETS, "known": known.astype("float32")}
    data = tf.data.Dataset.from_tensor_slices((FEATURES, targets, weights))
    return data.take(rows).batch(16)


def made(strategy, recipe, optimizer=None):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        rates = TARGETS["membership"].mean(axis=0)
        backbone = mlp()
        backbone.layers[-1].kernel_regularizer = keras.regularizers.L2(0.1)
        model = SliceAwareModel(
            backbone, SCHEMA, 2, slice_rates=rates, recipe=recipe
        )
        optimizer = optimizer or keras.optimizers.SGD
        model.compile(optimizer(0.1), metrics=["accuracy"])
    return model


def fitted(strategy):
    model = made(strategy, "default")
    history = model.fit(dataset(64), epochs=3, shuffle=False, verbose=0)
    return model.get_weights(), history.history


def looped(strategy, recipe, options, optimizer=None):
    model = made(strategy, recipe, optimizer)
    data = DatasetBatches(dataset(61))
    history = train(model, data, data, epochs=3, verbose=0, **options)
    return model.get_weights(), history


def gaps(one, two):
    (weights, logs), (other_weights, other_logs) = one, two
    others = [other_logs[key] for key in logs]
    return {
        "logs": sorted(logs),
        "weights_gap": largest_gap(weights, other_weights),
        "logs_gap": largest_gap(logs.values(), others),
    }


def largest_gap(first, second):
    pairs = zip(first, second, strict=True)
    return max(float(np.abs(np.subtract(*pair)).max()) for pair in pairs)


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    one, two = choose_strategy("one"), choose_strategy("mirrored")
    result = {"replicas": two.num_replicas_in_sync}
    result["fit"] = gaps(fitted(one), fitted(two))
    alone = {recipe: looped(one, recipe, {}) for recipe in ("default", "paper")}
    for name, (recipe, options) in OPTIONS.items():
        result[name] = gaps(alone[recipe], looped(two, recipe, options))
    for name, optimizer in OPTIMIZERS.items():
        runs = [looped(on, "default", {}, optimizer) for on in (one, two)]
        result[name] = gaps(*runs)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
