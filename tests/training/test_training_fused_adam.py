import keras
import numpy as np
import pytest
import tensorflow as tf

from slice_tf.training import FusedAdam
from sliced_task import FEATURES, TARGETS, made

PLAIN = keras.optimizers.Adam


def trained(optimizer, **arguments):
    model = made(2)
    model.compile(optimizer, **arguments)
    model.fit(FEATURES, TARGETS, epochs=5, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
        {"weight_decay": 0.01, "clipnorm": 0.5},
        {"amsgrad": True},
        {"learning_rate": keras.optimizers.schedules.CosineDecay(1e-2, 8)},
        {"use_ema": True},
    ],
)
def test_weights_are_those_of_keras(options):
    options = {"learning_rate": 1e-2, **options}
    fused, plain = (trained(one(**options)) for one in (FusedAdam, PLAIN))
    for one, other in zip(
        fused.get_weights(), plain.get_weights(), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=2e-6)
    for one, other in zip(
        fused.optimizer.variables, plain.optimizer.variables, strict=True
    ):
        np.testing.assert_allclose(one, other, atol=2e-6)


def test_compiled_and_scaled_steps_are_the_same():
    plain = trained(PLAIN(1e-2)).get_weights()
    for arguments in ({"jit_compile": True}, {"auto_scale_loss": True}):
        fused = trained(FusedAdam(1e-2), **arguments).get_weights()
        for one, other in zip(fused, plain, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_sparse_gradients_move_the_rows_that_were_read():
    layers = [keras.layers.Embedding(9, 3) for _ in range(2)]
    for layer, optimizer in zip(layers, (FusedAdam(), PLAIN()), strict=True):
        layer.build(None)
        layer.set_weights([np.ones((9, 3))])
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(tf.constant([2, 5])) ** 2)
        gradients = tape.gradient(loss, [layer.embeddings.value])
        assert isinstance(gradients[0], tf.IndexedSlices)
        optimizer.apply(gradients, [layer.embeddings])
    np.testing.assert_array_equal(*(layer.get_weights()[0] for layer in layers))


@pytest.mark.parametrize(
    ("kind", "expected"), [(FusedAdam, False), (PLAIN, True)]
)
def test_a_step_makes_no_tensor_as_large_as_the_weights(kind, expected):
    variable, optimizer = keras.Variable(np.ones((4, 3), "float32")), kind()
    optimizer.build([variable])

    @tf.function
    def step(gradient):
        optimizer.apply([gradient], [variable])

    graph = step.get_concrete_function(tf.ones((4, 3))).graph
    made = [
        operation.type
        for operation in graph.get_operations()
        for tensor in operation.outputs
        if tuple(tensor.shape) == (4, 3)
        and operation.type
        in ("Mul", "Sub", "Square", "Sqrt", "AddV2", "RealDiv")
    ]
    assert bool(made) is expected, made


def test_a_saved_model_goes_on_with_it(tmp_path):
    model = trained(FusedAdam(1e-2))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is FusedAdam
    runs = [
        one.fit(FEATURES, TARGETS, shuffle=False, verbose=0).history
        for one in (model, loaded)
    ]
    assert runs[0] == runs[1]
