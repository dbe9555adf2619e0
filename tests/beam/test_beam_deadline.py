import functools
import pathlib
import re
import threading
import time

import pytest

from beam_job import apply, files_in, functions_in, write_raw
from slice_tf.slicing import SlicingFunction
from slice_tf_beam import apply_slicing_functions
from slice_tf_beam.deadline import Deadline

HANGING = functions_in("hanging.py")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_function_that_hangs_ends_the_job_by_name(tmp_path, workers):
    write_raw(tmp_path / "raw", [20, 5])
    flags = ["--workers", workers, "--sf-timeout", "1"]
    done = apply(tmp_path / "raw", tmp_path / "out", HANGING, *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        "slice-tf apply: error: Slicing functions must answer .* Received: "
        f"sf_timeout=1, slice=hangs, at={HANGING}:1[45], "
        f"shard={tmp_path}/raw/train-0, records=0 to 19. Mend the function, "
        "or raise the limit.\n",
        done.stderr,
    )
    left = set(files_in(tmp_path / "out"))
    assert left <= {"train-1", "train-1.stats.json"}


def test_functions_that_answer_in_time_are_left_alone(tmp_path):
    write_raw(tmp_path / "raw", [7, 0])
    summary = apply_slicing_functions(
        str(tmp_path / "raw"),
        str(tmp_path / "out"),
        [functions_in("keywords.py")],
        sf_timeout=60,
    )
    assert [one.size for one in summary.slices] == [4, 3]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_limit_is_a_time(tmp_path, seconds):
    message = f"must be positive.*Received: sf_timeout={seconds}"
    with pytest.raises(ValueError, match=message):
        apply_slicing_functions(
            str(tmp_path), str(tmp_path / "out"), [HANGING], sf_timeout=seconds
        )


class Waits:
    def __call__(self, row):
        row.wait()

    def method(self, row):
        row.wait()


@pytest.mark.parametrize(
    "function",
    [
        lambda row: row.wait(),
        functools.partial(lambda limit, row: row.wait(limit), None),
        Waits(),
        Waits().method,
    ],
    ids=["lambda", "partial", "object", "method"],
)
def test_whatever_can_be_called_is_found_where_it_hangs(function):
    release, causes = threading.Event(), []

    def end(cause):
        causes.append(cause)
        release.set()

    one = SlicingFunction(function, name="waits")
    with Deadline([one], 0.1, end) as deadline, deadline.asked("shard=a"):
        one(release)
    (cause,) = causes
    path = pathlib.Path(__file__)
    assert f"slice=waits, at={path}:" in cause
    assert ", shard=a. Mend" in cause


def test_time_between_calls_does_not_count():
    causes = []
    with Deadline([], 0.2, causes.append) as deadline:
        for _ in range(3):
            with deadline.asked("shard=a"):
                time.sleep(0.1)
            time.sleep(0.1)
        time.sleep(0.3)
    assert causes == []
