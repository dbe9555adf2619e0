import keras
import numpy as np
import pytest

from slice_tf.layers import (
    FoldedSliceResidualAttention,
    SliceAttention,
    SliceExperts,
    SliceIndicators,
    SliceResidualAttention,
)

Z = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")

ERRORS = [
    (lambda: SliceIndicators(-1), "at least 0.*Received: num_slices=-1"),
    (lambda: SliceIndicators(2, "one"), "Received: base_indicator='one'"),
    (lambda: SliceExperts(2, 0), "at least 1.*Received: units=0"),
    (
        lambda: SliceResidualAttention(2, 1, 4),
        "at least 2.*Received: num_classes=1",
    ),
    (
        lambda: SliceResidualAttention(2, 2, 4, monitor_only=(2,)),
        r"0 to 1.*Received: monitor_only=\(2,\)",
    ),
    (
        lambda: SliceResidualAttention(2, 2, 4)(np.ones((2, 3, 4), "float32")),
        r"of shape \[batch, dim\].*Received: shape=\(2, 3, 4\)",
    ),
    (
        lambda: SliceAttention()(
            np.ones((2, 2), "float32"), np.ones((2, 2), "float32")
        ),
        r"\[batch, experts, logits\].*Received: shape=\(2, 2\)",
    ),
    (
        lambda: SliceAttention(task="ranking"),
        "multi_label, regression.*Received: task='ranking'",
    ),
    (
        lambda: SliceResidualAttention(2, 3, task="regression"),
        "left out where a number.*Received: num_classes=3",
    ),
    (
        lambda: SliceResidualAttention(2, 0, task="multi_label"),
        "at least 1.*Received: num_classes=0",
    ),
    (
        lambda: SliceResidualAttention(2, 2)(Z, np.ones((4, 5, 6), "float32")),
        r"`indicator_features` must be of shape.*shape=\(4, 5, 6\)",
    ),
]


@pytest.mark.parametrize(("make", "message"), ERRORS)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize(("built_with", "called_with"), [(Z, None), (None, Z)])
def test_indicators_read_the_tensor_that_they_were_built_on(
    built_with, called_with, fold
):
    module = SliceResidualAttention(2)
    module(Z, built_with)
    module = module.fold() if fold else module
    message = (
        f"Received: built with it={built_with is not None}, "
        f"called with it={called_with is not None}"
    )
    with pytest.raises(ValueError, match=message):
        module(Z, called_with)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_folded_outputs_are_float32_whatever_it_computes_in(dtype):
    outputs = FoldedSliceResidualAttention(2, dtype=dtype)(Z)
    assert {str(one.dtype.name) for one in outputs.values()} == {"float32"}


@pytest.mark.parametrize("num_slices", [2.0, True, "2"])
def test_counts_must_be_integers(num_slices):
    with pytest.raises(TypeError, match=r"must be an integer.*num_slices="):
        SliceExperts(num_slices, 4)


@pytest.mark.parametrize(
    "layer",
    [
        SliceIndicators(3, "learned"),
        SliceExperts(3, 7),
        SliceResidualAttention(
            3, 4, 6, base_indicator="learned", monitor_only=(1,)
        ),
        SliceResidualAttention(3, 4, 6, dtype="mixed_bfloat16"),
        SliceResidualAttention(3, 4, 6, task="multi_label"),
        SliceResidualAttention(3, task="regression"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_revived_layer_gives_the_same_output(layer):
    expected = layer(Z)
    revived = keras.layers.deserialize(keras.layers.serialize(layer))
    revived.set_weights(layer.get_weights())
    keras.tree.map_structure(
        np.testing.assert_array_equal, revived(Z), expected
    )


@pytest.mark.parametrize("base_indicator", ["zero", "learned"])
def test_symbolic_outputs_have_the_shapes_and_dtypes_of_real_ones(
    base_indicator,
):
    layer = SliceResidualAttention(
        3, 4, 6, base_indicator=base_indicator, dtype="mixed_bfloat16"
    )
    symbolic = layer(keras.Input((5,)))
    real = layer(Z)
    assert set(symbolic) == set(real)
    for key, tensor in real.items():
        assert symbolic[key].shape == (None, *tensor.shape[1:])
        assert symbolic[key].dtype == tensor.dtype.name


def test_functional_model_holds_the_layer_through_a_file(tmp_path):
    inputs = keras.Input((5,))
    layer = SliceResidualAttention(2, 3, base_indicator="learned")
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    keras.tree.map_structure(np.testing.assert_array_equal, loaded(Z), model(Z))


def test_width_of_experts_is_that_of_z_unless_said():
    layer = SliceExperts(2)
    assert layer(Z).shape == (4, 3, 5)
    assert layer.compute_output_shape((None, 5)) == (None, 3, 5)
