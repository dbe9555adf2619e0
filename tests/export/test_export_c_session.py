import contextlib
import subprocess
import sys

import numpy as np
import pytest

from exported_task import NAMES, assert_same, made
from slice_tf.export import CSession, export_saved_model


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    root = tmp_path_factory.mktemp("c")
    with contextlib.ExitStack() as stack:
        opened = {}
        for name in NAMES:
            one = made(name)
            path = export_saved_model(one.model, root / name, one.spec)
            session = CSession(path, threads=1)
            opened[name] = stack.enter_context(contextlib.closing(session))
        yield opened


@pytest.mark.parametrize("signature", ["serving_default", "examples"])
@pytest.mark.parametrize("name", NAMES)
def test_the_c_library_answers_what_keras_predicts(name, signature, sessions):
    one = made(name)
    outputs = sessions[name].run(signature, one.inputs(signature))
    assert_same(outputs, one.expected(signature))


def test_strings_come_back_as_bytes(sessions):
    one = made("multi_class")
    outputs = sessions["multi_class"].run("classify", {"inputs": one.examples})
    assert outputs["classes"].tolist() == [[b"0", b"1", b"2"]] * 5


def test_signatures_tell_names_types_and_shapes(sessions):
    signature = sessions["multi_class"].signatures["explain"]
    assert {name: one.shape for name, one in signature.inputs.items()} == {
        "n": (None,),
        "x": (None, 2, 3),
    }
    assert signature.outputs["class_ids"].dtype == 9  # DT_INT64


def test_empty_batch_stays_empty(sessions):
    outputs = sessions["binary"].run(
        "serving_default", {"x": np.zeros((0, 2, 3), "float32")}
    )
    assert outputs["probabilities"].shape == (0, 2)


def test_what_the_graph_refuses_is_said(sessions):
    with pytest.raises(RuntimeError, match=r"\[1,5\].*\[\?,2,3\]"):
        sessions["binary"].run(
            "serving_default", {"x": np.zeros((1, 5), "float32")}
        )


def test_inputs_must_be_those_of_the_signature(sessions):
    message = "signature=explain, inputs=y, signatures=classify, examples"
    with pytest.raises(ValueError, match=message):
        sessions["binary"].run("explain", {"y": np.zeros(1)})


def test_what_is_no_saved_model_is_named(tmp_path):
    with pytest.raises(RuntimeError, match=f"SavedModel.*{tmp_path}"):
        CSession(tmp_path)


def test_it_imports_no_tensorflow():
    code = (
        "import sys; from slice_tf.export import CSession;"
        "sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
