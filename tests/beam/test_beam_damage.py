"""Damaged files: named to the byte, and no other shard suffers."""

import io
import json

import pytest

from beam_job import (
    KEYWORDS,
    apply,
    files_in,
    functions_in,
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


def test_a_first_record_that_is_damaged_is_named_as_any_other(tmp_path, raw):
    (raw / "train-0").write_bytes(b"junk that is no record")
    message = f"file={raw}/train-0, record=0, byte=0, damage="
    with pytest.raises(ValueError, match=message):
        slice_within(
            tmp_path, 0, functions_in("faulty.py") + ":needs_what_is_missing"
        )


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


def sliced(records, *skipped):
    return [
        sliced_by_keywords(record)
        for index, record in enumerate(records)
        if index not in skipped
    ]


def slice_within(tmp_path, max_bad_records, functions=KEYWORDS, rate=0.0):
    return apply_slicing_functions(
        str(tmp_path / "raw"),
        str(tmp_path / "out"),
        [functions],
        max_bad_records=max_bad_records,
        max_error_rate=rate,
    )


def errors_in(tmp_path):
    lines = (tmp_path / "out" / "errors.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


BAD_DATA = "bad checksum of the data"


def damage(path, *indices):
    """Flips a byte in the data of some records."""
    data = bytearray(path.read_bytes())
    for index in indices:
        data[start_of(index) + 14] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("indices", [(0,), (SIZE - 1,), (3, 4, 20)])
def test_damaged_records_within_the_budget_are_left_out_and_listed(
    tmp_path, raw, indices
):
    shards = read_shards(raw)
    damage(raw / "train-0", *indices)
    summary = slice_within(tmp_path, len(indices))
    assert read_shards(tmp_path / "out") == {
        "train-0": sliced(shards["train-0"], *indices),
        "train-1": sliced(shards["train-1"]),
    }
    assert errors_in(tmp_path) == [
        {
            "shard": "train-0",
            "record": index,
            "byte": start_of(index),
            "damage": BAD_DATA,
        }
        for index in indices
    ]
    assert summary.num_bad_records == len(indices)
    assert summary.num_examples == 2 * SIZE - len(indices)
    written = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert written["bad_records"] == len(indices)
    count = f"left out: {len(indices)}; errors.jsonl says which"
    assert any(count in warning for warning in summary.warnings())


@pytest.mark.parametrize("compressed", [False, True])
def test_records_that_are_no_examples_are_left_out_too(
    tmp_path, raw, compressed
):
    records = read_shards(raw)["train-0"]
    junk = {5: b"\xff", 6: b"\xff\xff\xff", 29: b"\x0a\x7f"}
    write_records(
        raw / "train-0",
        [junk.get(index, record) for index, record in enumerate(records)],
        compressed,
    )
    slice_within(tmp_path, 3)
    assert read_shards(tmp_path / "out")["train-0"] == sliced(records, *junk)
    shift = 1 + 3 - len(records[5]) - len(records[6])
    assert [(one["record"], one["byte"]) for one in errors_in(tmp_path)] == [
        (5, start_of(5)),
        (6, start_of(6) + 1 - len(records[5])),
        (29, start_of(29) + shift),
    ]
    for one in errors_in(tmp_path):
        assert one["damage"].startswith("no serialized tf.train.Example")


def test_errors_of_functions_keep_the_raw_record_s_position(tmp_path, raw):
    damage(raw / "train-0", 2, 12)
    functions = functions_in("faulty.py") + ":raises_on_some"
    slice_within(tmp_path, 2, functions, rate=1.0)
    places = [
        (one["shard"], one["record"], one.get("slice"))
        for one in errors_in(tmp_path)
    ]
    some = "raises_on_some"
    assert places == [
        ("train-0", 2, None),
        ("train-0", 3, some),
        ("train-0", 12, None),
        ("train-0", 13, some),
        ("train-0", 23, some),
        ("train-1", 3, some),
        ("train-1", 13, some),
        ("train-1", 23, some),
    ]


@pytest.mark.parametrize("compressed", [False, True])
def test_of_a_truncated_file_the_good_prefix_is_kept(tmp_path, raw, compressed):
    records = read_shards(raw)["train-0"]
    write_records(raw / "train-0", records, compressed)
    data = (raw / "train-0").read_bytes()
    cut = len(data) // 2 if not compressed else len(data) - 9
    (raw / "train-0").write_bytes(data[:cut])
    summary = slice_within(tmp_path, 1)
    kept = summary.num_examples - SIZE
    assert 10 < kept <= SIZE
    assert read_shards(tmp_path / "out")["train-0"] == sliced(records[:kept])
    (error,) = errors_in(tmp_path)
    assert (error["record"], error["byte"]) == (kept, start_of(kept))
    assert error["damage"].startswith("truncated: ")


def test_after_a_damaged_length_nothing_can_be_read(tmp_path, raw):
    records = read_shards(raw)["train-0"]
    data = bytearray((raw / "train-0").read_bytes())
    data[start_of(9)] ^= 1
    (raw / "train-0").write_bytes(data)
    slice_within(tmp_path, 1)
    assert read_shards(tmp_path / "out")["train-0"] == sliced(records[:9])
    assert errors_in(tmp_path) == [
        {
            "shard": "train-0",
            "record": 9,
            "byte": start_of(9),
            "damage": "bad checksum of the length",
        }
    ]


def test_a_shard_beyond_the_budget_fails(tmp_path, raw):
    damage(raw / "train-0", 3, 4, 20)
    message = (
        r"than `max_bad_records` allows. Received: max_bad_records=2, the "
        rf"next one=.*file={raw}/train-0, record=20, byte={start_of(20)}"
    )
    with pytest.raises(ValueError, match=message):
        slice_within(tmp_path, 2)
    assert set(files_in(tmp_path / "out")) == {"train-1", "train-1.stats.json"}


def test_a_job_beyond_the_budget_fails_after_its_reports(tmp_path, raw):
    shards = read_shards(raw)
    damage(raw / "train-0", 3)
    write_records(raw / "train-1", [b"\xff", *shards["train-1"]])
    message = (
        r"Received: damaged=2, max_bad_records=1, first=."
        rf'"shard": "train-0", "record": 3, "byte": {start_of(3)}, "damage": '
        rf'"{BAD_DATA}"'
    )
    with pytest.raises(ValueError, match=message):
        slice_within(tmp_path, 1)
    assert "manifest.json" not in files_in(tmp_path / "out")
    assert len(errors_in(tmp_path)) == 2
    slice_within(tmp_path, 2)
    assert "manifest.json" in files_in(tmp_path / "out")
    with pytest.raises(ValueError, match="damaged=2, max_bad_records=0"):
        slice_within(tmp_path, 0)
    assert "manifest.json" not in files_in(tmp_path / "out")


def test_many_damaged_records_are_counted_whole_listed_in_part(tmp_path, raw):
    write_records(raw / "train-0", [b"\xff"] * 300)
    summary = slice_within(tmp_path, 1000)
    assert summary.num_bad_records == 300
    assert [one["record"] for one in errors_in(tmp_path)] == list(range(100))
    assert read_shards(tmp_path / "out")["train-0"] == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_budget_is_a_flag(tmp_path, raw, workers):
    damage(raw / "train-0", 3)
    flags = ["--workers", workers, "--max-bad-records", "1"]
    done = apply(raw, tmp_path / "out", KEYWORDS, *flags)
    assert done.returncode == 0
    assert "damaged records that were left out: 1; errors" in done.stderr


def test_the_budget_is_a_count(tmp_path, raw):
    message = "must not be negative.*Received: max_bad_records=-1"
    with pytest.raises(ValueError, match=message):
        slice_within(tmp_path, -1)
