"""The folded form is the direct one, without its largest tensor."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slice_tf.layers import SliceResidualAttention
from slice_tf.layers.form import is_folding_cheaper

NUM_SLICES, DIM, UNITS, BATCH = 6, 10, 12, 31


def made(form, num_classes=2, **arguments):
    keras.utils.set_random_seed(0)
    layer = SliceResidualAttention(
        NUM_SLICES, num_classes, UNITS, form=form, **arguments
    )
    layer.build((None, DIM))
    for bias in layer.weights:
        if bias.name == "bias":  # Zeros would hide one that is forgotten.
            bias.assign(keras.random.normal(bias.shape))
    return layer


def representations():
    rng = np.random.default_rng(2)
    return tf.constant(rng.normal(size=(BATCH, DIM)), "float32")


def loss_of(outputs):
    """A number that every output moves, each entry by an amount of its own."""
    rng = np.random.default_rng(3)
    return sum(
        tf.reduce_sum(tf.sin(value) * rng.normal(size=value.shape))
        for _, value in sorted(outputs.items())
    )


def gradients_of(layer, z):
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = loss_of(layer(z))
    variables = [v.value for v in layer.trainable_variables]
    return tape.gradient(loss, [z, *variables])


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("base_indicator", ["zero", "learned"])
def test_gradients_are_those_of_the_direct_form(num_classes, base_indicator):
    direct, folded = (
        gradients_of(
            made(form, num_classes, base_indicator=base_indicator),
            representations(),
        )
        for form in ("direct", "folded")
    )
    for one, other in zip(direct, folded, strict=True):
        size = np.abs(one).max()
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-5 * size)


def shapes_in_graph(layer):
    """Shapes of every tensor of a forward and backward pass."""

    @tf.function(autograph=False)
    def step(z):
        return gradients_of(layer, z)

    graph = step.get_concrete_function(representations()).graph
    graphs = [graph, *(f.graph for f in graph._functions.values())]
    outputs = (
        tensor
        for one in graphs
        for operation in one.get_operations()
        for tensor in operation.outputs
    )
    return {tuple(t.shape) for t in outputs if t.shape.rank is not None}


@pytest.mark.parametrize(
    ("form", "rank", "expected"),
    [("direct", None, 1), ("folded", None, 0), ("folded", 3, 0)],
)
def test_folded_form_makes_no_representations(form, rank, expected):
    large = BATCH * (NUM_SLICES + 1) * (rank or UNITS)
    shapes = shapes_in_graph(made(form, rank=rank))
    assert not any(None in shape for shape in shapes)
    found = [one for one in shapes if np.prod(one) >= large]
    assert bool(found) == bool(expected), found


@pytest.mark.parametrize(
    ("batch", "width", "columns", "cheaper"),
    [
        (None, 128, 2, True),  # a graph of any batch size, a binary task
        (None, 13, 26, False),  # more columns of heads than of experts
        (256, 128, 2, True),
        (256, 128, 100, False),
        (1, 128, 2, False),  # one example does not pay for the weights
        (3, 128, 2, True),
    ],
)
def test_auto_takes_the_form_of_fewer_operations(
    batch, width, columns, cheaper
):
    assert is_folding_cheaper(batch, width, columns) is cheaper


@pytest.mark.parametrize("form", ["direct", "folded", "fold()"])
@pytest.mark.parametrize("num_classes", [2, 3])
def test_contributions_sum_to_the_logits(form, num_classes):
    layer = made("direct" if form == "fold()" else form, num_classes)
    layer = layer.fold() if form == "fold()" else layer
    outputs = layer(representations(), explain=True)
    contributions = outputs.pop("contributions").numpy()
    logits = made("direct", num_classes)(representations())["logits"]
    assert contributions.shape == outputs["expert_logits"].shape
    np.testing.assert_allclose(contributions.sum(axis=1), logits, atol=1e-5)


def test_folded_layer_goes_through_a_file(tmp_path):
    z = representations()
    folded = made("auto", 3, base_indicator="learned", monitor_only=(1,)).fold()
    inputs = keras.Input((DIM,))
    keras.Model(inputs, folded(inputs)).save(tmp_path / "folded.keras")
    loaded = keras.models.load_model(tmp_path / "folded.keras")
    keras.tree.map_structure(
        np.testing.assert_array_equal, loaded(z), folded(z)
    )


def test_folded_weights_do_not_grow_with_the_width_of_experts():
    layer = SliceResidualAttention(100, 2, 128)
    layer.build((None, 768))
    experts, heads = 101 * 769 * 128, 2 * 129
    assert layer.count_params() == experts + heads + 100 * 769
    assert layer.fold().count_params() == 769 * 3 * 101


def test_folded_layer_of_a_mixed_precision_module_is_float32():
    layer = made("direct", dtype="mixed_bfloat16")
    folded = layer.fold()
    assert folded.compute_dtype == "float32"
    outputs, expected = folded(representations()), layer(representations())
    for key, value in expected.items():
        np.testing.assert_allclose(outputs[key], value, atol=0.1, err_msg=key)


def test_module_without_weights_cannot_be_folded():
    with pytest.raises(ValueError, match=r"must have weights.*built=False"):
        SliceResidualAttention(2, 2).fold()


def test_unknown_form_is_refused():
    with pytest.raises(ValueError, match=r"auto, direct, folded.*form='fast'"):
        SliceResidualAttention(2, 2, form="fast")
