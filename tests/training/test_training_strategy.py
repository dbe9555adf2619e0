import json
import os
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

from slice_tf.training import choose_strategy

TESTS = pathlib.Path(__file__).parent.parent


@pytest.fixture(scope="module")
def found():
    """What one and two devices gave, in a process of its own."""
    result = subprocess.run(
        [sys.executable, str(TESTS / "training" / "mirrored_program.py")],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        *("fit", "default", "paper", "in pieces", "compiled", "fused adam"),
        *("clipped", "overflowing"),
    ],
)
def test_two_devices_give_the_weights_of_one(found, way):
    assert found["replicas"] == 2
    assert found[way]["weights_gap"] < 1e-5
    assert found[way]["logs_gap"] < 1e-5
    assert {"loss", "accuracy", "accuracy/small"} < set(found[way]["logs"])


@pytest.mark.parametrize("name", ["auto", "one"])
def test_one_device_needs_no_strategy(name):
    assert choose_strategy(name) is tf.distribute.get_strategy()


def test_a_process_has_one_strategy_for_its_devices():
    # Models of two would fail where sums over devices differ in shape.
    assert choose_strategy("mirrored") is choose_strategy("mirrored")


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(
        ValueError, match=r"auto, one, mirrored, multiworker.*'tpu'"
    ):
        choose_strategy("tpu")
