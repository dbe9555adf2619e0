import json
import os
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

from slice_tf.training import choose_strategy

TESTS = pathlib.Path(__file__).parent.parent


@pytest.mark.slow
def test_two_devices_give_the_weights_of_one():
    """With sample weights and a regularizer, in a process of its own."""
    result = subprocess.run(
        [sys.executable, str(TESTS / "training" / "mirrored_program.py")],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["replicas"] == 2
    assert found["weights_gap"] < 1e-6
    assert found["logs_gap"] < 1e-5
    assert {"loss", "accuracy", "accuracy/small"} < set(found["logs"])


@pytest.mark.parametrize("name", ["auto", "one"])
def test_one_device_needs_no_strategy(name):
    assert choose_strategy(name) is tf.distribute.get_strategy()


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"auto, one, mirrored.*'tpu'"):
        choose_strategy("tpu")
