import json
import re

import apache_beam as beam
import google_crc32c
import numpy as np
import pytest
import tensorflow as tf
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

import slice_tf
from beam_job import (
    KEYWORDS,
    apply,
    files_in,
    functions_in,
    keyword_membership,
    read_shards,
    sliced_by_keywords,
    write_raw,
)
from slice_tf.data import read_membership, read_records, strip_membership
from slice_tf.schema import SliceSchema
from slice_tf_beam import ApplySlicingFunctions, apply_slicing_functions

# More records than slicing functions see at once, an empty shard, and one of
# a single record.
SIZES = [1500, 0, 1, 700]


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "gzip"])
def job(request, tmp_path_factory):
    """Returns raw shards, what was sliced in memory, and the summary."""
    directory = tmp_path_factory.mktemp("job")
    shards = write_raw(directory / "raw", SIZES, compressed=request.param)
    summary = apply_slicing_functions(
        str(directory / "raw" / "train-*"), str(directory / "out"), [KEYWORDS]
    )
    return directory, shards, summary


def test_record_i_of_a_shard_is_record_i_of_the_input_and_its_membership(job):
    directory, shards, _ = job
    expected = {
        name: [sliced_by_keywords(record) for record in records]
        for name, records in shards.items()
    }
    assert read_shards(directory / "out") == expected


def test_raw_records_are_a_strict_prefix_and_come_back(job):
    directory, shards, _ = job
    sliced = read_shards(directory / "out")
    for name, records in shards.items():
        for before, after in zip(records, sliced[name], strict=True):
            assert after.startswith(before)
            assert len(after) > len(before)
            assert strip_membership(after) == before


def test_tensorflow_parses_user_s_features_and_membership(job):
    directory, shards, _ = job
    sliced = read_shards(directory / "out")["train-0"]
    spec = {
        "id": tf.io.FixedLenFeature([], tf.int64),
        "slices/membership": tf.io.FixedLenFeature([2], tf.int64),
    }
    parsed = tf.io.parse_example(sliced, spec)
    np.testing.assert_array_equal(parsed["id"], np.arange(1500))
    np.testing.assert_array_equal(
        parsed["slices/membership"],
        [keyword_membership(record) for record in shards["train-0"]],
    )


def test_gzip_shards_stay_gzip(job):
    directory, shards, _ = job
    for name in shards:
        magics = [
            (directory / part / name).read_bytes()[:3] == b"\x1f\x8b\x08"
            for part in ("raw", "out")
        ]
        assert len(set(magics)) == 1


def test_a_sidecar_says_what_its_shard_holds(job):
    directory, shards, _ = job
    for name, records in shards.items():
        votes = np.array([keyword_membership(r) for r in records], np.int64)
        votes = votes.reshape(-1, 2)
        written = (directory / "out" / name).read_bytes()
        sidecar = json.loads(
            (directory / "out" / f"{name}.stats.json").read_text()
        )
        functions = sidecar["origin"].pop("functions")
        assert sidecar == {
            "format_version": 1,
            "origin": {
                "input": str(directory / "raw" / name),
                "input_bytes": (directory / "raw" / name).stat().st_size,
                "slice_tf_version": slice_tf.__version__,
                "slice_names": False,
            },
            "name": name,
            "num_bytes": len(written),
            "crc32c": f"{google_crc32c.value(written):08x}",
            "counts": {
                "num_examples": len(records),
                "num_in_any": int(votes.any(axis=1).sum()),
                "overlap": (votes.T @ votes).tolist(),
                "unknown": [0, 0],
            },
            "num_bad_records": 0,
            "errors": [],
        }
        assert len(functions) == 16


def test_the_manifest_lists_every_shard(job):
    directory, shards, _ = job
    manifest = json.loads((directory / "out" / "manifest.json").read_text())
    schema = SliceSchema.load(directory / "out")
    assert len(manifest.pop("functions_fingerprint")) == 16
    assert manifest == {
        "format_version": 1,
        "slice_tf_version": slice_tf.__version__,
        "schema_fingerprint": schema.fingerprint,
        "num_examples": sum(SIZES),
        "shards": [
            {
                "name": name,
                "num_examples": len(records),
                "num_bytes": (directory / "out" / name).stat().st_size,
                "crc32c": f"{google_crc32c.value(written):08x}",
            }
            for name, records in shards.items()
            for written in [(directory / "out" / name).read_bytes()]
        ],
    }


