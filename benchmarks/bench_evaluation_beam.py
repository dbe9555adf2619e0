"""Evaluates TFRecords of predictions on Beam, in 100 overlapping slices.

Two sizes, so that the fixed cost of a pipeline can be told from the cost of an
example, and the growth of memory be seen. One process and two; the same
arrays are counted in memory and the results compared.

    python benchmarks/bench_evaluation_beam.py [--examples N]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from slice_tf.data import append_membership, encode, write_records
from slice_tf.evaluation import Results, render_table
from slice_tf.schema import SliceSchema

NUM_SLICES, SHARE, NUM_SHARDS = 100, 0.056, 8
GOAL = 20_000


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=400_000)
    flags = parser.parse_args()
    sizes = (flags.examples // 4, flags.examples)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for size in sizes:
            write(root / str(size), size)
        for workers in (1, 2):
            (few, small), (many, large) = (
                run(root / str(size), size, workers) for size in sizes
            )
            margin = (sizes[1] - sizes[0]) / max(many - few, 1e-9)
            rate = sizes[1] / many
            rows.append(
                [
                    f"{workers} process" + "es" * (workers > 1),
                    f"{few:.1f}",
                    f"{many:.1f}",
                    f"{rate:,.0f}",
                    f"{rate / GOAL:.2f} x",
                    f"{margin:,.0f}",
                    f"{small:.0f}",
                    f"{large:.0f}",
                ]
            )
    headers = [
        f"{NUM_SLICES} slices",
        f"{sizes[0]:,} examples, s",
        f"{sizes[1]:,}, s",
        "examples/s",
        "against 20,000",
        "examples/s beyond the start",
        f"peak of a process at {sizes[0]:,}, MB",
        f"at {sizes[1]:,}, MB",
    ]
    print(render_table(headers, rows))


def write(directory: pathlib.Path, num_examples: int) -> None:
    """Writes shards of predictions."""
    directory.mkdir()
    rng = np.random.default_rng(0)
    share = num_examples // NUM_SHARDS
    for shard in range(NUM_SHARDS):
        labels = rng.integers(0, 2, share)
        scores = 1 / (1 + np.exp(-(rng.normal(size=share) + 2 * labels - 1)))
        members = rng.random((share, NUM_SLICES), dtype=np.float32) < SHARE
        records = (
            append_membership(
                encode({"label": label, "probabilities": [score]}), row
            )
            for label, score, row in zip(
                labels.tolist(),
                scores.tolist(),
                members.astype(np.uint8),
                strict=True,
            )
        )
        write_records(directory / f"part-{shard}.tfrecord", records)
    names = [f"s{i}" for i in range(NUM_SLICES)]
    SliceSchema.from_names(names).save(directory)


def run(
    directory: pathlib.Path, size: int, workers: int
) -> tuple[float, float]:
    """Returns wall time, and peak memory of the largest of its processes."""
    output = directory.parent / f"{directory.name}-{workers}.json"
    command = [sys.executable, "-m", "slice_tf", "evaluate"]
    own = [f"--predictions={directory}", f"--output={output}"]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, *own, f"--workers={workers}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"The command gave status {process.returncode}.")
    if Results.load(output).data.num_examples != size:
        raise RuntimeError("Not every example was counted.")
    return seconds, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
