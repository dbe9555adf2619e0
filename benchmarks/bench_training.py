"""What reading sliced data and our loops cost beside TensorFlow alone.

First reading: sliced shards of 384 floats, a label and 100 slices through
`load_dataset`, beside a bare `TFRecordDataset.batch.parse_example` of the same
features; then 10 slices beside 1,000. Then training: `fit` and `train`
beside a `tf.function` step written by hand around the same model. What is
compared runs in turns; ratios are medians over rounds.

Run it with: python benchmarks/bench_training.py [--rounds 5]
"""

import argparse
import json
import os
import pathlib
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from slice_tf.data import FeatureSpec, append_membership, encode, write_records
from slice_tf.data.dataset import load_dataset
from slice_tf.models import SliceAwareModel, VanillaModel, build_mlp
from slice_tf.schema import SliceSchema
from slice_tf.training import DatasetBatches, fit, train

DIM, BATCH, DENSITY = 384, 256, 0.05
RECORDS, SHARDS = 32_768, 4
STEPS = 100  # of one round of training
SPEC = FeatureSpec.parse([f"x=float32:{DIM}"])


class Clock:
    """Wall and CPU seconds since it was made."""

    def __init__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self):
        """Returns both."""
        wall, cpu = time.perf_counter(), time.process_time()
        return wall - self.wall, cpu - self.cpu


class SecondEpoch(keras.callbacks.Callback):
    """Times the second epoch: the first one traces."""

    async_safe = True

    def on_epoch_begin(self, epoch, logs=None):
        self.clock = Clock()

    def on_epoch_end(self, epoch, logs=None):
        self.took = self.clock.read()


class Timed:
    """A piece of work, its wall and CPU seconds, a number a round each."""

    def __init__(self, work):
        self.work, self.wall, self.cpu = work, [], []
        work()

    def round(self):
        """Does the work once more; it may time its own second half."""
        clock = Clock()
        wall, cpu = self.work() or clock.read()
        self.wall.append(wall)
        self.cpu.append(cpu)

    def ratio(self, other, clock):
        """Returns the median over rounds of the time of another to this."""
        pairs = zip(getattr(other, clock), getattr(self, clock), strict=True)
        return statistics.median(one / two for one, two in pairs)


def in_turns(works, rounds):
    """Times works in turns; returns them, timed."""
    timed = {name: Timed(work) for name, work in works.items()}
    for _ in range(rounds):
        for one in timed.values():
            one.round()
    return timed


def schema_of(num_slices):
    """Returns a schema of so many slices."""
    return SliceSchema.from_names([f"s{i}" for i in range(num_slices)])


def write_sliced(directory, num_slices):
    """Writes what `slice-tf apply` would, of random numbers."""
    directory.mkdir()
    rng = np.random.default_rng(0)
    schema, shards = schema_of(num_slices), []
    for shard in range(SHARDS):
        path = directory / f"part-{shard}.tfrecord"
        records = [
            append_membership(
                encode(
                    {
                        "x": rng.normal(size=DIM).astype("float32"),
                        "label": int(rng.integers(2)),
                    }
                ),
                (rng.random(num_slices) < DENSITY).astype(np.uint8),
            )
            for _ in range(RECORDS // SHARDS)
        ]
        write_records(path, records)
        shards.append(
            {
                "name": path.name,
                "num_examples": len(records),
                "num_bytes": path.stat().st_size,
            }
        )
    schema.save(directory)
    manifest = {
        "format_version": 1,
        "num_examples": RECORDS,
        "shards": shards,
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))


def reading(dataset):
    """Returns a function that reads a dataset to its end, in TensorFlow."""

    @tf.function
    def read():
        return dataset.reduce(
            tf.constant(0, tf.int64),
            lambda count, batch: count + tf.size(batch[1]["label"], tf.int64),
        )

    def work():
        if int(read()) != RECORDS:
            raise RuntimeError("some records were not read")

    return work


