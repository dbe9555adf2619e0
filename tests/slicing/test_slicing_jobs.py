"""Resources and preprocessors in a real Beam job, loaded by its workers."""

import json

import numpy as np
import pytest

from slice_tf.data import encode, read_membership, read_records, write_records
from slice_tf.slicing import apply_to_table, load

NUM_SHARDS = 4
SIZE = 20
MODULE = """
import os, pathlib, time
from slice_tf.slicing import Resource, preprocessor, slicing_function

HERE = pathlib.Path(__file__).parent

def load_limit(path):
    with open(path + ".loads", "a") as lines:
        lines.write(f"{os.getpid()}\\n")
    time.sleep(2)
    return int(pathlib.Path(path).read_text())

LIMIT = Resource(load_limit, str(HERE / "limit"))

@preprocessor
def n(row):
    if row.int("n") == 7:
        raise LookupError("seven")
    return row.int("n")

@slicing_function(uses={"n": n, "limit": LIMIT})
def large(row, n, limit):
    return n > limit

@slicing_function(uses={"n": n}, batch=True)
def odd(batch, n):
    return [one % 2 == 1 for one in n]
"""


@pytest.fixture
def job(tmp_path):
    """Returns a function that slices four shards with the module above."""
    (tmp_path / "used_slices.py").write_text(MODULE)
    (tmp_path / "raw").mkdir()
    for shard in range(NUM_SHARDS):
        records = [encode({"n": shard * SIZE + i}) for i in range(SIZE)]
        with (tmp_path / "raw" / f"{shard}.tfrecord").open("wb") as stream:
            write_records(stream, records)

    def run(**options):
        from slice_tf_beam import apply_slicing_functions

        return apply_slicing_functions(
            str(tmp_path / "raw"),
            str(tmp_path / "out"),
            [str(tmp_path / "used_slices.py")],
            max_error_rate=0.1,
            **options,
        )

    return run


@pytest.mark.parametrize("num_workers", [1, 2])
def test_workers_load_once_and_vote_as_in_memory(tmp_path, job, num_workers):
    (tmp_path / "limit").write_text("50")
    # Loading takes longer than functions may take to answer.
    summary = job(num_workers=num_workers, sf_timeout=1.5)
    loads = (tmp_path / "limit.loads").read_text().split()
    assert len(loads) == len(set(loads)) <= num_workers
    functions = load(str(tmp_path / "used_slices.py"))
    table = {"n": np.arange(NUM_SHARDS * SIZE)}
    expected = apply_to_table(functions, table)
    found = []
    for shard in range(NUM_SHARDS):
        with (tmp_path / "out" / f"{shard}.tfrecord").open("rb") as stream:
            found += [read_membership(one, 2) for one in read_records(stream)]
    membership = [list(one[0]) for one in found]
    np.testing.assert_array_equal(membership, expected.membership)
    assert [one.unknown for one in summary.slices] == [1, 1]
    lines = (tmp_path / "out" / "errors.jsonl").read_text().splitlines()
    errors = [json.loads(line) for line in lines]
    assert [(one["slice"], one["record"]) for one in errors] == [
        ("large", 7),
        ("odd", 7),
    ]
    assert {one["message"] for one in errors} == {"preprocessor n: seven"}


def test_a_resource_that_cannot_be_loaded_ends_the_job(tmp_path, job):
    message = "must load before.*load_limit.*FileNotFoundError"
    with pytest.raises(ValueError, match=message):
        job()
    assert not (tmp_path / "out" / "manifest.json").exists()
