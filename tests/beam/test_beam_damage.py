"""Damaged files: named to the byte, and no other shard suffers."""

import io

import pytest

from beam_job import (
    KEYWORDS,
    files_in,
    raw_record,
    read_shards,
    sliced_by_keywords,
    write_raw,
)
from slice_tf.data import write_records
from slice_tf_beam import apply_slicing_functions

FRAME = 16
SIZE = 30


@pytest.fixture
def raw(tmp_path):
    write_raw(tmp_path / "raw", [SIZE, SIZE])
    return tmp_path / "raw"


def start_of(index):
    """Returns the byte at which record `index` of `train-0` starts."""
    return sum(len(raw_record(one)) + FRAME for one in range(index))


def slice_all(tmp_path):
    return apply_slicing_functions(
        str(tmp_path / "raw"), str(tmp_path / "out"), [KEYWORDS]
    )


def refuse(tmp_path, place):
    message = f"file={tmp_path}/raw/train-0, {place}"
    with pytest.raises(ValueError, match=message):
        slice_all(tmp_path)
    assert set(files_in(tmp_path / "out")) == {"train-1", "train-1.stats.json"}


def mend_and_check(tmp_path):
    """Writes the shards anew and expects that the job then goes on."""
    whole = tmp_path / "out" / "train-1"
    before = whole.stat().st_mtime_ns
    good = (tmp_path / "raw" / "train-1").stat().st_mtime_ns
    shards = write_raw(tmp_path / "again", [SIZE, SIZE])
    (tmp_path / "again" / "train-0").replace(tmp_path / "raw" / "train-0")
    slice_all(tmp_path)
    assert read_shards(tmp_path / "out") == {
        name: [sliced_by_keywords(record) for record in records]
        for name, records in shards.items()
    }
    assert whole.stat().st_mtime_ns == before
    assert (tmp_path / "raw" / "train-1").stat().st_mtime_ns == good


def test_a_flipped_byte_is_named(tmp_path, raw):
    data = bytearray((raw / "train-0").read_bytes())
    data[start_of(7) + 14] ^= 1
    (raw / "train-0").write_bytes(data)
    refuse(
        tmp_path,
        f"record=7, byte={start_of(7)}, damage=bad checksum of the data",
    )
    mend_and_check(tmp_path)


def test_a_wrong_length_is_named(tmp_path, raw):
    data = bytearray((raw / "train-0").read_bytes())
    data[start_of(9)] ^= 1
    (raw / "train-0").write_bytes(data)
    refuse(
        tmp_path,
        f"record=9, byte={start_of(9)}, damage=bad checksum of the length",
    )


@pytest.mark.parametrize("compressed", [False, True])
def test_a_truncated_file_is_named(tmp_path, raw, compressed):
    records = [raw_record(index) for index in range(SIZE)]
    write_records(raw / "train-0", records, compressed)
    data = (raw / "train-0").read_bytes()
    (raw / "train-0").write_bytes(data[:-5])
    if compressed:
        place = f"record={SIZE}, byte={start_of(SIZE)} of the decompressed"
    else:
        place = f"record={SIZE - 1}, byte={start_of(SIZE - 1)}, damage=trunc"
    refuse(tmp_path, place)
    mend_and_check(tmp_path)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("junk", [b"\xff\xff\xff", b"\x0a\x7fabc"])
def test_a_record_that_is_no_example_is_named(tmp_path, raw, junk, compressed):
    records = [raw_record(index) for index in range(SIZE)]
    records[4] = junk
    write_records(raw / "train-0", records, compressed)
    stream = " of the decompressed stream" if compressed else ""
    refuse(
        tmp_path,
        f"record=4, byte={start_of(4)}{stream}, damage=no serialized "
        "tf.train.Example",
    )


def test_what_is_no_tfrecord_file_is_named(tmp_path, raw):
    (raw / "train-0").write_text("id,text\n1,a review of a ride\n")
    refuse(tmp_path, "record=0, byte=0, damage=bad checksum of the length")


def test_all_damaged_files_are_told_of_the_first_in_the_error(
    tmp_path, raw, caplog
):
    for name in ("train-0", "train-1"):
        (raw / name).write_bytes(b"junk that is no record")
    message = f"2 of 2 shards.*first because.*file={raw}/train-0, record=0"
    with pytest.raises(ValueError, match=message):
        slice_all(tmp_path)
    assert f"file={raw}/train-1, record=0, byte=0" in caplog.text


def test_an_empty_record_is_an_example_of_no_features(tmp_path, raw):
    write_records(raw / "train-0", [b"", raw_record(0)])
    summary = apply_slicing_functions(
        str(raw), str(tmp_path / "out"), [KEYWORDS], max_error_rate=0.5
    )
    assert [one.unknown for one in summary.slices] == [1, 1]


def test_a_big_record_is_sliced(tmp_path, raw):
    stream = io.BytesIO()
    big = raw_record(0) + b"\x1a\x80\x80\x80\x08" + bytes(16 << 20)
    write_records(stream, [big])
    (raw / "train-0").write_bytes(stream.getvalue())
    slice_all(tmp_path)
    assert read_shards(tmp_path / "out")["train-0"] == [sliced_by_keywords(big)]
