"""What becomes of a job whose processes, or whose disk, end before it."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from beam_job import (
    KEYWORDS,
    apply,
    command,
    files_in,
    functions_in,
    write_raw,
)

SIZES = [150] * 8
SLOW = functions_in("slow.py")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Returns raw shards and what a job makes of them that runs through."""
    directory = tmp_path_factory.mktemp("whole")
    write_raw(directory / "raw", SIZES)
    done = apply(directory / "raw", directory / "out", SLOW)
    assert done.returncode == 0, done.stderr
    return directory


class Job:
    """A running `slice-tf apply`."""

    def __init__(self, raw, output_dir, slices, *flags):
        self.output_dir = output_dir
        own = ["--input", raw, "--slices", slices, "--output-dir", output_dir]
        self.process = subprocess.Popen(
            command(*own, *flags),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_shards(self, count):
        """Waits until so many shards have their final names."""
        while self.process.poll() is None:
            if self.output_dir.exists() and (
                len(finals(self.output_dir)) >= count
            ):
                return
            time.sleep(0.002)
        raise AssertionError(self.process.communicate())

    def stop(self, signal_number):
        self.process.send_signal(signal_number)
        return self.process.communicate(timeout=60)

    def children(self):
        """Returns the process ids of the job's worker processes."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        return [
            int(child)
            for task in tasks.iterdir()
            for child in (task / "children").read_text().split()
        ]


def finals(output_dir):
    """Returns the names of shards that are whole."""
    if not output_dir.exists():
        return []
    return [
        name
        for name in os.listdir(output_dir)
        if name.startswith("train-") and not name.endswith(".json")
    ]


def check_nothing_is_half_written(output_dir, whole):
    """Every file under a final name is as a job leaves it that runs through."""
    expected = files_in(whole / "out")
    for name, data in files_in(output_dir).items():
        if not name.startswith("."):
            assert data == expected[name], name


def check_continues(output_dir, whole, *flags):
    """The same command again does what is missing, and all is as it was."""
    before = {
        name: (output_dir / name).stat().st_mtime_ns
        for name in finals(output_dir)
    }
    done = apply(whole / "raw", output_dir, SLOW, *flags)
    assert done.returncode == 0, done.stderr
    if before:
        message = f"{len(before)} of {len(SIZES)} shards are done already"
        assert message in done.stderr
    assert files_in(output_dir) == files_in(whole / "out")
    for name, mtime in before.items():
        assert (output_dir / name).stat().st_mtime_ns == mtime


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("shards", [0, 3])
def test_a_killed_job_continues_to_the_same_bytes(
    tmp_path, whole, workers, shards
):
    flags = ["--workers", workers]
    job = Job(whole / "raw", tmp_path / "out", SLOW, *flags)
    job.wait_for_shards(shards)
    time.sleep(0.02)
    job.stop(signal.SIGKILL)
    assert job.process.returncode == -signal.SIGKILL
    check_nothing_is_half_written(tmp_path / "out", whole)
    check_continues(tmp_path / "out", whole, *flags)


def test_a_job_killed_while_shards_are_cut_continues(tmp_path, whole):
    flags = ["--workers", "2", "--split-bytes", "4000"]
    job = Job(whole / "raw", tmp_path / "out", SLOW, *flags)
    parts = ".tmp-train-*.stats.json"
    while not any((tmp_path / "out").glob(parts)):
        assert job.process.poll() is None, job.process.communicate()
        time.sleep(0.002)
    job.stop(signal.SIGKILL)
    check_nothing_is_half_written(tmp_path / "out", whole)
    check_continues(tmp_path / "out", whole, *flags)


def test_a_job_killed_twenty_times_at_random_ends_as_any_other(tmp_path, whole):
    random = np.random.default_rng()
    out = tmp_path / "out"
    for _ in range(20):
        job = Job(whole / "raw", out, SLOW)
        job.wait_for_shards(int(random.integers(0, 3)) + len(finals(out)))
        time.sleep(random.uniform(0, 0.2))
        job.stop(signal.SIGKILL)
        if out.exists():
            check_nothing_is_half_written(out, whole)
            if job.process.returncode == 0 or len(finals(out)) > 6:
                shutil.rmtree(out)
    check_continues(out, whole)


def test_a_second_job_in_a_directory_is_refused_and_does_no_harm(
    tmp_path, whole
):
    job = Job(whole / "raw", tmp_path / "out", SLOW)
    job.wait_for_shards(1)
    job.process.send_signal(signal.SIGSTOP)
    second = apply(whole / "raw", tmp_path / "out", SLOW, "--overwrite")
    assert (second.returncode, second.stdout) == (2, "")
    assert second.stderr == (
        "slice-tf apply: error: Only one job may write to a directory, "
        "because each removes what dead ones left. Received: output_dir="
        f"{tmp_path}/out, which process {job.process.pid} writes to. Wait for "
        "it, or name another directory.\n"
    )
    job.stop(signal.SIGCONT)
    assert job.process.returncode == 0
    assert files_in(tmp_path / "out") == files_in(whole / "out")


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pids, seconds=20):
    until = time.monotonic() + seconds
    while any(map(is_alive, pids)):
        assert time.monotonic() < until, pids
        time.sleep(0.05)


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_job_that_is_killed(tmp_path, whole, signal_number):
    job = Job(whole / "raw", tmp_path / "out", SLOW, "--workers", "2")
    job.wait_for_shards(1)
    workers = job.children()
    assert len(workers) == 2
    job.stop(signal_number)
    wait_until_gone(workers)


@pytest.mark.parametrize(
    "flags",
    [
        ["--workers", "1"],
        ["--workers", "2"],
        ["--", "--runner=FnApiRunner"],
    ],
    ids=["one", "two", "named"],
)
def test_ctrl_c_ends_a_job_with_one_line(tmp_path, whole, flags):
    job = Job(whole / "raw", tmp_path / "out", SLOW, *flags)
    job.wait_for_shards(2)
    out, err = job.stop(signal.SIGINT)
    assert (job.process.returncode, out) == (130, "")
    assert err == (
        "slice-tf apply: error: interrupted; nothing half-written got its "
        "final name\n"
    )
    names = files_in(tmp_path / "out")
    assert not [name for name in names if name.startswith(".")]
    assert "manifest.json" not in names
    check_nothing_is_half_written(tmp_path / "out", whole)
    check_continues(tmp_path / "out", whole, *flags)


def died(status):
    return (
        "slice-tf apply: error: A worker process must not end before the job "
        f"does. Received: exit status={status}. Perhaps memory ran out (try "
        "fewer workers), or a slicing function crashed Python (try one "
        "worker). Whole shards are kept for the next run.\n"
    )


def test_a_function_that_ends_its_process_fails_the_job(tmp_path):
    write_raw(tmp_path / "raw", [3, 20])
    slices = functions_in("faulty.py") + ":ends_the_process"
    done = apply(
        tmp_path / "raw", tmp_path / "out", slices, "--workers", "2", timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(died("3"))
    assert done.stderr.count("\n") == 1
    assert set(files_in(tmp_path / "out")) <= {"train-0", "train-0.stats.json"}


def test_a_worker_that_is_killed_fails_the_job(tmp_path, whole):
    job = Job(whole / "raw", tmp_path / "out", SLOW, "--workers", "2")
    job.wait_for_shards(1)
    os.kill(job.children()[0], signal.SIGKILL)
    out, err = job.process.communicate(timeout=60)
    assert (job.process.returncode, out) == (2, "")
    assert err == died("-9 (SIGKILL)")
    check_nothing_is_half_written(tmp_path / "out", whole)
    check_continues(tmp_path / "out", whole, "--workers", "2")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk_fails_the_shard_by_name(tmp_path, workers):
    """A limit on the size of a file stands for a disk that is full."""
    write_raw(tmp_path / "raw", [10, 2000])
    flags = ["--input", tmp_path / "raw", "--slices", KEYWORDS]
    flags += ["--output-dir", tmp_path / "out", "--workers", workers]
    # In the new process: what runs before `exec` in a copy of this one, where
    # other tests have left threads, may end it.
    limited = (
        "import os, resource, sys; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (32 << 10, 32 << 10)); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, *command(*flags)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (2, "")
    pattern = rf"slice-tf apply: error: {tmp_path}/raw/train-1: OSError: .*"
    assert re.fullmatch(pattern, done.stderr.rstrip("\n"))
    assert set(files_in(tmp_path / "out")) == {"train-0", "train-0.stats.json"}
    again = apply(tmp_path / "raw", tmp_path / "out", KEYWORDS)
    assert again.returncode == 0
