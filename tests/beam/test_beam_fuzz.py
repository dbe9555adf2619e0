"""Files that were spoilt at random never end a job but by its own error."""

import gzip

import numpy as np
import pytest

from beam_job import KEYWORDS, raw_record, read_shards, write_raw
from slice_tf.data import strip_membership, write_records
from slice_tf_beam import apply_slicing_functions

NUM_FILES = 120
RECORDS = [raw_record(index) for index in range(12)]


def flip(data, rng):
    position = rng.integers(len(data))
    data[position] ^= 1 << rng.integers(8)


def cut(data, rng):
    del data[rng.integers(len(data)) :]


def insert(data, rng):
    position = rng.integers(len(data))
    data[position:position] = rng.bytes(int(rng.integers(1, 40)))


def remove(data, rng):
    position = rng.integers(len(data))
    del data[position : position + int(rng.integers(1, 40))]


def zero(data, rng):
    position = int(rng.integers(len(data)))
    size = min(len(data) - position, int(rng.integers(1, 40)))
    data[position : position + size] = bytes(size)


def double(data, rng):
    data += data[rng.integers(len(data)) :]


SPOIL = [flip, cut, insert, remove, zero, double]


@pytest.fixture
def spoilt(tmp_path):
    """Returns a directory of spoilt files, plain and gzip."""
    rng = np.random.default_rng(7)
    (tmp_path / "raw").mkdir()
    for number in range(NUM_FILES):
        path = tmp_path / "raw" / f"train-{number:03}"
        write_records(path, RECORDS, compressed=number % 2 == 1)
        data = bytearray(path.read_bytes())
        SPOIL[number // 2 % len(SPOIL)](data, rng)
        path.write_bytes(data)
    return tmp_path / "raw"


def is_subsequence(some, of_all):
    remaining = iter(of_all)
    return all(one in remaining for one in some)


def test_what_can_be_read_is_kept_and_nothing_else(tmp_path, spoilt):
    summary = apply_slicing_functions(
        str(spoilt), str(tmp_path / "out"), [KEYWORDS], max_bad_records=10**6
    )
    shards = read_shards(tmp_path / "out")
    assert len(shards) == NUM_FILES
    # What was doubled may hold records twice.
    for name, records in shards.items():
        raw = [strip_membership(record) for record in records]
        assert is_subsequence(raw, RECORDS * 2), name
    assert summary.num_bad_records > NUM_FILES / 2
    assert 0 < summary.num_examples < NUM_FILES * len(RECORDS)


def test_by_default_a_spoilt_file_is_named_and_whole_ones_are_sliced(
    tmp_path, spoilt
):
    whole = write_raw(tmp_path / "whole", [5])
    (tmp_path / "whole" / "train-0").replace(spoilt / "whole")
    with pytest.raises(ValueError, match=f"file={spoilt}/train-.*, record="):
        apply_slicing_functions(str(spoilt), str(tmp_path / "out"), [KEYWORDS])
    out = read_shards(tmp_path / "out")
    raw = [strip_membership(record) for record in out["whole"]]
    assert raw == whole["train-0"]


def test_bytes_that_are_no_file_of_records_are_named(tmp_path):
    rng = np.random.default_rng(3)
    (tmp_path / "raw").mkdir()
    for size in (1, 11, 12, 16, 500):
        junk = rng.bytes(size)
        for name, data in (("plain", junk), ("gzip", gzip.compress(junk))):
            (tmp_path / "raw" / f"{name}-{size}").write_bytes(data)
    with pytest.raises(ValueError, match=r"10 of 10 shards could not be"):
        apply_slicing_functions(
            str(tmp_path / "raw"), str(tmp_path / "out"), [KEYWORDS]
        )
    summary = apply_slicing_functions(
        str(tmp_path / "raw"),
        str(tmp_path / "out"),
        [KEYWORDS],
        max_bad_records=10,
    )
    assert (summary.num_bad_records, summary.num_examples) == (10, 0)
