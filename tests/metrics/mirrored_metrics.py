"""Prints what `SliceMetrics` counts on two devices, and on one, as JSON."""

import json

import numpy as np
import tensorflow as tf

from slice_tf.metrics import SliceMetrics


def made(num_rows):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, num_rows).astype("int32")
    logits = rng.normal(size=(num_rows, 1)).astype("float32") + labels[:, None]
    members = (rng.random((num_rows, 3)) < 0.3).astype("float32")
    return labels, logits, members


def main():
    cpus = tf.config.list_physical_devices("CPU")
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpus[0], two)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    data = tf.data.Dataset.from_tensor_slices(made(100)).batch(20)
    with strategy.scope():
        metric = SliceMetrics(["a", "b", "c"])

    @tf.function
    def step(batch):
        strategy.run(metric.update_state, args=batch)

    for batch in strategy.experimental_distribute_dataset(data):
        step(batch)
    with strategy.scope():
        mirrored = {k: float(v) for k, v in metric.result().items()}
    alone = SliceMetrics(["a", "b", "c"])
    alone.update_state(*made(100))
    single = {k: float(v) for k, v in alone.result().items()}
    print(json.dumps({"mirrored": mirrored, "alone": single}))  # noqa: T201


if __name__ == "__main__":
    main()
