"""The experiment with planted slices, whole and small."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def test_the_experiment_writes_a_row_for_every_slicer(tmp_path):
    program = ROOT / "experiments" / "discovery.py"
    toy = ["--seeds", "1", "--test", "2", "--docs", str(tmp_path)]
    subprocess.run(
        [sys.executable, str(program), *toy],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SLICE_TF_EXPERIMENTS": str(tmp_path),
        },
        check=True,
        timeout=500,
    )
    page = (tmp_path / "discovery.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [len(row.split("|")) - 2 for row in rows] == [7] * 7 + [2] * 6
    assert (tmp_path / "discovery.svg").is_file()
