"""How long a user waits before anything happens.

    python benchmarks/bench_startup.py [--runs 15]

Wall seconds of whole processes, interleaved; a bare interpreter is the floor.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

LIMITS = {"import slice_tf": 0.1, "slice-tf --help": 0.3}
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import slice_tf": [sys.executable, "-c", "import slice_tf"],
    "slice-tf --help": [sys.executable, "-m", "slice_tf", "--help"],
    "slice-tf train --help": [
        sys.executable,
        "-m",
        "slice_tf",
        "train",
        "--help",
    ],
    "import slice_tf.slicing": [
        sys.executable,
        "-c",
        "import slice_tf.slicing",
    ],
    "import tensorflow": [sys.executable, "-c", "import tensorflow"],
}


def wall_seconds(command: Sequence[str]) -> float:
    """Runs a process and returns how long it took."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Prints a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, command in COMMANDS.items():
            times[name].append(wall_seconds(command))
    print("| process | median, s | least, s | limit, s |")
    print("|---|---:|---:|---:|")
    for name, values in times.items():
        limit = LIMITS.get(name, "")
        middle = statistics.median(values)
        print(f"| `{name}` | {middle:.3f} | {min(values):.3f} | {limit} |")


if __name__ == "__main__":
    main()
