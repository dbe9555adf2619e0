"""The layers against section 3.2, written down in NumPy."""

import keras
import numpy as np
import pytest

import reference
from slice_tf.layers import SliceResidualAttention

NUM_SLICES, DIM, UNITS, BATCH = 3, 5, 4, 7


def made(num_classes, base_indicator, monitor_only=(), form="auto"):
    keras.utils.set_random_seed(0)
    layer = SliceResidualAttention(
        NUM_SLICES,
        num_classes,
        UNITS,
        base_indicator=base_indicator,
        monitor_only=monitor_only,
        form=form,
    )
    layer.build((None, DIM))
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
    return layer


def paper_weights(layer):
    """The layer's weights as the reference lists them."""
    kernel = layer.indicators.kernel.numpy()
    bias = layer.indicators.bias.numpy()
    indicators = list(zip(kernel.T, bias, strict=True))
    kernel, own = layer.experts.kernel.numpy(), layer.experts.bias.numpy()
    experts = [(np.zeros((DIM, UNITS)), 0.0)] * (NUM_SLICES + 1)
    for row, position in enumerate(layer.expert_positions):
        experts[position] = kernel[:, row], own[row]
    return {
        "indicators": indicators + [None] * (NUM_SLICES + 1 - len(indicators)),
        "experts": experts,
        "g": [w.numpy() for w in layer.slice_head.weights],
        "f": [w.numpy() for w in layer.head.weights],
        "hidden": layer.monitor_only,
    }


def representations():
    return np.random.default_rng(2).normal(size=(BATCH, DIM)).astype("float32")


@pytest.mark.parametrize("num_classes", [2, 3, 5])
@pytest.mark.parametrize("base_indicator", ["zero", "learned"])
@pytest.mark.parametrize("monitor_only", [(), (1,)])
@pytest.mark.parametrize("form", ["direct", "folded", "fold()"])
def test_outputs_follow_the_paper(
    num_classes, base_indicator, monitor_only, form
):
    trained = "direct" if form == "fold()" else form
    layer = made(num_classes, base_indicator, monitor_only, trained)
    weights, z = paper_weights(layer), representations()
    layer = layer.fold() if form == "fold()" else layer
    q, p, a, logits = map(
        np.stack,
        zip(*(reference.forward(row, weights) for row in z), strict=True),
    )
    p[:, list(monitor_only)] = 0  # There is no expert to say anything.
    outputs = {key: np.array(value) for key, value in layer(z).items()}
    expected = {
        "logits": logits,
        "indicator_logits": q[:, :-1],
        "expert_logits": p,
        "attention": a,
    }
    if base_indicator == "learned":
        expected["base_indicator_logits"] = q[:, -1:]
    assert set(outputs) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(outputs[key], value, atol=1e-5, err_msg=key)


def test_permuted_slices_permute_the_outputs():
    layer, z, order = made(3, "zero"), representations(), [2, 0, 1]
    outputs = {key: np.array(value) for key, value in layer(z).items()}
    permuted = made(3, "zero")
    permuted.indicators.kernel.assign(layer.indicators.kernel.numpy()[:, order])
    permuted.indicators.bias.assign(layer.indicators.bias.numpy()[order])
    with_base = [*order, NUM_SLICES]
    permuted.experts.kernel.assign(layer.experts.kernel.numpy()[:, with_base])
    permuted.experts.bias.assign(layer.experts.bias.numpy()[with_base])
    results = {key: np.array(value) for key, value in permuted(z).items()}
    close = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(results["logits"], outputs["logits"], **close)
    np.testing.assert_allclose(
        results["indicator_logits"],
        outputs["indicator_logits"][:, order],
        **close,
    )
    for key in ("expert_logits", "attention"):
        np.testing.assert_allclose(
            results[key], outputs[key][:, with_base], **close
        )


def test_permuted_batch_permutes_the_outputs():
    layer, z = made(2, "zero"), representations()
    order = np.random.default_rng(3).permutation(BATCH)
    outputs, permuted = layer(z), layer(z[order])
    for key, value in outputs.items():
        np.testing.assert_allclose(
            np.array(permuted[key]), np.array(value)[order], atol=1e-6
        )


def test_attention_rows_sum_to_one_and_skip_monitored_slices():
    outputs = made(2, "zero", monitor_only=(0, 2))(representations())
    attention = outputs["attention"].numpy()
    ones, none = np.ones(BATCH), np.zeros((BATCH, 2))
    np.testing.assert_allclose(attention.sum(axis=-1), ones, rtol=1e-6)
    np.testing.assert_array_equal(attention[:, [0, 2]], none)


@pytest.mark.parametrize("rank", [None, 2])
def test_monitored_slice_costs_an_indicator_and_no_expert(rank):
    plain, monitored = (
        SliceResidualAttention(5, 2, UNITS, rank=rank, monitor_only=some)
        for some in ((), (0, 3))
    )
    for layer in (plain, monitored):
        layer.build((None, DIM))
    expert = DIM * (rank or UNITS) + UNITS
    saved = plain.count_params() - monitored.count_params()
    assert saved == 2 * expert
    served = plain.fold().count_params() - monitored.fold().count_params()
    assert served == 2 * 2 * (DIM + 1)


def test_without_slices_the_base_has_all_attention():
    layer = SliceResidualAttention(0, 2, UNITS)
    outputs = layer(representations())
    assert {key: tuple(value.shape) for key, value in outputs.items()} == {
        "logits": (BATCH, 1),
        "indicator_logits": (BATCH, 0),
        "expert_logits": (BATCH, 1, 1),
        "attention": (BATCH, 1),
    }
    np.testing.assert_array_equal(outputs["attention"], np.ones((BATCH, 1)))
