import json

import numpy as np
import pytest

from beam_job import apply, files_in, functions_in, read_shards, write_raw
from slice_tf.data import read_membership
from slice_tf_beam import apply_slicing_functions

FAULTY = functions_in("faulty.py")
VOTE = "A slicing function must return 0 or 1, as a bool or an integer, "
VOTE += "because membership is never guessed. Received: "


def slice_with(tmp_path, *names, sizes=(20, 30), max_error_rate=1.0):
    """Slices raw shards with functions of `faulty.py`."""
    if not (tmp_path / "raw").exists():
        write_raw(tmp_path / "raw", sizes)
    return apply_slicing_functions(
        str(tmp_path / "raw"),
        str(tmp_path / "out"),
        [f"{FAULTY}:{name}" for name in names],
        max_error_rate=max_error_rate,
    )


def errors_in(tmp_path):
    lines = (tmp_path / "out" / "errors.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def votes_in(tmp_path, num_slices):
    """Returns membership and unknown of all records, in order."""
    shards = read_shards(tmp_path / "out").values()
    votes = [
        read_membership(record, num_slices)
        for records in shards
        for record in records
    ]
    return tuple(map(np.array, zip(*votes, strict=True)))


def test_a_function_that_raises_leaves_its_rows_unknown_and_no_other(tmp_path):
    slice_with(tmp_path, "raises_on_some", "rain")
    membership, unknown = votes_in(tmp_path, 2)
    ids = np.arange(50)
    failed = ids % 10 == 3
    np.testing.assert_array_equal(unknown, np.array([failed, 0 * ids]).T)
    even = ids % 2 == 0
    np.testing.assert_array_equal(membership, np.array([even, even]).T)


def test_every_failure_is_listed_by_shard_record_slice_and_exception(tmp_path):
    summary = slice_with(tmp_path, "raises_on_some", "rain")
    assert errors_in(tmp_path) == [
        {
            "shard": shard,
            "record": record,
            "slice": "raises_on_some",
            "exception": "KeyError",
            "message": "'tenth'",
        }
        for shard, record in [
            ("train-0", 3),
            ("train-0", 13),
            ("train-1", 3),
            ("train-1", 13),
            ("train-1", 23),
        ]
    ]
    assert summary.to_dict()["errors"] == {"raises_on_some": 5}


@pytest.mark.parametrize(
    ("name", "exception", "message"),
    [
        ("returns_none", "TypeError", f"{VOTE}vote=None, type=NoneType"),
        ("returns_nan", "TypeError", f"{VOTE}vote=nan, type=float"),
        ("returns_yes", "TypeError", f"{VOTE}vote='yes', type=str"),
        ("returns_two", "TypeError", f"{VOTE}vote=2, type=int"),
    ],
)
def test_what_is_no_vote_is_unknown_and_never_guessed(
    tmp_path, name, exception, message
):
    summary = slice_with(tmp_path, name, sizes=[10])
    assert errors_in(tmp_path) == [
        {
            "shard": "train-0",
            "record": 3,
            "slice": name,
            "exception": exception,
            "message": message,
        }
    ]
    (one,) = summary.slices
    assert (one.size, one.unknown) == (0, 1)
    membership, unknown = votes_in(tmp_path, 1)
    np.testing.assert_array_equal(membership[:, 0], np.zeros(10))
    np.testing.assert_array_equal(unknown[:, 0], np.arange(10) == 3)


def test_a_function_that_fails_everywhere_is_counted_whole_listed_in_part(
    tmp_path,
):
    summary = slice_with(tmp_path, "raises_on_all", "rain", sizes=[250])
    assert [one.unknown for one in summary.slices] == [250, 0]
    assert summary.slices[1].size == 125
    errors = errors_in(tmp_path)
    assert [error["record"] for error in errors] == list(range(100))
    assert errors[99]["message"] == "no answer to 99"


def test_a_missing_feature_is_unknown_and_named(tmp_path):
    slice_with(tmp_path, "reads_what_is_missing", sizes=[1])
    (error,) = errors_in(tmp_path)
    assert (
        "Received: feature='speed', features=id, label, text"
        in (error["message"])
    )


@pytest.mark.parametrize("sizes", [(20, 30), (0, 2)])
def test_a_needed_feature_that_is_missing_stops_the_job_at_its_start(
    tmp_path, sizes
):
    message = (
        "needs_what_is_missing: An example must have the feature.*Received: "
        "feature='idd', features=id, label, text. Did you mean id?"
    )
    with pytest.raises(ValueError, match=message):
        slice_with(tmp_path, "rain", "needs_what_is_missing", sizes=sizes)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("sizes", [(), (0,)])
def test_without_an_example_nothing_is_missing(tmp_path, sizes):
    write_raw(tmp_path / "raw", sizes)
    (tmp_path / "raw" / "empty").touch()
    summary = slice_with(tmp_path, "needs_what_is_missing")
    assert summary.num_examples == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_too_many_failures_fail_the_job_after_its_reports(tmp_path, workers):
    write_raw(tmp_path / "raw", [20, 30])
    done = apply(
        tmp_path / "raw",
        tmp_path / "out",
        f"{FAULTY}:raises_on_some",
        "--workers",
        workers,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "slice-tf apply: error: A slicing function must fail on no more "
        "examples than `max_error_rate` allows, because membership is unknown "
        "where it fails. Received: slice=raises_on_some, failed on 5 of 50 "
        'examples (10.0%), max_error_rate=0.01, first error={"shard": '
        '"train-0", "record": 3, "slice": "raises_on_some", "exception": '
        '"KeyError", "message": "\'tenth\'"}. All are in errors.jsonl; mend '
        "the function, or raise the limit.\n"
    )
    left = files_in(tmp_path / "out")
    assert "manifest.json" not in left
    assert {"summary.json", "errors.jsonl", "slices.json"} <= set(left)
    assert len(errors_in(tmp_path)) == 5


def test_a_raised_limit_accepts_what_is_there_without_slicing_it_again(
    tmp_path,
):
    message = r"failed on 5 of 50 examples \(10.0%\), max_error_rate=0.0"
    with pytest.raises(ValueError, match=message):
        slice_with(tmp_path, "raises_on_some", max_error_rate=0.0)
    before = {
        path: path.stat().st_mtime_ns
        for path in (tmp_path / "out").glob("train-*")
    }
    slice_with(tmp_path, "raises_on_some", max_error_rate=0.1)
    assert (tmp_path / "out" / "manifest.json").is_file()
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_function_that_exits_python_fails_its_shards_by_name(tmp_path):
    message = (
        f"2 of 2 shards could not be sliced .the others are kept., the first "
        f"because: {tmp_path}/raw/train-0: SystemExit: enough"
    )
    with pytest.raises(ValueError, match=message):
        slice_with(tmp_path, "exits_python")
    assert files_in(tmp_path / "out") == {}


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_limit_is_a_share(tmp_path, rate):
    message = f"must be from 0 to 1.*Received: max_error_rate={rate}"
    with pytest.raises(ValueError, match=message):
        slice_with(tmp_path, "rain", max_error_rate=rate)


@pytest.mark.parametrize(
    ("slices", "message"),
    [
        ("twice.py:BOTH", "must have names of their own.*twice=same"),
        ("reserved.py", "must not be called 'base'"),
        ("keywords.py:snow", "attribute='snow'"),
        ("keyword.py", "file that exists.*Did you mean keywords.py"),
    ],
)
def test_functions_that_cannot_be_are_refused_before_anything_is_written(
    tmp_path, slices, message
):
    write_raw(tmp_path / "raw", [1])
    with pytest.raises(ValueError, match=message):
        apply_slicing_functions(
            str(tmp_path / "raw"),
            str(tmp_path / "out"),
            [functions_in(slices)],
        )
    assert not (tmp_path / "out").exists()


def test_a_string_is_no_sequence_of_functions(tmp_path):
    with pytest.raises(TypeError, match="must be a sequence of import paths"):
        apply_slicing_functions(str(tmp_path), str(tmp_path / "out"), FAULTY)
