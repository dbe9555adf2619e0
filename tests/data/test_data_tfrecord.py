import gzip
import io
import pickle

import numpy as np
import pytest
import tensorflow as tf

from slice_tf.data.tfrecord import (
    RecordError,
    frame,
    is_gzip,
    list_shards,
    read_records,
    write_records,
)

RECORDS = [b"first", b"", b"third record"]
# Bytes at which each record of RECORDS starts, and the end.
STARTS = [0, 21, 37, 65]


def packed(records, compressed=False):
    stream = io.BytesIO()
    write_records(stream, records, compressed)
    return stream.getvalue()


def read(data):
    """Returns the whole records of a file and what stopped its reading."""
    records = []
    try:
        for record in read_records(io.BytesIO(data), "file"):
            records.append(record)
    except RecordError as error:
        return records, error
    return records, None


class Drip(io.RawIOBase):
    """A stream that gives a few bytes at a time, as a socket does."""

    def __init__(self, data, size):
        self._stream, self._size = io.BytesIO(data), size

    def read(self, _=-1):
        return self._stream.read(self._size)


def random_records(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.choice([0, 1, 12, 200, 5000], size=rng.integers(1, 40))
    return [rng.bytes(size) for size in sizes]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_records_come_back(tmp_path, seed, compressed):
    records = random_records(seed)
    path = tmp_path / "shard"
    assert write_records(path, records, compressed) == len(records)
    assert list(read_records(path)) == records
    assert is_gzip(path) == compressed
    assert [one.name for one in tmp_path.iterdir()] == ["shard"]


@pytest.mark.parametrize("compressed", [False, True])
def test_tensorflow_reads_what_we_write(tmp_path, compressed):
    path = str(tmp_path / "shard")
    records = random_records(0)
    write_records(path, records, compressed)
    dataset = tf.data.TFRecordDataset(path, "GZIP" if compressed else "")
    assert list(dataset.as_numpy_iterator()) == records


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_we_read_what_tensorflow_writes(tmp_path, compression):
    path = str(tmp_path / "shard")
    records = random_records(1)
    with tf.io.TFRecordWriter(path, compression) as writer:
        for record in records:
            writer.write(record)
    assert list(read_records(path)) == records
    if not compression:
        with open(path, "rb") as stream:
            assert stream.read() == packed(records)


@pytest.mark.parametrize("size", [1, 7, 100, 30000])
@pytest.mark.parametrize("compressed", [False, True])
def test_chunks_of_any_size_give_the_same_records(size, compressed):
    records = random_records(2)
    stream = Drip(packed(records, compressed), size)
    assert list(read_records(stream)) == records


def test_a_record_larger_than_a_chunk_is_read(tmp_path):
    records = [b"a", np.random.default_rng(0).bytes(9 << 20), b"b"]
    write_records(tmp_path / "shard", records)
    assert list(read_records(tmp_path / "shard")) == records


def test_a_plain_file_that_starts_like_gzip_is_plain(tmp_path):
    records = [bytes(0x088B1F), b"second"]
    write_records(tmp_path / "shard", records)
    assert packed(records).startswith(b"\x1f\x8b\x08")
    assert list(read_records(tmp_path / "shard")) == records


def test_concatenated_and_padded_gzip_is_one_file():
    data = packed([b"a"], True) + packed([b"b"], True) + bytes(100)
    assert read(data) == ([b"a", b"b"], None)


def test_an_empty_file_has_no_records():
    assert read(b"") == ([], None)
    assert read(gzip.compress(b"")) == ([], None)


@pytest.mark.parametrize("compressed", [False, True])
def test_the_same_records_give_the_same_bytes(tmp_path, compressed):
    write_records(tmp_path / "a", RECORDS, compressed)
    write_records(tmp_path / "b", RECORDS, compressed)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert packed(RECORDS, compressed) == (tmp_path / "a").read_bytes()


def test_a_failed_write_leaves_the_old_file(tmp_path):
    def failing():
        yield b"new"
        raise RuntimeError("source broke")

    write_records(tmp_path / "shard", [b"old"])
    with pytest.raises(RuntimeError, match="source broke"):
        write_records(tmp_path / "shard", failing())
    assert list(read_records(tmp_path / "shard")) == [b"old"]
    assert [one.name for one in tmp_path.iterdir()] == ["shard"]


@pytest.mark.parametrize("cut", range(1, STARTS[-1]))
def test_a_cut_file_gives_its_whole_records_then_says_where(cut):
    records, error = read(packed(RECORDS)[:cut])
    whole = sum(start <= cut for start in STARTS[1:])
    assert records == RECORDS[:whole]
    if cut in STARTS:
        assert error is None  # nothing in the file tells; the manifest does
    else:
        assert (error.record_index, error.offset) == (whole, STARTS[whole])
        assert error.damage.startswith("truncated: ")


@pytest.mark.parametrize(
    ("byte", "damage"),
    [
        (21, "bad checksum of the length"),
        (30, "bad checksum of the length"),
        (50, "bad checksum of the data"),
        (64, "bad checksum of the data"),
    ],
)
def test_a_flipped_bit_is_found_and_located(byte, damage):
    data = bytearray(packed(RECORDS))
    data[byte] ^= 4
    index = sum(start <= byte for start in STARTS) - 1
    records, error = read(bytes(data))
    assert records == RECORDS[:index]
    assert str(error) == (
        "A TFRecord file must hold whole records with right checksums. "
        f"Received: file=file, record={index}, byte={STARTS[index]}, "
        f"damage={damage}. Write the file again, or leave it out."
    )


def test_damage_after_a_chunk_is_located_in_the_file():
    data = bytearray(packed([bytes(1 << 20)] * 12))
    data[10 * ((1 << 20) + 16) + 50] ^= 1
    records, error = read(bytes(data))
    assert (len(records), error.record_index) == (10, 10)
    assert error.offset == 10 * ((1 << 20) + 16)


@pytest.mark.parametrize("size", [1, 7, 1 << 22])
def test_reading_goes_on_after_damaged_data_where_someone_takes_the_error(
    size,
):
    data = bytearray(packed([b"zero", b"first", b"second", b"third"]))
    starts = [0, 20, 41, 63]
    for start in starts[1:3]:
        data[start + 12] ^= 1
    errors = []
    stream = Drip(bytes(data), size)
    found = list(read_records(stream, "file", errors.append))
    assert found == [b"zero", b"third"]
    places = [(one.record_index, one.offset, one.resume_at) for one in errors]
    assert places == [(1, 20, 41), (2, 41, 63)]


def test_reading_ends_where_the_next_record_cannot_be_found():
    for data, damage in [
        (packed(RECORDS)[:-1], "truncated: 27 of 28 bytes are there"),
        (packed(RECORDS) + bytes(12), "bad checksum of the length"),
    ]:
        errors = []
        found = list(read_records(io.BytesIO(data), "file", errors.append))
        (error,) = errors
        assert found == RECORDS[: error.record_index]
        assert (error.damage, error.resume_at) == (damage, None)


def test_any_flipped_bit_is_found():
    data = packed(random_records(3))
    rng = np.random.default_rng(0)
    for position in rng.integers(0, len(data) * 8, 200):
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        records, error = read(bytes(damaged))
        assert error is not None
        assert records == random_records(3)[: error.record_index]


def test_junk_raises_nothing_but_record_errors():
    rng = np.random.default_rng(1)
    for size in range(1, 200):
        junk = rng.bytes(size)
        assert read(junk)[0] == []
        assert read(junk)[1] is not None
        assert read(b"\x1f\x8b\x08" + junk)[1] is not None


def test_truncated_gzip_gives_every_whole_record_and_is_named():
    records = [np.random.default_rng(i).bytes(1000) for i in range(100)]
    data = packed(records, compressed=True)
    for cut in (20, 20_000, 70_000, len(data) - 1):
        known = gzip_prefix(data[:cut]) // 1016
        found, error = read(data[:cut])
        assert found == records[:known]
        assert (error.record_index, error.offset) == (known, known * 1016)
        assert "of the decompressed stream" in str(error)
        assert error.damage == "truncated: the gzip stream has no end"


def gzip_prefix(data):
    """Returns how many bytes a cut gzip stream still gives."""
    stream, size = gzip.GzipFile(fileobj=io.BytesIO(data)), 0
    try:
        while stream.read(1):
            size += 1
    except EOFError:
        return size


def test_corrupt_gzip_gives_the_records_before_the_damage():
    records = [np.random.default_rng(i).bytes(1000) for i in range(100)]
    data = bytearray(packed(records, compressed=True))
    data[60_000:60_050] = bytes(50)
    found, error = read(bytes(data))
    assert found == records[: error.record_index]
    assert 55 <= error.record_index <= 60
    assert "of the decompressed stream" in str(error)


def test_what_follows_gzip_must_be_gzip():
    records, error = read(packed(RECORDS, compressed=True) + b"tail")
    assert (records, error.record_index) == (RECORDS, 3)
    assert error.damage.startswith("bad gzip stream: ")


def test_errors_survive_a_trip_between_processes():
    error = RecordError("file", 3, 40, "damage", compressed=True)
    revived = pickle.loads(pickle.dumps(error))
    assert str(revived) == str(error)
    assert vars(revived) == vars(error)


def test_errors_name_the_file(tmp_path):
    (tmp_path / "shard").write_bytes(b"junk")
    with pytest.raises(RecordError, match=f"file={tmp_path}/shard, record=0"):
        list(read_records(tmp_path / "shard"))
    with (
        open(tmp_path / "shard", "rb") as stream,
        pytest.raises(RecordError, match=f"file={tmp_path}/shard, record=0"),
    ):
        list(read_records(stream))
    with pytest.raises(RecordError, match="file=gs://b/o, record=0"):
        list(read_records(tmp_path / "shard", name="gs://b/o"))


def test_a_frame_is_what_tensorflow_writes(tmp_path):
    path = tmp_path / "shard"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"record")
    assert frame(b"record") == path.read_bytes()