def test_the_summary_counts_all_shards(job):
    directory, shards, summary = job
    everything = [record for records in shards.values() for record in records]
    votes = np.array([keyword_membership(r) for r in everything], np.int64)
    rain, night = votes.sum(axis=0).tolist()
    both = int(votes.prod(axis=1).sum())
    written = json.loads((directory / "out" / "summary.json").read_text())
    assert written == {
        "format_version": 1,
        "num_examples": 2201,
        "slices": [
            {
                "name": "rain",
                "size": rain,
                "coverage": rain / 2201,
                "unknown": 0,
            },
            {
                "name": "night",
                "size": night,
                "coverage": night / 2201,
                "unknown": 0,
            },
        ],
        "overlap": [[rain, both], [both, night]],
        "any": rain + night - both,
        "none": 2201 - (rain + night - both),
        "bad_records": 0,
        "errors": {},
    }
    assert (summary.to_dict(), summary.num_shards) == (written, 4)


def test_the_schema_names_slices_and_where_they_come_from(job):
    directory, _, _ = job
    rain, night = SliceSchema.load(directory / "out").slices
    assert (rain.name, rain.description) == ("rain", "Rides in the rain.")
    assert (night.name, night.owner) == ("night", "")
    assert rain.owner == "anna"
    assert rain.slicing_function == f"{KEYWORDS}:rain"


def slow_and_fast(tmp_path):
    """Returns the import path of a function that sleeps and one that does not.

    One of them fails now and then; that takes its time, too.
    """
    (tmp_path / "costs_slices.py").write_text(
        "import time\n"
        "from slice_tf.slicing import slicing_function\n\n\n"
        "@slicing_function\n"
        "def slow(row):\n"
        "    time.sleep(0.002)\n"
        "    return 1 // (row.int('id') % 500)\n\n\n"
        "@slicing_function\n"
        "def fast(row):\n"
        "    return False\n"
    )
    return str(tmp_path / "costs_slices.py")


@pytest.mark.parametrize("split_bytes", [1 << 30, 2000])
def test_costs_say_how_long_functions_took(tmp_path, split_bytes):
    write_raw(tmp_path / "raw", [80, 80])
    out = tmp_path / "out"
    given = str(tmp_path / "raw"), str(out), [slow_and_fast(tmp_path)]
    done = apply_slicing_functions(*given, split_bytes=split_bytes)
    assert done.table()[0][-1] == "\u00b5s/example"
    costs = json.loads((out / "costs.json").read_text())
    slow, fast = (costs["microseconds"].pop(one) for one in ("slow", "fast"))
    assert costs == {
        "format_version": 1,
        "num_examples": 160,
        "microseconds": {},
    }
    assert slow > 2000 > fast > 0
    again = apply_slicing_functions(*given, split_bytes=split_bytes)
    assert again.table()[0][-1] == "unknown"
    assert json.loads((out / "costs.json").read_text())["num_examples"] == 160


def test_nothing_else_is_left(job):
    directory, shards, _ = job
    reports = ["slices.json", "manifest.json", "summary.json", "errors.jsonl"]
    sidecars = [f"{name}.stats.json" for name in shards]
    assert set(files_in(directory / "out")) == {*shards, *sidecars, *reports}
    assert (directory / "out" / "errors.jsonl").read_bytes() == b""


