"""Claim: slices cost a served model little.

    python benchmarks/bench_export.py [--rounds 200]

A trunk of 768 -> 768 -> 768 is exported without slices and with 100 and 1,000,
folded; the one with 100 also with weights stored as float16. TensorFlow's C
library, which TensorFlow Serving is built on, runs all in turns on one thread,
in a process that has not imported TensorFlow. "Narrow" is the trunk with a
linear layer of 128 units at its end, which all slices read; with "narrow
experts" indicators read the 768 before it. Times are processor time, so that
other work on the machine counts as little as can be. Sizes are those of the
directories.
"""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from slice_tf.export import CSession

DIM = 768
CLASSES = 2
NARROW = 128
# Number of slices, how weights are stored, what experts and indicators read.
EXPORTS = {
    "0": (0, "float32", DIM, DIM),
    "100": (100, "float32", DIM, DIM),
    "100, float16": (100, "float16", DIM, DIM),
    "1000": (1000, "float32", DIM, DIM),
    "1000, narrow": (1000, "float32", NARROW, NARROW),
    "1000, narrow experts": (1000, "float32", NARROW, DIM),
}
BATCHES = (1, 32)
LIMITS = {
    "100": 1.3,
    "1000": 2.2,
    "1000, narrow": 2.2,
    "1000, narrow experts": 2.2,
}
CALLS = 5


def main() -> None:
    """Prints a table of latencies and one of sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--make", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.make:
        make(pathlib.Path(flags.make))
        return
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(
            [sys.executable, __file__, "--make", root],
            check=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        print_latencies(pathlib.Path(root), flags.rounds)
        print_sizes(pathlib.Path(root))


def make(root: pathlib.Path) -> None:
    """Exports the models; TensorFlow is imported here alone."""
    import keras

    from slice_tf.data import Feature, FeatureSpec
    from slice_tf.export import export_saved_model
    from slice_tf.models import SliceAwareModel, VanillaModel, build_mlp
    from slice_tf.schema import SliceSchema

    spec = FeatureSpec({"x": Feature("float32", (DIM,))}, num_classes=CLASSES)
    for name, (number, weights, dim, read) in EXPORTS.items():
        backbone = build_mlp({"x": ((DIM,), "float32")}, units=(DIM, DIM))
        if dim == NARROW:
            wide = backbone.output
            z = keras.layers.Dense(NARROW, use_bias=False)(wide)
            both = {"z": z, "indicator_features": wide}
            backbone = keras.Model(backbone.input, both if read == DIM else z)
        if number:
            names = [f"slice_{i}" for i in range(number)]
            schema = SliceSchema.from_names(names)
            model = SliceAwareModel(backbone, schema, CLASSES, units=128)
        else:
            model = VanillaModel(backbone, CLASSES)
        export_saved_model(model, root / name, spec, weights=weights)


def print_latencies(root: pathlib.Path, rounds: int) -> None:
    """Prints microseconds a call, ratios to no slices, and the floor."""
    print("| batch | slices | median, us | least, us | ratio | floor | limit |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    sessions = {name: CSession(root / name, threads=1) for name in EXPORTS}
    for batch in BATCHES:
        times = measure(sessions, batch, rounds)
        for name, values in times.items():
            ratio = np.median(values) / np.median(times["0"])
            print(
                f"| {batch} | {name} | {np.median(values):.0f} | "
                f"{values.min():.0f} | {ratio:.2f} | "
                f"{floor(name):.2f} | {LIMITS.get(name, '')} |"
            )


def measure(
    sessions: dict[str, CSession], batch: int, rounds: int
) -> dict[str, np.ndarray]:
    """Returns microseconds a call of every round, in turns."""
    x = np.random.default_rng(0).normal(size=(batch, DIM)).astype("float32")
    times: dict[str, list[float]] = {name: [] for name in sessions}
    with contextlib.ExitStack() as stack:
        calls = {
            name: stack.enter_context(
                session.bound("serving_default", {"x": x})
            )
            for name, session in sessions.items()
        }
        for _ in range(rounds):
            for name, call in calls.items():
                call()  # The caches are another model's.
                started = time.process_time()
                for _ in range(CALLS):
                    call()
                spent = time.process_time() - started
                times[name].append(1e6 * spent / CALLS)
    return {name: np.array(values) for name, values in times.items()}


def weights(name: str) -> int:
    """Returns how many weights, and multiplications a row, there are."""
    number, _, dim, read = EXPORTS[name]
    trunk = 2 * DIM * DIM + (DIM * dim if dim < DIM else 0)
    if not number:
        return trunk + dim
    return trunk + (number + 1) * (2 * dim + read)


def floor(name: str) -> float:
    """Returns the ratio of operations, and of bytes, to no slices."""
    return weights(name) / weights("0")


def print_sizes(root: pathlib.Path) -> None:
    """Prints bytes on disk and what a slice adds to them."""
    print()
    print("| slices | bytes | numbers a slice | limit |")
    print("|---:|---:|---:|---:|")
    limit = (2 * CLASSES + 1) * (DIM + 1)
    sizes = {name: size_of(root / name) for name in EXPORTS}
    for name, size in sizes.items():
        number, kind, *_ = EXPORTS[name]
        grown = (size - sizes["0"]) / 4 / number if number else 0
        shown = f"{grown:.0f}" if kind == "float32" else ""
        print(f"| {name} | {size} | {shown} | {limit} |")


def size_of(directory: pathlib.Path) -> int:
    """Returns the bytes of all files below a directory."""
    paths = directory.rglob("*")
    return sum(path.stat().st_size for path in paths if path.is_file())


if __name__ == "__main__":
    main()
