"""Experiments run whole at toy size, in a process of their own."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

PROGRAMS = pathlib.Path(__file__).parents[2] / "experiments"
TOY = {
    "synthetic": ["--settings", "displaced", "--methods", "VANILLA", "DP"],
    "low_rank": ["--widths", "13", "--useless", "1"],
}

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None,
    reason="experiments train in JAX: pip install 'slice-tf[experiments]'",
)


@pytest.mark.parametrize("name", TOY)
def test_an_experiment_writes_its_table_and_its_picture(name, tmp_path):
    toy = ["--seeds", "2", "--test", "500", "--docs", str(tmp_path)]
    subprocess.run(
        [sys.executable, str(PROGRAMS / f"{name}.py"), *toy, *TOY[name]],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": str(PROGRAMS.parent),
            "SLICE_TF_EXPERIMENTS": str(tmp_path),
        },
        check=True,
        timeout=300,
    )
    page = (tmp_path / f"{name}.md").read_text()
    assert "| VANILLA | 235 |" in page
    assert (tmp_path / f"{name}.svg").read_text().startswith("<?xml")
