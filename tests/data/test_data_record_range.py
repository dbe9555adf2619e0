import io
import itertools

import numpy as np
import pytest

from slice_tf.data import RecordError, write_records
from slice_tf.data.record_range import find_record, read_range


def packed(records):
    stream = io.BytesIO()
    write_records(stream, records)
    return stream.getvalue()


def starts_of(records):
    sizes = [len(record) + 16 for record in records]
    return [0, *np.cumsum(sizes).tolist()]


def random_records(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.choice([0, 1, 12, 200, 5000], size=60)
    # Zeros, because a length has some of its own.
    return [
        bytes(size) if index % 3 else rng.bytes(size)
        for index, size in enumerate(sizes)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_the_record_is_found_that_starts_next(seed):
    records = random_records(seed)
    data, starts = packed(records), starts_of(records)
    rng = np.random.default_rng(seed)
    near = [start + step for start in starts for step in (-1, 0, 1)]
    for byte in [*near, *rng.integers(0, len(data), 100).tolist()]:
        if 0 <= byte <= len(data):
            expected = min(start for start in starts if start >= byte)
            found = find_record(io.BytesIO(data), byte, len(data))
            assert found == expected


@pytest.mark.parametrize("parts", [1, 2, 7, 500])
def test_ranges_between_any_bytes_give_each_record_once(parts):
    records = random_records(5)
    data = packed(records)
    cuts = [len(data) * part // parts for part in range(parts + 1)]
    stream = io.BytesIO(data)
    places = [find_record(stream, cut, len(data)) for cut in cuts]
    found = [
        record
        for start, stop in itertools.pairwise(places)
        for record in read_range(stream, start, stop, "file")
    ]
    assert found == records


def test_a_record_that_starts_in_a_later_block_is_found():
    records = [bytes(3 << 20), b"second"]
    data = packed(records)
    found = find_record(io.BytesIO(data), 5, len(data))
    assert found == (3 << 20) + 16


def test_records_within_a_record_mislead_and_are_noticed():
    records = [b"zero", packed([b"inner"] * 50), b"last"]
    data, starts = packed(records), starts_of(records)
    stream = io.BytesIO(data)
    found = find_record(stream, 100, len(data))
    assert found not in starts
    for start, stop in ((0, found), (found, len(data))):
        with pytest.raises(RecordError, match="file=file, record="):
            list(read_range(stream, start, stop, "file"))


def test_a_range_that_ends_within_a_record_is_an_error():
    data = packed([b"zero", b"first"])
    with pytest.raises(RecordError, match="record=1, byte=20, damage=trunc"):
        list(read_range(io.BytesIO(data), 0, len(data) - 1, "file"))