def test_shards_are_listed_without_what_lies_beside_them(tmp_path):
    names = ["b-1", "b-0", "a.gz", ".b.tmp", "_SUCCESS", "slices.json"]
    for name in [*names, "errors.jsonl", "b-0.stats.json", "x.tmp"]:
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()

    def listed(pattern):
        found = list_shards(pattern)
        return [path.removeprefix(f"{tmp_path}/") for path in found]

    assert listed(tmp_path) == ["a.gz", "b-0", "b-1"]
    assert listed(f"{tmp_path}/") == ["a.gz", "b-0", "b-1"]
    assert listed(tmp_path / "b-*") == ["b-0", "b-1"]
    assert listed(tmp_path / "_SUCCESS") == ["_SUCCESS"]


def test_a_directory_may_have_a_name_that_looks_like_a_pattern(tmp_path):
    directory = tmp_path / "run[1]*"
    directory.mkdir()
    (directory / "shard").touch()
    assert list_shards(directory) == [str(directory / "shard")]


@pytest.mark.parametrize(
    ("pattern", "exists"), [("", True), ("nothing-*", False)]
)
def test_no_shards_is_an_error(tmp_path, pattern, exists):
    message = f"at least one.*pattern={tmp_path}.*directory_exists={exists}"
    with pytest.raises(ValueError, match=message):
        list_shards(tmp_path / pattern)
