"""Experiments run whole at toy size, in a process of their own."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

PROGRAMS = pathlib.Path(__file__).parents[2] / "experiments"
TOY = {
    "synthetic": ["--settings", "displaced", "--methods", "VANILLA", "DP"],
    "narrow_layer": ["--slices", "1", "--kinds", "useless"],
    "low_rank": ["--widths", "13", "--useless", "1"],
    "attention": [],
    "representation_size": ["--sizes", "4"],
    "indicator_maps": [],
    "number_of_slices": ["--numbers", "3"],
}
ROWS = {
    "synthetic": "| VANILLA | 235 |",
    "narrow_layer": "| linear, experts alone | 36,085 |",
    "low_rank": "| full experts | 1,019 |",
    "attention": "| both | 1,215 |",
    "representation_size": "| DP | 37 |",
    "indicator_maps": "| 80% |",
    "number_of_slices": "| recipe paper | 1,033 |",
}
RUN_ALL = """
import importlib, json, sys
for name, flags in json.loads(sys.argv[1]).items():
    importlib.import_module(name).main(flags)
"""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None,
    reason="experiments train in JAX: pip install 'slice-tf[experiments]'",
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A folder of what all wrote; one process, which imports Keras once."""
    folder = tmp_path_factory.mktemp("experiments")
    toy = ["--seeds", "2", "--test", "500", "--docs", str(folder)]
    flags = json.dumps({name: [*toy, *own] for name, own in TOY.items()})
    subprocess.run(
        [sys.executable, "-c", RUN_ALL, flags],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": f"{PROGRAMS.parent}{os.pathsep}{PROGRAMS}",
            "SLICE_TF_EXPERIMENTS": str(folder),
        },
        check=True,
        timeout=600,
    )
    return folder


@pytest.mark.parametrize("name", TOY)
def test_an_experiment_writes_its_table_and_its_picture(name, pages):
    assert ROWS[name] in (pages / f"{name}.md").read_text()
    assert (pages / f"{name}.svg").read_text().startswith("<?xml")
