"""Raw shards, what a job must make of them, and the command itself."""

import os
import pathlib
import subprocess
import sys

import numpy as np

from slice_tf.data import (
    append_membership,
    encode,
    read_records,
    write_records,
)

FUNCTIONS = pathlib.Path(__file__).parent / "beam" / "functions"
KEYWORDS = str(FUNCTIONS / "keywords.py")


def functions_in(name):
    """Returns the import path of a file of slicing functions."""
    return str(FUNCTIONS / name)


def raw_record(index):
    """Returns a record: every second one has `rain`, every third `night`."""
    words = [
        "ride",
        *["rain"] * (index % 2 == 0),
        *["night"] * (index % 3 == 0),
    ]
    return encode({"text": " ".join(words), "id": index, "label": index % 2})


def write_raw(directory, sizes, compressed=False):
    """Writes shards `train-0`, ... of so many records, and returns them.

    Args:
        directory: Created where it is missing.
        sizes: Number of records of each shard.
        compressed: Whether to write gzip.

    Returns:
        Dict of shard name to records.
    """
    directory.mkdir(parents=True, exist_ok=True)
    shards, start = {}, 0
    for number, size in enumerate(sizes):
        records = [raw_record(index) for index in range(start, start + size)]
        shards[f"train-{number}"] = records
        write_records(directory / f"train-{number}", records, compressed)
        start += size
    return shards


def keyword_membership(record):
    """Returns what `keywords.py` must say of a record, without it."""
    return np.array([b"rain" in record, b"night" in record], np.uint8)


def sliced_by_keywords(record):
    """Returns the record that `keywords.py` must make of a raw one."""
    return append_membership(record, keyword_membership(record))


def read_shards(directory):
    """Returns a sliced directory's shards: dict of name to records."""
    return {
        path.name: list(read_records(path))
        for path in sorted(directory.iterdir())
        if path.suffix not in (".json", ".jsonl")
    }


def files_in(directory):
    """Returns dict of every file's name to its bytes, hidden ones too.

    But for costs.json, which no two runs share.
    """
    return {
        path.name: path.read_bytes()
        for path in directory.iterdir()
        if path.name != "costs.json"
    }


def command(*arguments):
    """Returns the words of `slice-tf apply` in a process of its own."""
    words = [sys.executable, "-m", "slice_tf", "apply"]
    return [*words, *map(str, arguments)]


def apply(raw, output_dir, slices, *flags, **options):
    """Runs `slice-tf apply` in a process of its own."""
    own = ["--input", raw, "--slices", slices, "--output-dir", output_dir]
    return subprocess.run(
        command(*own, *flags),
        capture_output=True,
        text=True,
        check=False,
        timeout=options.pop("timeout", 120),
        env={**os.environ, **options.pop("env", {})},
        **options,
    )
