"""Counts request logs with `slice-tf monitor`.

Logs of answers of one example and ten classes. Two sizes, so that the fixed
cost of a pipeline can be told from that of an answer, and the growth of memory
be seen; against the same files only read and parsed. Then, what it costs a
process that calls a server to write such a log.

    python benchmarks/bench_monitoring.py [--answers N]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from slice_tf.data import read_records, write_records
from slice_tf.evaluation import render_table
from slice_tf.monitoring import load_traffic
from slice_tf.schema import SliceSchema
from slice_tf_serving.client.api_messages import message
from slice_tf_serving.dtypes import of_array
from slice_tf_serving.tensors import fill

NUM_CLASSES, NUM_SHARDS = 10, 4
LOG = message("PredictionLog")


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=200_000)
    flags = parser.parse_args()
    sizes = (flags.answers // 4, flags.answers)
    rows = []
    for slices in (10, 100):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for size in sizes:
                write(root / str(size), size, slices)
            parsed = parse(root / str(sizes[1])) / sizes[1]
            for workers in (1, 2):
                (few, small), (many, large) = (
                    run(root, size, workers) for size in sizes
                )
                margin = (many - few) / (sizes[1] - sizes[0])
                rows.append(
                    [
                        f"{slices} slices, {workers} process"
                        + "es" * (workers > 1),
                        f"{few:.1f}",
                        f"{many:.1f}",
                        f"{1 / margin:,.0f}",
                        f"{margin / parsed:.1f} x",
                        f"{small:.0f}",
                        f"{large:.0f}",
                    ]
                )
    headers = [
        "",
        f"{sizes[0]:,} answers, s",
        f"{sizes[1]:,}, s",
        "answers/s beyond the start",
        "against parsing alone",
        f"peak of a process at {sizes[0]:,}, MB",
        f"at {sizes[1]:,}, MB",
    ]
    print(render_table(headers, rows))
    print()
    print(render_table(["to write logs", "start, s", "memory, MB"], starts()))


def starts() -> list[list[str]]:
    """Returns what a process costs that can write logs, in two ways."""
    ours = "slice_tf_serving.request_log"
    stubs = "tensorflow, tensorflow_serving.apis.prediction_log_pb2"
    rows = []
    for name, modules in (
        ("our log", ours),
        ("TensorFlow and its stubs", stubs),
    ):
        command = [sys.executable, "-c", f"import {modules}"]
        seconds, memory = min(cost_of(command) for _ in range(3))
        rows.append([name, f"{seconds:.2f}", f"{memory:.0f}"])
    return rows


def write(directory: pathlib.Path, number: int, slices: int) -> None:
    """Writes logs as the server does, and a SavedModel's schema."""
    directory.mkdir()
    rng = np.random.default_rng(0)
    for shard in range(NUM_SHARDS):
        records = (
            record(rng, slices, NUM_CLASSES)
            for _ in range(number // NUM_SHARDS)
        )
        write_records(directory / f"requests-{shard}.tfrecord", records)
    assets = directory.parent / "saved" / "assets"
    assets.mkdir(parents=True, exist_ok=True)
    SliceSchema.from_names([f"s{i}" for i in range(slices)]).save(assets)


def record(rng: np.random.Generator, slices: int, classes: int) -> bytes:
    """Returns a serialized `PredictionLog` of all that `explain` answers."""
    log = LOG()
    response = log.predict_log.response
    response.model_spec.name, response.model_spec.version.value = "m", 1
    for name, size in (
        ("slice_probabilities", slices),
        ("probabilities", classes),
        ("attention", slices + 1),
        ("logits", classes),
    ):
        array = rng.random((1, size), np.float32)
        fill(response.outputs[name], array, of_array(array), content=True)
    serialized: bytes = log.SerializeToString()
    return serialized


def parse(directory: pathlib.Path) -> float:
    """Returns seconds to read all records and parse them."""
    start = time.perf_counter()
    for path in directory.iterdir():
        for one in read_records(path):
            LOG.FromString(one)
    return time.perf_counter() - start


def run(root: pathlib.Path, size: int, workers: int) -> tuple[float, float]:
    """Returns wall time, and peak memory of the largest of its processes."""
    output = root / "traffic.json"
    command = [sys.executable, "-m", "slice_tf", "monitor"]
    command += [f"--logs={root / str(size)}", f"--output={output}"]
    command += [f"--saved-model={root / 'saved'}", f"--workers={workers}"]
    cost = cost_of(command)
    if load_traffic(output).num_examples != size:
        raise RuntimeError("Not every answer was counted.")
    return cost


def cost_of(command: list[str]) -> tuple[float, float]:
    """Returns wall time of a command, and peak memory of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"The command gave status {process.returncode}.")
    return seconds, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
