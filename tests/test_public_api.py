import ast
import importlib
import pathlib

import pytest

import slice_tf

ROOMS = [
    "slice_tf",
    "slice_tf.backbones",
    "slice_tf.data",
    "slice_tf.discovery",
    "slice_tf.evaluation",
    "slice_tf.export",
    "slice_tf.layers",
    "slice_tf.losses",
    "slice_tf.metrics",
    "slice_tf.models",
    "slice_tf.report",
    "slice_tf.slicing",
    "slice_tf.training",
    "slice_tf_beam",
    "slice_tf_serving",
    "slice_tf_serving.client",
    "slice_tf_serving.deployment",
]
LATE = [
    "slice_tf",
    "slice_tf.backbones",
    "slice_tf.discovery",
    "slice_tf.export",
    "slice_tf.report",
    "slice_tf.training",
    "slice_tf_beam",
    "slice_tf_serving",
    "slice_tf_serving.client",
    "slice_tf_serving.deployment",
]


@pytest.mark.parametrize("room", ROOMS)
def test_every_listed_name_is_there_documented_and_sorted(room):
    module = importlib.import_module(room)
    assert list(module.__all__) == sorted(module.__all__)
    for name in module.__all__:
        thing = getattr(module, name)
        if callable(thing):
            assert thing.__doc__, f"{room}.{name} has no docstring"


def test_unknown_name_says_so():
    with pytest.raises(AttributeError, match="slice_tf attribute sram"):
        slice_tf.sram  # noqa: B018


def test_front_door_leads_into_the_rooms():
    from slice_tf.layers import SliceResidualAttention
    from slice_tf.slicing import slicing_function

    assert slice_tf.SliceResidualAttention is SliceResidualAttention
    assert slice_tf.slicing_function is slicing_function
    assert dir(slice_tf) == list(slice_tf.__all__)
    assert slice_tf.__version__


@pytest.mark.parametrize("room", LATE)
def test_type_checkers_read_late_names_from_a_stub(room):
    """What is looked up late is no `Any` to who writes code, if the stub of a
    package ships with it."""
    module = importlib.import_module(room)
    stub = pathlib.Path(module.__file__).with_suffix(".pyi")
    shown = {
        alias.asname
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert shown == set(module.__all__)
