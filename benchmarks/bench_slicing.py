"""What slicing functions cost beside a plain loop over the same records.

Ten keyword functions on records of about 600 bytes, in one process. The plain
loop parses and asks, with nothing between: no typed rows, no strict votes, no
isolation of errors. Times are CPU time, the best of several rounds.

Run it with: python benchmarks/bench_slicing.py
"""

import io
import time

import numpy as np

from slice_tf.data import (
    append_membership,
    decode,
    encode,
    read_records,
    strip_membership,
    write_records,
)
from slice_tf.slicing import Row, SlicingFunction, apply_functions

NUM_RECORDS = 20_000
CHUNK = 256
ROUNDS = 5
WORDS = ("rain", "night", "snow", "bike", "road", "city", "tree", "wheel")
KEYWORDS = (*WORDS, "fog", "ice")


def make_records():
    """Returns records with a text, a vector and a few numbers."""
    rng = np.random.default_rng(0)
    return [
        encode(
            {
                "text": " ".join(rng.choice(WORDS, 70)),
                "vector": rng.normal(size=32),
                "id": index,
                "label": index % 2,
            }
        )
        for index in range(NUM_RECORDS)
    ]


def keyword(word):
    """Returns a function that looks for a word in a text."""
    return lambda text: word in text


def keyword_of_row(word):
    """Returns a slicing function that looks for a word."""
    return SlicingFunction(lambda row: word in row.text("text"), name=word)


PLAIN = [keyword(word) for word in KEYWORDS]
FUNCTIONS = [keyword_of_row(word) for word in KEYWORDS]


def ask_plainly(records):
    """Asks by hand."""
    for record in records:
        feature = decode(record).features.feature.get("text")
        text = feature.bytes_list.value[0].decode()
        for ask in PLAIN:
            ask(text)


def ask_rows(records):
    """Asks the same of rows."""
    for start in range(0, NUM_RECORDS, CHUNK):
        chunk = records[start : start + CHUNK]
        rows = [Row.from_example(decode(record)) for record in chunk]
        apply_functions(FUNCTIONS, rows)


def for_each(function):
    """Returns work that does one thing to every record."""

    def work(records):
        for record in records:
            function(record)

    return work


def microseconds(work, records):
    """Returns CPU time a record."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work(records)
        best = min(best, time.process_time() - start)
    return best / NUM_RECORDS * 1e6


def main():
    """Prints the table."""
    records = make_records()
    row = bytes(len(KEYWORDS))
    appended = [append_membership(record, row) for record in records]
    packed = io.BytesIO()
    write_records(packed, records)

    def read(_):
        for _ in read_records(io.BytesIO(packed.getvalue())):
            pass

    table = {
        "plain loop: parse, ask 10 functions": (ask_plainly, records),
        "slice-tf: parse, ask 10 slicing functions": (ask_rows, records),
        "parse alone": (for_each(decode), records),
        "read, both checksums": (read, records),
        "append membership": (
            for_each(lambda record: append_membership(record, row)),
            records,
        ),
        "strip membership where there is none": (
            for_each(strip_membership),
            records,
        ),
        "strip membership": (for_each(strip_membership), appended),
        "write": (lambda all_: write_records(io.BytesIO(), all_), records),
    }
    costs = {name: microseconds(*job) for name, job in table.items()}
    base = next(iter(costs.values()))
    size = sum(map(len, records)) / NUM_RECORDS
    print(f"{NUM_RECORDS} records of {size:.0f} bytes")
    print(f"{'':<45} us/record  of plain loop")
    for name, cost in costs.items():
        print(f"{name:<45} {cost:9.2f}  {cost / base:13.2f}")


if __name__ == "__main__":
    main()
