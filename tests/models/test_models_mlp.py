import keras
import numpy as np
import pytest

from slice_tf.models import build_mlp

FEATURES = {
    "image": ((2, 3), "float32"),
    "age": ((), "int64"),
    "words": ((4,), "int64"),
}


def inputs(batch=5):
    rng = np.random.default_rng(0)
    return {
        "image": rng.normal(size=(batch, 2, 3)).astype("float32"),
        "age": rng.integers(90, size=batch),
        "words": rng.integers(90, size=(batch, 4)),
    }


def test_it_is_dense_layers_over_the_flat_features():
    model, given = build_mlp(FEATURES, (7, 3)), inputs()
    z = np.concatenate(
        [
            given["image"].reshape(5, 6),
            given["age"][:, None],
            given["words"],
        ],
        axis=1,
    ).astype("float32")
    for layer in model.layers[-2:]:
        weight, bias = layer.get_weights()
        z = np.maximum(z @ weight + bias, 0)
    assert z.shape == (5, 3)
    np.testing.assert_allclose(model(given), z, rtol=1e-5, atol=1e-5)


def test_inputs_bear_the_features_names_in_their_order():
    assert list(build_mlp(FEATURES).input) == ["image", "age", "words"]


def test_order_of_the_given_dict_does_not_matter():
    model, given = build_mlp(FEATURES), inputs()
    turned = dict(reversed(list(given.items())))
    np.testing.assert_array_equal(model(given), model(turned))


def test_seed_alone_decides_the_weights():
    first, second, other = (build_mlp(FEATURES, seed=s) for s in (1, 1, 2))
    for one, same, different in zip(
        first.get_weights(),
        second.get_weights(),
        other.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, same)
        if one.ndim == 2:
            assert np.any(one != different)


def test_dense_layers_may_follow():
    keras.utils.clear_session()  # Keras counts names from the start again.
    model = build_mlp(FEATURES, (7, 6, 5))
    for units in (4, 3):
        z = keras.layers.Dense(units)(model.output)
        model = keras.Model(model.input, z)
    assert model.output_shape == (None, 3)


def test_it_goes_through_a_file(tmp_path):
    model = build_mlp(FEATURES, (4,))
    model.save(tmp_path / "backbone.keras")
    loaded = keras.models.load_model(tmp_path / "backbone.keras")
    np.testing.assert_array_equal(loaded(inputs()), model(inputs()))


@pytest.mark.parametrize(
    ("features", "units", "message"),
    [
        ({}, (4,), "at least one feature"),
        (
            {"title": ((), "string"), "age": ((), "int64")},
            (4,),
            "string features=title.*`build_text`",
        ),
        (FEATURES, (), r"at least one positive width.*units=\(\)"),
        (FEATURES, (4, 0), r"units=\(4, 0\)"),
    ],
)
def test_what_it_cannot_read_is_refused(features, units, message):
    with pytest.raises(ValueError, match=message):
        build_mlp(features, units)


def test_dropout_is_of_training_alone():
    model = build_mlp({"x": ((3,), "float32")}, [64], dropout=0.5)
    inputs = {"x": np.ones((1, 3), np.float32)}
    z = np.asarray(model(inputs, training=False))
    dropped = np.asarray(model(inputs, training=True))
    kept = dropped != 0
    assert 0 < kept.sum() < (z != 0).sum()
    np.testing.assert_allclose(dropped[kept], 2 * z[kept], rtol=1e-6)
