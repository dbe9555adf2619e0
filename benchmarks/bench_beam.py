"""What the shard job costs beside the raw limit and the usual Beam pipeline.

Ten keyword functions over 200,000 examples of about 640 bytes in eight plain
shards; 20,000 with `--small`. One process, CPU time of the process, three
interleaved rounds, the median of each. The raw limit is what must happen to
every record, written as one loop without errors, counts or files of a job:
read with both checksums, parse, ask ten functions, append, write. The usual
pipeline is `ReadFromTFRecord | Map | WriteToTFRecord`, once with our append
in the map and once with the membership set in the message.

Run it with: python benchmarks/bench_beam.py
"""

import itertools
import logging
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

import apache_beam as beam
import numpy as np
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from slice_tf.data import (
    append_membership,
    decode,
    encode,
    list_shards,
    read_records,
    write_records,
)
from slice_tf.slicing import SlicingFunction, load
from slice_tf_beam import ApplySlicingFunctions, apply_slicing_functions

NUM_SHARDS = 8
ROUNDS = 3
WORDS = ("rain", "night", "snow", "bike", "road", "city", "tree", "wheel")
KEYWORDS = (*WORDS, "fog", "ice")


def keyword(word):
    """Returns a slicing function that looks for a word."""
    return SlicingFunction(lambda row: word in row.text("text"), name=word)


FUNCTIONS = [keyword(word) for word in KEYWORDS]
PATHS = [f"{pathlib.Path(__file__).resolve()}:FUNCTIONS"]


def write_raw(directory, num_examples):
    """Writes shards of examples with a text, a vector and a few numbers."""
    rng = np.random.default_rng(0)
    share = num_examples // NUM_SHARDS
    for shard in range(NUM_SHARDS):
        records = (
            encode(
                {
                    "text": " ".join(rng.choice(WORDS, rng.integers(70, 91))),
                    "vector": rng.normal(size=32),
                    "id": shard * share + index,
                    "label": index % 2,
                }
            )
            for index in range(share)
        )
        write_records(directory / f"raw-{shard}", records)


def text_of(record):
    """Returns an example's text."""
    feature = decode(record).features.feature.get("text")
    return feature.bytes_list.value[0].decode()


def plain_keyword(word):
    """Returns a plain function that looks for a word."""
    return lambda text: word in text


PLAIN = [plain_keyword(word) for word in KEYWORDS]


def ask(text):
    """Returns ten answers about a text, one byte each."""
    return bytes([function(text) for function in PLAIN])


def raw_limit(raw, out):
    """Does what must be done to every record and nothing else."""
    out.mkdir()
    for shard in list_shards(raw):
        with open(shard, "rb") as source:
            records = read_records(source, shard)
            write_records(
                out / pathlib.Path(shard).name,
                (append_membership(one, ask(text_of(one))) for one in records),
            )


def shard_job(raw, out):
    """Runs `slice-tf apply` in this process."""
    apply_slicing_functions(str(raw), str(out), PATHS)


def transform(raw, out):
    """Runs the public transform between Beam's own source and sink."""
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | beam.io.ReadFromTFRecord(f"{raw}/*")
            | ApplySlicingFunctions(PATHS)
            | beam.io.WriteToTFRecord(str(out / "sliced"))
        )


def append_to(record):
    """Appends membership to one record."""
    return append_membership(record, ask(text_of(record)))


def set_in(record):
    """Sets membership in one record's message."""
    message = decode(record)
    text = message.features.feature["text"].bytes_list.value[0].decode()
    for word, function in zip(KEYWORDS, PLAIN, strict=True):
        feature = message.features.feature[f"slice/{word}"]
        feature.int64_list.value.append(function(text))
    return message.SerializeToString(deterministic=True)


def per_record(function):
    """Returns the pipeline that a Beam user writes first."""

    def run(raw, out):
        with beam.Pipeline(runner=FnApiRunner()) as pipeline:
            _ = (
                pipeline
                | beam.io.ReadFromTFRecord(f"{raw}/*")
                | beam.Map(function)
                | beam.io.WriteToTFRecord(str(out / "sliced"))
            )

    return run


CONTESTANTS = {
    "raw limit: one loop": raw_limit,
    "shard job (slice-tf apply)": shard_job,
    "ApplySlicingFunctions": transform,
    "Read | Map(append) | Write": per_record(append_to),
    "Read | Map(set 10) | Write": per_record(set_in),
}


def measure(raw, directory):
    """Returns CPU seconds of each contestant in each round."""
    seconds = {name: [] for name in CONTESTANTS}
    for _, (name, run) in itertools.product(range(ROUNDS), CONTESTANTS.items()):
        out = directory / "out"
        start = time.process_time()
        run(raw, out)
        seconds[name].append(time.process_time() - start)
        shutil.rmtree(out)
    return seconds


def main():
    """Prints the table."""
    logging.disable(logging.WARNING)
    num_examples = 20_000 if "--small" in sys.argv else 200_000
    load(PATHS[0])
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        raw = directory / "raw"
        raw.mkdir()
        write_raw(raw, num_examples)
        size = sum(path.stat().st_size for path in raw.iterdir())
        seconds = measure(raw, directory)
    print(f"{num_examples} examples of {size / num_examples:.0f} bytes")
    print(f"{'':<30} us/example  of raw limit  times shard job")
    costs = {
        name: statistics.median(runs) / num_examples * 1e6
        for name, runs in seconds.items()
    }
    limit, job = (costs[name] for name in list(costs)[:2])
    for name, cost in costs.items():
        print(
            f"{name:<30} {cost:10.2f} {limit / cost:12.0%} {cost / job:15.2f}"
        )


if __name__ == "__main__":
    main()