def test_two_processes_write_the_same_bytes(job, tmp_path):
    directory, _, _ = job
    raw = directory / "raw" / "train-*"
    done = apply(raw, tmp_path, KEYWORDS, "--workers", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert files_in(tmp_path) == files_in(directory / "out")


def test_the_transform_makes_the_same_records(job):
    directory, shards, _ = job
    raw = [record for records in shards.values() for record in records]
    sliced = [
        record
        for name in shards
        for record in read_records(directory / "out" / name)
    ]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        found = pipeline | beam.Create(raw) | ApplySlicingFunctions([KEYWORDS])
        assert_that(found, equal_to(sliced))


def test_the_order_of_shards_on_disk_does_not_matter(tmp_path):
    for part, order in (("a", [0, 1]), ("b", [1, 0])):
        (tmp_path / part).mkdir()
        shards = write_raw(tmp_path / "raw", [20, 30])
        for name in [list(shards)[index] for index in order]:
            data = (tmp_path / "raw" / name).read_bytes()
            (tmp_path / part / name).write_bytes(data)
        apply_slicing_functions(
            str(tmp_path / part), str(tmp_path / f"out-{part}"), [KEYWORDS]
        )
    assert read_shards(tmp_path / "out-a") == read_shards(tmp_path / "out-b")


def test_membership_of_an_earlier_run_is_replaced(tmp_path):
    shards = write_raw(tmp_path / "raw", [50])
    night = [f"{KEYWORDS}:night"]
    apply_slicing_functions(
        str(tmp_path / "raw"), str(tmp_path / "first"), [KEYWORDS]
    )
    for source in ("raw", "first"):
        apply_slicing_functions(
            str(tmp_path / source), str(tmp_path / f"{source}-2"), night
        )
    second = read_shards(tmp_path / "first-2")
    assert second == read_shards(tmp_path / "raw-2")
    expected = [keyword_membership(one)[1:] for one in shards["train-0"]]
    votes = [read_membership(one, 1)[0] for one in second["train-0"]]
    np.testing.assert_array_equal(votes, expected)


def test_names_of_slices_come_before_membership(tmp_path):
    """TensorFlow Model Analysis slices by them; a next run removes them."""
    shards = write_raw(tmp_path / "raw", [50])
    raw, named = tmp_path / "raw", tmp_path / "named"
    assert apply(raw, named, KEYWORDS, "--slice-names").returncode == 0
    for source, output in (
        ("raw", "plain"),
        ("named", "again"),
        ("plain", "twice"),
    ):
        apply_slicing_functions(
            str(tmp_path / source), str(tmp_path / output), [KEYWORDS]
        )
    for raw, sliced in zip(
        shards["train-0"],
        read_shards(tmp_path / "named")["train-0"],
        strict=True,
    ):
        names = tf.io.parse_single_example(
            sliced, {"slices/names": tf.io.RaggedFeature(tf.string)}
        )["slices/names"]
        inside = zip([b"rain", b"night"], keyword_membership(raw), strict=True)
        assert names.numpy().tolist() == [name for name, one in inside if one]
        membership, _ = read_membership(sliced, 2)
        np.testing.assert_array_equal(membership, keyword_membership(raw))
        assert sliced.startswith(raw)
    again = read_shards(tmp_path / "again")
    assert again == read_shards(tmp_path / "plain")
    assert again == read_shards(tmp_path / "twice")


def test_names_of_slices_make_another_job(tmp_path):
    write_raw(tmp_path / "raw", [5])
    given = str(tmp_path / "raw"), str(tmp_path / "out"), [KEYWORDS]
    apply_slicing_functions(*given)
    message = "slice_names: False, now True"
    with pytest.raises(ValueError, match=message):
        apply_slicing_functions(*given, slice_names=True)


def test_several_paths_give_slices_in_their_order(tmp_path):
    write_raw(tmp_path / "raw", [6])
    summary = apply_slicing_functions(
        str(tmp_path / "raw"),
        str(tmp_path / "out"),
        [f"{KEYWORDS}:night", f"{KEYWORDS}:rain"],
    )
    assert [(one.name, one.size) for one in summary.slices] == [
        ("night", 2),
        ("rain", 3),
    ]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_workers_never_import_tensorflow(tmp_path, workers):
    write_raw(tmp_path / "raw", [5, 5])
    slices = functions_in("no_tensorflow.py")
    done = apply(
        tmp_path / "raw", tmp_path / "out", slices, "--workers", workers
    )
    assert done.returncode == 0
    assert "holds every example" in done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["any"] == 10


def test_results_go_to_stdout_and_warnings_to_stderr(tmp_path):
    write_raw(tmp_path / "raw", [60])
    done = apply(tmp_path / "raw", tmp_path / "out", KEYWORDS)
    rain, night = (line.split()[-1] for line in done.stdout.splitlines()[2:4])
    assert re.fullmatch(r"\d+\.\d", rain)
    assert done.stdout.splitlines() == [
        "slice  size  coverage, %  unknown  \u00b5s/example",
        "-----  ----  -----------  -------  ----------",
        f"rain     30         50.0        0  {rain:>10}",
        f"night    20         33.3        0  {night:>10}",
        "examples: 60 in 1 shard; 66.7% are in at least one slice",
        "overlap:  rain and night share most: 25.0% of the examples in either "
        "are in both",
        f"output:   {tmp_path}/out (summary.json, errors.jsonl)",
    ]
    assert done.stderr == ""
