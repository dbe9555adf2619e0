import keras
import numpy as np
import pytest
import tensorflow as tf

from exported_task import made
from slice_tf.backbones import HubLayer
from slice_tf.data import Feature, FeatureSpec
from slice_tf.export import export_hub_module
from slice_tf.models import VanillaModel

X = np.random.default_rng(1).normal(size=(6, 4)).astype("float32")
SPEC = FeatureSpec({"x": Feature("float32", (4,))})


def load(path):
    try:
        import tensorflow_hub
    except ImportError:
        return tf.saved_model.load(str(path))
    return tensorflow_hub.load(str(path))


def tensors(features):
    return {name: tf.constant(one) for name, one in features.items()}


@pytest.fixture(scope="module")
def regularized():
    """A model whose backbone has dropout and a regularizer."""
    keras.utils.set_random_seed(3)
    x = keras.Input((4,), name="x")
    penalty = keras.regularizers.L2(0.1)
    z = keras.layers.Dense(5, kernel_regularizer=penalty)(x)
    return VanillaModel(keras.Model({"x": x}, keras.layers.Dropout(0.5)(z)))


@pytest.fixture(scope="module")
def module(regularized, tmp_path_factory):
    path = tmp_path_factory.mktemp("hub") / "m"
    return export_hub_module(regularized, path, SPEC)


def test_backbone_gives_its_features(module, regularized):
    z = regularized.backbone({"x": X}, training=False)
    np.testing.assert_allclose(load(module)({"x": tf.constant(X)}), z)


def test_training_is_passed_on(module):
    loaded = load(module)
    z = loaded({"x": tf.constant(X)}, training=True).numpy()
    assert 0 < np.count_nonzero(z == 0) < z.size


def test_variables_and_losses_are_those_that_hub_prescribes(
    module, regularized
):
    loaded = load(module)
    assert [one.shape for one in loaded.trainable_variables] == [(4, 5), (5,)]
    assert len(loaded.variables) == 3  # The state of dropout's random numbers.
    (loss,) = loaded.regularization_losses
    kernel = regularized.backbone.trainable_variables[0]
    np.testing.assert_allclose(loss(), 0.1 * np.sum(np.square(kernel)), 1e-6)


def test_another_model_learns_on_top_of_it(module):
    x = keras.Input((4,), name="x")
    layer = HubLayer(module, trainable=True, dim=5)
    model = VanillaModel(keras.Model({"x": x}, layer({"x": x})))
    before = [one.numpy() for one in layer.trainable_variables]
    model.compile("adam")
    model.fit({"x": X}, {"label": np.arange(6) % 2}, verbose=0)
    after = [one.numpy() for one in layer.trainable_variables]
    assert [one.shape for one in after] == [(4, 5), (5,)]
    assert all(
        (old != new).any() for old, new in zip(before, after, strict=True)
    )


def test_whole_model_gives_all_its_outputs(tmp_path):
    one = made("multi_class")
    path = export_hub_module(one.model, tmp_path / "m", one.spec, "model")
    outputs = load(path)(tensors(one.features))
    expected = one.model.predict(one.features, verbose=0)
    assert outputs.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(outputs[name], array, atol=1e-6)


def test_part_must_be_one_of_two(tmp_path):
    one = made("vanilla")
    with pytest.raises(ValueError, match=r"backbone, model.*part='head'"):
        export_hub_module(one.model, tmp_path / "m", one.spec, "head")
    assert list(tmp_path.iterdir()) == []
