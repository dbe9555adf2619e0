"""The same model on the other backends of Keras."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import backend_program

PROGRAM = pathlib.Path(backend_program.__file__)


@pytest.fixture(scope="module")
def expected():
    assert keras.backend.backend() == "tensorflow"
    return backend_program.all_results()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_learns_and_predicts_the_same(
    backend, expected, tmp_path
):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    result = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path / "found.npz")],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert result.returncode == 0, result.stderr
    with np.load(tmp_path / "found.npz") as found:
        assert set(found.files) == set(expected)
        for name, value in expected.items():
            np.testing.assert_allclose(
                found[name], value, rtol=1e-3, atol=1e-4, err_msg=name
            )
