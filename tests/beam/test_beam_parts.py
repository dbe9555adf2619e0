"""Large shards are cut into parts, and nobody can tell afterwards."""

import numpy as np
import pytest

from beam_job import (
    KEYWORDS,
    apply,
    files_in,
    functions_in,
    raw_record,
    write_raw,
)
from slice_tf.data import encode, write_records
from slice_tf_beam import apply_slicing_functions
from slice_tf_beam.budget import Budget
from slice_tf_beam.functions import fingerprint_of, load_functions
from slice_tf_beam.job import Job
from slice_tf_beam.output import make_writable
from slice_tf_beam.parts import Part, parts_of
from slice_tf_beam.pipeline import JoinParts, SlicePart
from slice_tf_beam.shards import Shard, list_shards

SIZES = [600, 0, 1, 2]
# What is logged where a part could not be sliced by itself.
WHOLE = "slicing it whole"


def slice_both(tmp_path, split_bytes, functions=KEYWORDS, **options):
    """Slices whole shards and cut ones; returns the files of both."""
    outputs = []
    for name, size in (("whole", 1 << 30), ("cut", split_bytes)):
        apply_slicing_functions(
            str(tmp_path / "raw"),
            str(tmp_path / name),
            [functions],
            split_bytes=size,
            **options,
        )
        outputs.append(files_in(tmp_path / name))
    return outputs


def test_parts_cover_a_shard():
    shard = Shard("a", 10)
    assert parts_of(shard, 10) == [Part(shard)]
    assert parts_of(Shard("a", 0), 10) == [Part(Shard("a", 0))]
    assert parts_of(shard, 4) == [
        Part(shard, 0, 0, 3),
        Part(shard, 1, 3, 6),
        Part(shard, 2, 6, 10),
    ]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("split_bytes", [50, 1000, 30_000])
def test_cut_shards_are_the_same_to_the_byte(tmp_path, split_bytes, compressed):
    write_raw(tmp_path / "raw", SIZES, compressed)
    whole, cut = slice_both(tmp_path, split_bytes)
    assert cut == whole


def test_errors_are_those_of_the_whole_shard(tmp_path):
    write_raw(tmp_path / "raw", [1500])
    functions = functions_in("faulty.py")
    names = ["raises_on_all", "raises_on_some", "rain"]
    outputs = []
    for name, size in (("whole", 1 << 30), ("cut", 9000)):
        apply_slicing_functions(
            str(tmp_path / "raw"),
            str(tmp_path / name),
            [f"{functions}:{one}" for one in names],
            split_bytes=size,
            max_error_rate=1.0,
        )
        outputs.append(files_in(tmp_path / name))
    whole, cut = outputs
    assert cut == whole
    assert whole["errors.jsonl"].count(b"\n") == 200


def test_two_processes_cut_the_same(tmp_path):
    write_raw(tmp_path / "raw", SIZES)
    flags = ["--workers", "2", "--split-bytes", "5000"]
    done = apply(tmp_path / "raw", tmp_path / "cut", KEYWORDS, *flags)
    assert (done.returncode, done.stderr) == (0, "")
    apply(tmp_path / "raw", tmp_path / "whole", KEYWORDS)
    assert files_in(tmp_path / "cut") == files_in(tmp_path / "whole")


def test_records_that_hold_records_are_sliced_right(tmp_path, caplog):
    """They look like the start of a record; the shard is sliced whole."""
    caplog.set_level("INFO", logger="slice_tf")
    inner = tmp_path / "inner"
    write_records(inner, [raw_record(index) for index in range(50)])
    packed = encode({"text": "rain", "file": inner.read_bytes()})
    (tmp_path / "raw").mkdir()
    records = [raw_record(0), packed, raw_record(1), packed]
    write_records(tmp_path / "raw" / "train-0", records)
    whole, cut = slice_both(tmp_path, 1000)
    assert cut == whole
    assert WHOLE in caplog.text


def test_big_records_of_zeros_are_sliced_right(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "raw").mkdir()
    records = [
        encode({"text": "night", "image": bytes(int(size))})
        for size in rng.integers(1, 300_000, 20)
    ]
    write_records(tmp_path / "raw" / "train-0", records)
    whole, cut = slice_both(tmp_path, 200_000)
    assert cut == whole


@pytest.mark.parametrize("index", [0, 299, 599])
def test_damage_is_named_as_in_a_whole_shard(tmp_path, index):
    write_raw(tmp_path / "raw", [600])
    start = sum(len(raw_record(one)) + 16 for one in range(index))
    data = bytearray((tmp_path / "raw" / "train-0").read_bytes())
    data[start + 14] ^= 1
    (tmp_path / "raw" / "train-0").write_bytes(data)
    place = f"file={tmp_path}/raw/train-0, record={index}, byte={start}, "
    with pytest.raises(ValueError, match=place):
        apply_slicing_functions(
            str(tmp_path / "raw"),
            str(tmp_path / "out"),
            [KEYWORDS],
            split_bytes=5000,
        )
    assert files_in(tmp_path / "out") == {}
    whole, cut = slice_both(tmp_path, 5000, max_bad_records=1)
    assert cut == whole


def test_a_join_that_runs_again_gives_the_same(tmp_path):
    """As where a worker dies after it has joined, before the runner knows."""
    write_raw(tmp_path / "raw", [600])
    (shard,) = list_shards(str(tmp_path / "raw"))
    functions = load_functions([KEYWORDS])
    job = Job(
        output_dir=str(tmp_path / "out"),
        import_paths=(KEYWORDS,),
        functions_fingerprint=fingerprint_of(functions),
        slice_tf_version="1",
        budget=Budget(),
        sf_timeout=None,
        split_bytes=5000,
        slice_names=False,
    )
    make_writable(job.output_dir)
    outcomes = [
        outcome
        for part in parts_of(shard, job.split_bytes)
        for _, outcome in SlicePart(job).process(part)
    ]
    found = []
    for _ in range(2):
        told = list(JoinParts(job).process((shard.path, outcomes)))
        assert [failures for failures, _ in told] == [[], []]
        found.append(files_in(tmp_path / "out"))
    assert set(found[0]) == {"train-0", "train-0.stats.json"}
    assert found[0] == found[1]


def test_a_size_is_positive(tmp_path):
    with pytest.raises(ValueError, match=r"Received: split_bytes=0"):
        apply_slicing_functions(
            str(tmp_path), str(tmp_path / "out"), [KEYWORDS], split_bytes=0
        )
