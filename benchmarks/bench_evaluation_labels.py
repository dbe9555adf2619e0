"""Evaluates five labels in 50 overlapping slices: one pass, or one a label.

The same commands with and without `--label-index`, in one process and in
turns, so that start-up counts in neither: a trained model beside a baseline on
sliced records of 256 numbers, and TFRecords of predictions on Beam. Least of
three, seconds of CPU.

    python benchmarks/bench_evaluation_labels.py [--examples N]
"""

import argparse
import contextlib
import io
import json
import logging
import pathlib
import tempfile
import time

import numpy as np

from slice_tf.data import append_membership, encode, write_records
from slice_tf.evaluation import load_labels, render_table
from slice_tf.programs import evaluate, train
from slice_tf.schema import SliceSchema

NUM_LABELS, NUM_SLICES, SHARE, DIM = 5, 50, 0.1, 256
REPEATS = 3


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=20_000)
    flags = parser.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        write(root / "data", flags.examples)
        data, model = str(root / "data"), str(root / "model")
        quietly(
            train.main,
            [
                *("--data", data, "--features", f"x=float32:{DIM}"),
                *("--task", "multi_label", "--num-classes", str(NUM_LABELS)),
                *("--epochs", "1", "--output-dir", model),
            ],
        )
        kinds = {
            "model and baseline": ["--model", model, "--baseline", model],
            "predictions on Beam": [f"--predictions={data}/part-*"],
        }
        kinds["model and baseline"] += ["--data", data]
        rows = [measure(kind, own, root) for kind, own in kinds.items()]
    headers = [
        f"{flags.examples:,} examples, {NUM_LABELS} labels, {NUM_SLICES} "
        "slices",
        "a pass a label, s of CPU",
        "one pass",
        "gain",
        "one label alone",
    ]
    print(render_table(headers, rows))


def measure(kind: str, own: list[str], root: pathlib.Path) -> list[str]:
    """Returns a row; both ways must give the same results."""
    whole, each = root / f"{kind} all", root / f"{kind} each"
    once, apart = [], []
    for _ in range(REPEATS):
        once.append(timed([*own, f"--output={whole}"]))
        apart.append(
            [
                timed(
                    [
                        *(*own, f"--label-index={i}"),
                        f"--output={each / f'label_{i}.json'}",
                    ]
                )
                for i in range(NUM_LABELS)
            ]
        )
    if load_labels(whole) != load_labels(each):
        raise RuntimeError("One pass gave other results than five.")
    several, one = min(map(sum, apart)), min(once)
    alone = min(map(min, apart))
    return [
        kind,
        f"{several:.2f}",
        f"{one:.2f}",
        f"{several / one:.1f} x",
        f"{alone:.2f}",
    ]


def timed(flags: list[str]) -> float:
    """Returns seconds of CPU of a command."""
    start = time.process_time()
    quietly(evaluate.main, flags)
    return time.process_time() - start


def quietly(program: object, flags: list[str]) -> None:
    """Runs a command without its table."""
    with contextlib.redirect_stdout(io.StringIO()):
        status = program(flags)  # type: ignore[operator]
    if status:
        raise RuntimeError(f"The command gave status {status}.")


def write(directory: pathlib.Path, num_examples: int) -> None:
    """Writes sliced records, with what predictions made elsewhere hold."""
    directory.mkdir()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(num_examples, DIM)).astype(np.float32)
    labels = (x[:, :NUM_LABELS] > 0).astype(np.int64)
    scores = rng.random((num_examples, NUM_LABELS)).astype(np.float32)
    members = rng.random((num_examples, NUM_SLICES)) < SHARE
    shards = []
    for shard, rows in enumerate(np.array_split(np.arange(num_examples), 4)):
        records = (
            append_membership(
                encode(
                    {
                        "x": x[i],
                        "label": labels[i],
                        "probabilities": scores[i],
                    }
                ),
                members[i].astype(np.uint8),
            )
            for i in rows
        )
        path = directory / f"part-{shard}.tfrecord"
        write_records(path, records)
        facts = {"name": path.name, "num_examples": len(rows)}
        shards.append({**facts, "num_bytes": path.stat().st_size})
    names = [f"s{i}" for i in range(NUM_SLICES)]
    SliceSchema.from_names(names).save(directory)
    sizes = members.sum(axis=0).tolist()
    slices = [
        {"name": name, "size": size}
        for name, size in zip(names, sizes, strict=True)
    ]
    for name, values in {
        "manifest.json": {"shards": shards},
        "summary.json": {"slices": slices},
    }.items():
        facts = {"format_version": 1, "num_examples": num_examples, **values}
        (directory / name).write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
