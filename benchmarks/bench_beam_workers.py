"""What a second worker process brings, and the memory that one takes.

A slicing function that computes for about a third of a millisecond, over eight
shards of records of about 640 bytes, with `slice-tf apply` in a process of its
own: once in that process, once in two workers. Interleaved rounds, the median
of wall time, and of the CPU time of the busiest process, which is the wall time
of a machine that does nothing else. The limit is what plain processes take that
call the function as often between them and do nothing else. Memory is the peak
of every process under a function that costs nothing, for an input and for one
four times as large.

Run it with: python benchmarks/bench_beam_workers.py
"""

import itertools
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from bench_beam import write_raw

from slice_tf.slicing import Row, slicing_function

NUM_EXAMPLES = 40_000
ROUNDS = 2


@slicing_function
def busy(row):
    """Takes about as long as a few dozen regular expressions."""
    text, value = row.bytes("text"), 0
    for byte in text * 20:
        value = (value * 31 + byte) & 0xFFFF
    return value % 3 == 1


@slicing_function
def idle(row):
    """Takes no time."""
    return row.int("id") % 2 == 1


def compute(count):
    """Calls the function about a text so many times."""
    row = Row.from_mapping({"text": "night " * 80})
    for _ in range(count):
        busy(row)


def plain(count, workers):
    """Returns the wall seconds of plain processes that share the calls."""
    code = f"import bench_beam_workers as b; b.compute({count // workers})"
    start = time.perf_counter()
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code],
            cwd=pathlib.Path(__file__).parent,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(workers)
    ]
    for process in processes:
        process.wait()
    return time.perf_counter() - start


def apply(raw, out, workers, name):
    """Runs the command.

    Returns:
        Wall seconds, CPU seconds of the busiest process, and the peaks of the
        driver's and of the workers' memory in MB.
    """
    shutil.rmtree(out, ignore_errors=True)
    slices = f"{pathlib.Path(__file__).resolve()}:{name}"
    words = ["--input", raw, "--slices", slices, "--output-dir", out]
    words += ["--workers", workers]
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "slice_tf", "apply", *map(str, words)],
        stdout=subprocess.DEVNULL,
    )
    peaks, cpu = {}, {}
    while process.poll() is None:
        for pid in (process.pid, *children_of(process.pid)):
            peaks[pid] = max(peaks.get(pid, 0), peak_of(pid))
            cpu[pid] = max(cpu.get(pid, 0.0), cpu_of(pid))
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"the job failed with {process.returncode}")
    driver = peaks.pop(process.pid)
    return seconds, max(cpu.values()), driver, max(peaks.values(), default=0)


def children_of(pid):
    """Returns the ids of a process's children."""
    try:
        tasks = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        return [
            int(child)
            for task in tasks
            for child in (task / "children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def peak_of(pid):
    """Returns a process's peak resident memory so far, in MB."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    peaks = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(peaks[0]) // 1024 if peaks else 0


def cpu_of(pid):
    """Returns the seconds that a process has computed so far."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    """Prints the tables."""
    count = NUM_EXAMPLES // 8 if "--small" in sys.argv else NUM_EXAMPLES
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        inputs = {}
        for size in (count, 4 * count):
            inputs[size] = directory / str(size)
            inputs[size].mkdir()
            write_raw(inputs[size], size)
        out = directory / "out"
        took = {1: [], 2: []}
        for _, workers in itertools.product(range(ROUNDS), (1, 2)):
            took[workers].append(
                (
                    *apply(inputs[count], out, workers, "busy")[:2],
                    plain(count, workers),
                )
            )
        peaks = {
            (size, workers): apply(raw, out, workers, "idle")[2:]
            for size, raw in inputs.items()
            for workers in (1, 2)
        }
    print(f"{'':<34} {'one':>6} {'two':>6} {'speed-up':>9}")
    one, two = (
        [statistics.median(each) for each in zip(*rounds, strict=True)]
        for rounds in took.values()
    )
    for name, before, after in zip(
        ("job, wall s", "job, busiest process's CPU s", "limit, wall s"),
        one,
        two,
        strict=True,
    ):
        print(f"{name:<34} {before:>6.1f} {after:>6.1f} {before / after:>9.2f}")
    print(f"\n{'examples':>8} {'workers':>8} {'driver, MB':>11} worker, MB")
    for (size, workers), (driver, worker) in peaks.items():
        print(f"{size:>8} {workers:>8} {driver:>11} {worker or '-':>10}")


if __name__ == "__main__":
    main()