def bare(directory, num_slices):
    """Returns batches as TensorFlow alone reads them: the limit."""
    key = SliceSchema(()).membership_key
    features = {
        "x": tf.io.FixedLenFeature([DIM], tf.float32),
        "label": tf.io.FixedLenFeature([], tf.int64),
        key: tf.io.FixedLenFeature([num_slices], tf.int64),
    }

    def parse(records):
        values = tf.io.parse_example(records, features)
        return {"x": values["x"]}, values

    files = [str(path) for path in sorted(directory.glob("*.tfrecord"))]
    return (
        tf.data.TFRecordDataset(files)
        .batch(BATCH)
        .map(parse, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def bench_reading(folder, rounds):
    """Prints how reading compares with TensorFlow alone."""
    directories = {number: folder / str(number) for number in (10, 100, 1_000)}
    for number, directory in directories.items():
        write_sliced(directory, number)

    def loaded(number):
        return load_dataset(directories[number], SPEC, schema_of(number), BATCH)

    timed = in_turns(
        {
            "bare, 100": reading(bare(directories[100], 100)),
            "load_dataset, 100": reading(loaded(100)),
            "bare, 1,000": reading(bare(directories[1_000], 1_000)),
            "load_dataset, 10": reading(loaded(10)),
            "load_dataset, 1,000": reading(loaded(1_000)),
        },
        rounds,
    )
    pairs = (
        ("load_dataset, 100", "bare, 100", 0.8),
        ("load_dataset, 1,000", "bare, 1,000", None),
        ("load_dataset, 1,000", "load_dataset, 10", 0.5),
    )
    show("examples/s", timed, RECORDS, pairs)


def batch_of(num_slices):
    """Returns features and targets of one batch."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH, DIM)).astype("float32")
    membership = (rng.random((BATCH, num_slices)) < DENSITY).astype("float32")
    targets = {"label": (x[:, 0] > 0).astype("int64")}
    return {"x": x}, {**targets, "membership": membership}


def made(num_slices):
    """Returns a compiled model."""
    keras.utils.set_random_seed(0)
    backbone = build_mlp({"x": ((DIM,), "float32")}, (DIM, DIM))
    if not num_slices:
        model = VanillaModel(backbone)
    else:
        model = SliceAwareModel(
            backbone,
            schema_of(num_slices),
            units=64,
            slice_rates=[DENSITY] * num_slices,
        )
    model.compile(keras.optimizers.Adam(1e-3))
    return model


def by_hand(model, dataset):
    """Returns an epoch of steps as one would write them by hand."""
    loss_tracker = keras.metrics.Mean()
    variables = model.trainable_variables
    model.optimizer.build(variables)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            loss = model.compute_loss(x, y, outputs)
        gradients = tape.gradient(loss, variables)
        model.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        loss_tracker.update_state(loss)
        model.compute_metrics(x, y, outputs)

    def epoch():
        loss_tracker.reset_state()
        model.reset_metrics()
        for x, y in dataset:
            step(x, y)
        float(loss_tracker.result())

    return epoch


def bench_training(rounds):
    """Prints how our loops compare with a step written by hand."""
    works, pairs = {}, []
    for number in (0, 100):
        batch = tf.data.Dataset.from_tensors(batch_of(number)).cache()
        data = batch.repeat(STEPS).prefetch(2)
        hand, fitted, looped, many = (made(number) for _ in range(4))
        label = f"{number} slices"
        works.update(
            {
                f"by hand, {label}": by_hand(hand, data),
                f"fit, {label}": fitting(fitted, data),
                f"train, {label}": training(looped, data),
                f"train, 16 steps at once, {label}": training(
                    many, data, steps_per_execution=16
                ),
            }
        )
        pairs += [
            (f"{way}, {label}", f"by hand, {label}", 1 / 1.1)
            for way in ("fit", "train", "train, 16 steps at once")
        ]
    timed = in_turns(works, rounds)
    show("steps/s", timed, STEPS, pairs)


def fitting(model, data):
    """Returns a function that times an epoch of `fit`."""
    return lambda: second_epoch(fit, model, data)


def training(model, data, **options):
    """Returns a function that times an epoch of `train`."""
    batches = DatasetBatches(data)
    return lambda: second_epoch(train, model, batches, **options)


def second_epoch(trained, model, data, **options):
    """Trains for two epochs and returns what the second took."""
    watch = SecondEpoch()
    trained(model, data, epochs=2, verbose=0, callbacks=[watch], **options)
    return watch.took


def show(unit, timed, amount, pairs):
    """Prints a table, and ratios to what each is compared with."""
    print(f"\n| | {unit}, wall | CPU us each |\n|---|---:|---:|")
    for name, one in timed.items():
        rate = amount / statistics.median(one.wall)
        cpu = 1e6 * statistics.median(one.cpu) / amount
        print(f"| {name} | {rate:,.0f} | {cpu:,.1f} |")
    print("\n| | of | rate by wall | by CPU | goal |\n|---|---|---:|---:|---:|")
    for name, other, goal in pairs:
        wall, cpu = (
            timed[name].ratio(timed[other], clock) for clock in ("wall", "cpu")
        )
        goal = "" if goal is None else f"{goal:.2f}"
        print(f"| {name} | {other} | {wall:.2f} | {cpu:.2f} | {goal} |")


def main():
    """Runs both and prints their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    tf.config.threading.set_intra_op_parallelism_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        bench_reading(pathlib.Path(folder), rounds)
    bench_training(rounds)


if __name__ == "__main__":
    main()
