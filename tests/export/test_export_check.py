import shutil
import subprocess
import sys

import keras
import pytest
import tensorflow as tf

from exported_task import SCHEMA, made
from slice_tf.data import Feature, FeatureSpec
from slice_tf.export import (
    check_operations,
    check_saved_model,
    export_saved_model,
    make_probe,
)
from slice_tf.models import SliceAwareModel, VanillaModel, build_mlp
from slice_tf.schema import Slice, SliceSchema


class Smuggled(keras.layers.Layer):
    """Runs Python inside the graph."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def call(self, x):
        if self.kind == "numpy_function":
            y = tf.numpy_function(lambda one: one, [x], tf.float32)
        else:
            y = tf.py_function(lambda one: one, [x], tf.float32)
        return tf.ensure_shape(y, x.shape)

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


class Printing(keras.layers.Layer):
    """Does what a server should not do, though it could."""

    def call(self, x):
        with tf.control_dependencies([tf.raw_ops.Timestamp()]):
            return tf.identity(x)

    def compute_output_spec(self, x):
        return keras.KerasTensor(x.shape, x.dtype)


def model_with(layer):
    x = keras.Input((4,), name="x")
    return VanillaModel(keras.Model({"x": x}, layer(x)))


DENSE = {"serving_default", "explain"}
HEADS = {"heads", "indicator_large", "expert_large"}
SIGNATURES = {
    "binary": {"examples", "classify", "regress"} | DENSE | HEADS,
    "multi_class": {"examples", "classify"} | DENSE | HEADS,
}
SPEC = FeatureSpec({"x": Feature("float32", (4,))})


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    one = made("binary")
    path = tmp_path_factory.mktemp("check") / "m"
    return export_saved_model(one.model, path, one.spec)


@pytest.mark.parametrize("name", list(SIGNATURES))
def test_every_signature_answers_what_keras_says(name, tmp_path):
    one = made(name)
    path = export_saved_model(
        one.model, tmp_path / "m", one.spec, slice_heads=["large"]
    )
    report = check_saved_model(path, probe=make_probe(one.model, one.spec))
    asked = {key.partition("/")[0] for key in report.differences}
    assert asked == set(report.signatures) == SIGNATURES[name]
    assert report.runtimes == ("python", "c")
    assert "ParseExampleV2" in report.operations
    assert report.largest_difference < 1e-5


@pytest.mark.parametrize(
    ("task", "classes", "asked"),
    [
        ("multi_label", 3, {"classify", "examples"}),
        ("regression", 0, {"regress", "examples"}),
    ],
)
def test_other_tasks_answer_what_keras_says(task, classes, asked, tmp_path):
    keras.utils.set_random_seed(4)
    schema = SliceSchema((Slice("small"), Slice("seen", monitor_only=True)))
    backbone = build_mlp({"x": ((4,), "float32")}, units=(8,))
    model = SliceAwareModel(backbone, schema, classes or None, task=task)
    spec = FeatureSpec(SPEC.features, num_classes=classes, task=task)
    path = export_saved_model(
        model, tmp_path / "m", spec, slice_heads=schema.names
    )
    report = check_saved_model(
        path, probe=make_probe(model, spec), runtimes=["c"]
    )
    heads = {"heads", "indicator_small", "expert_small", "indicator_seen"}
    assert set(report.signatures) == asked | DENSE | heads
    assert report.largest_difference < 1e-5


def test_export_of_another_model_is_found_out(export):
    keras.utils.set_random_seed(8)
    backbone = build_mlp({"x": ((2, 3), "float32")}, units=(8,))
    other = SliceAwareModel(backbone, SCHEMA)
    probe = make_probe(other, made("binary").spec)
    message = r"answer what the Keras model does.*explain/logits.*largest"
    with pytest.raises(ValueError, match=message):
        check_saved_model(export, probe=probe, runtimes=["c"])


def test_model_that_does_not_run_is_refused(export, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(export, broken)
    shutil.rmtree(broken / "variables")
    with pytest.raises(
        ValueError, match=r"has only TensorFlow.*Could not find variable"
    ):
        check_saved_model(broken, runtimes=["c"])


def test_runtimes_must_be_of_the_two(export):
    with pytest.raises(ValueError, match=r"python, c.*Received: runtimes=java"):
        check_saved_model(export, runtimes=["java"])


@pytest.mark.parametrize(
    ("kind", "operation"),
    [("py_function", "EagerPyFunc"), ("numpy_function", "PyFunc")],
)
def test_smuggled_python_is_refused_by_name(kind, operation, tmp_path):
    message = rf"operations={operation} \(node \S+ in function __inference"
    with pytest.raises(ValueError, match=message):
        export_saved_model(
            model_with(Smuggled(kind)),
            tmp_path / "m",
            SPEC,
            allow_operations=[operation],
        )
    assert list(tmp_path.iterdir()) == []


def test_operation_must_be_on_the_list(tmp_path):
    model = model_with(Printing())
    with pytest.raises(ValueError, match=r"Timestamp.*allow_operations"):
        export_saved_model(model, tmp_path / "m", SPEC)
    path = export_saved_model(
        model, tmp_path / "m", SPEC, allow_operations=["Timestamp"]
    )
    assert "Timestamp" in check_operations(path, ["Timestamp"])


def test_what_is_no_saved_model_is_named(tmp_path):
    message = f"readable `saved_model.pb`.*directory={tmp_path}"
    with pytest.raises(ValueError, match=message):
        check_operations(tmp_path)


def test_names_of_signatures_come_without_tensorflow():
    code = (
        "import sys, slice_tf.export.signatures, slice_tf_serving;"
        "sys.exit(bool({'tensorflow', 'keras', 'grpc'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
