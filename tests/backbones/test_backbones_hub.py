import shutil
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from hub_modules import (
    TEXTS,
    VECTORS,
    mean_of_words,
    save_scale,
    save_words,
    served,
)
from slice_tf.backbones import HubLayer
from slice_tf.data import Feature, FeatureSpec
from slice_tf.export import check_operations, export_saved_model
from slice_tf.models import SliceAwareModel
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["short"])
SPEC = FeatureSpec({"text": Feature("string")})
FEATURES = {"text": tf.constant(TEXTS)}
TARGETS = {
    "label": np.array([1, 0, 1]),
    "membership": np.array([[1.0], [0.0], [0.0]], "float32"),
}


def backbone(handle, trainable=True, dropout=0.0):
    text = keras.Input((), dtype="string", name="text")
    z = HubLayer(handle, trainable=trainable)(text)
    return keras.Model({"text": text}, keras.layers.Dropout(dropout)(z))


def fitted(handle, trainable=True, epochs=20):
    keras.utils.set_random_seed(1)
    model = SliceAwareModel(backbone(handle, trainable), SCHEMA)
    model.compile(keras.optimizers.Adam(0.05))
    model.fit(FEATURES, TARGETS, epochs=epochs, verbose=0)
    return model


def logits(model):
    return model.predict(FEATURES, verbose=0)["logits"]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return save_words(tmp_path_factory.mktemp("hub") / "words")


@pytest.fixture(scope="module")
def scale(tmp_path_factory):
    return save_scale(tmp_path_factory.mktemp("hub") / "scale")


def test_layer_says_what_the_module_says(words):
    output = HubLayer(words)(tf.constant(TEXTS))
    np.testing.assert_allclose(output, mean_of_words(TEXTS), rtol=1e-6)


def test_a_signature_and_one_of_its_outputs_can_be_chosen(words):
    layer = HubLayer(str(words), signature="two", output_key="b")
    expected = mean_of_words(TEXTS) + 1
    for inputs in (tf.constant(TEXTS), {"text": tf.constant(TEXTS)}):
        np.testing.assert_allclose(layer(inputs), expected, rtol=1e-6)


def test_fine_tuning_reaches_the_variables_of_the_module(words):
    model = fitted(words)
    (layer,) = [one for one in model.backbone.layers if one.weights]
    (vectors,) = layer.trainable_weights
    assert np.abs(vectors.numpy() - VECTORS).max() > 0.1
    # What moved is what the module computes with.
    expected = mean_of_words(TEXTS, vectors.numpy())
    output = model.backbone.predict(FEATURES, verbose=0)
    np.testing.assert_allclose(output, expected, rtol=1e-5)


def test_a_frozen_module_stays_as_it_was(words):
    model = fitted(words, trainable=False)
    (layer,) = [one for one in model.backbone.layers if one.weights]
    assert layer.trainable_weights == []
    np.testing.assert_array_equal(layer.weights[0].numpy(), VECTORS)


def test_module_hears_of_training_only_where_it_is_trained(scale):
    x = tf.ones([1, 2])
    assert HubLayer(scale)(x, training=True).numpy().tolist() == [[3, 4]]
    layer = HubLayer(scale, trainable=True)
    assert layer(x).numpy().tolist() == [[3, 4]]
    assert layer(x, training=True).numpy().tolist() == [[6, 8]]
    (seen,) = [one for one in layer.weights if one.name == "seen"]
    assert seen.numpy() == 1  # The module itself counts.


def test_a_reusable_module_says_what_is_trained_and_its_losses(scale):
    layer = HubLayer(scale, trainable=True)
    layer(tf.ones([1, 2]))
    assert [one.name for one in layer.trainable_weights] == ["scale"]
    assert [float(one) for one in layer.losses] == [12.5]


def test_module_computes_in_its_own_precision(words):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        output = HubLayer(words)(tf.constant(TEXTS))
    finally:
        keras.config.set_dtype_policy("float32")
    assert output.dtype == tf.float32


def test_keras_file_carries_the_module(tmp_path):
    handle = save_words(tmp_path / "words")
    model = fitted(handle)
    expected = logits(model)
    model.save(tmp_path / "model.keras")
    shutil.rmtree(handle)
    revived = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(logits(revived), expected, rtol=1e-6)
    # It goes on training, and can be saved once more, vocabulary and all.
    revived.fit(FEATURES, TARGETS, epochs=5, verbose=0)
    moved = logits(revived)
    assert np.abs(moved - expected).max() > 1e-3
    revived.save(tmp_path / "again.keras")
    again = keras.models.load_model(tmp_path / "again.keras")
    np.testing.assert_allclose(logits(again), moved, rtol=1e-6)


def test_revived_model_trains_as_if_it_had_never_been_saved(words, tmp_path):
    model = fitted(words, epochs=3)
    model.save(tmp_path / "model.keras")
    revived = keras.models.load_model(tmp_path / "model.keras")
    for one in (model, revived):
        one.fit(FEATURES, TARGETS, epochs=3, verbose=0)
    np.testing.assert_allclose(logits(revived), logits(model), rtol=1e-5)


def test_a_clone_has_the_weights_it_is_given(words):
    model = fitted(words).backbone
    clone = keras.models.clone_model(model)
    fresh = clone.predict(FEATURES, verbose=0)
    np.testing.assert_allclose(fresh, mean_of_words(TEXTS), rtol=1e-6)
    other = keras.models.clone_model(model)
    other.set_weights(model.get_weights())
    np.testing.assert_allclose(
        other.predict(FEATURES, verbose=0),
        model.predict(FEATURES, verbose=0),
        rtol=1e-6,
    )


@pytest.mark.parametrize("revived", [False, True])
def test_export_stands_alone(revived, tmp_path):
    handle = save_words(tmp_path / "words")
    model = fitted(handle)
    expected = logits(model)
    if revived:
        model.save(tmp_path / "model.keras")
        shutil.rmtree(handle)
        model = keras.models.load_model(tmp_path / "model.keras")
    path = export_saved_model(model, tmp_path / "export", SPEC)
    del model
    shutil.rmtree(handle, ignore_errors=True)
    moved = path.rename(tmp_path / "elsewhere")
    assert "LookupTableFindV2" in check_operations(moved)
    explain = tf.saved_model.load(str(moved)).signatures["explain"]
    answer = explain(text=tf.constant(TEXTS))["logits"]
    np.testing.assert_allclose(answer, expected, rtol=1e-5)
    # The vectors are there once, not once for training and once to serve.
    variables = tf.train.list_variables(str(moved / "variables/variables"))
    shapes = [shape for _, shape in variables]
    assert shapes.count(list(VECTORS.shape)) == 1


def test_several_devices_train_as_one(scale):
    devices = tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([devices[0].name])
    with strategy.scope():
        x = keras.Input((2,), name="x")
        z = HubLayer(scale, trainable=True)(x)
        model = SliceAwareModel(keras.Model({"x": x}, z), SCHEMA)
        model.compile(keras.optimizers.SGD(0.1))
    model.fit({"x": np.ones((3, 2), "float32")}, TARGETS, verbose=0)
    assert float(model.backbone.layers[1].weights[0].numpy()[0]) != 3.0


def test_url_of_an_archive_is_resolved_by_tensorflow_hub(
    words, tmp_path, monkeypatch
):
    pytest.importorskip("tensorflow_hub")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    with served(words, tmp_path / "www") as url:
        layer = HubLayer(f"{url}/words.tar.gz")
        with pytest.raises(ValueError, match=r"URL must lead to.*none.tar"):
            HubLayer(f"{url}/none.tar.gz")
    output = layer(tf.constant(TEXTS))
    np.testing.assert_allclose(output, mean_of_words(TEXTS), rtol=1e-6)


def test_url_without_tensorflow_hub_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_hub", None)
    with pytest.raises(ImportError, match=r"pip install 'slice-tf\[hub\]'"):
        HubLayer("https://host/module.tar.gz")


def test_missing_module_is_named(tmp_path):
    message = f"local directory or a URL.*handle={tmp_path / 'none'}"
    with pytest.raises(FileNotFoundError, match=message):
        HubLayer(tmp_path / "none")


def test_directory_without_a_saved_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be a SavedModel. Received"):
        HubLayer(tmp_path)


def test_tf1_hub_format_is_refused(tmp_path):
    (tmp_path / "tfhub_module.pb").write_bytes(b"\x08\x03")
    with pytest.raises(ValueError, match="TF1 Hub format cannot be trained"):
        HubLayer(tmp_path)


def test_unknown_signature_is_refused_with_those_there_are(words):
    message = "signature=three, has=two"
    with pytest.raises(ValueError, match=message):
        HubLayer(words, signature="three")


def test_module_that_cannot_be_called_is_refused(tmp_path):
    module = tf.Module()
    function = tf.function(lambda x: {"y": x}).get_concrete_function(
        tf.TensorSpec([None, 2], tf.float32, "x")
    )
    tf.saved_model.save(module, str(tmp_path), signatures={"same": function})
    with pytest.raises(ValueError, match=r"must be callable.*signatures=same"):
        HubLayer(tmp_path)
    x = tf.ones([1, 2])
    assert HubLayer(tmp_path, signature="same")(x).numpy().tolist() == [[1, 1]]


@pytest.mark.parametrize("key", [None, "c"])
def test_one_of_several_outputs_must_be_named(key, words):
    layer = HubLayer(words, signature="two", output_key=key)
    message = f"`output_key` must.*output_key={key}, has=a, b"
    with pytest.raises(ValueError, match=message):
        layer(tf.constant(TEXTS))


def test_inputs_must_be_what_the_module_takes(words):
    message = r"must be what the hub module takes.*inputs=float32\(3, 2\)"
    with pytest.raises(ValueError, match=message):
        HubLayer(words)(tf.ones([3, 2]))


def test_output_of_unknown_width_needs_dim(tmp_path):
    handle = save_scale(tmp_path / "wide", shape=(None, None))
    module = tf.saved_model.load(str(handle))
    free = tf.function(lambda x: {"y": tf.reshape(module(x), tf.shape(x))})
    tf.saved_model.save(
        module,
        str(tmp_path / "free"),
        signatures={
            "free": free.get_concrete_function(
                tf.TensorSpec([None, None], tf.float32, "x")
            )
        },
    )
    x = keras.Input((None,))
    with pytest.raises(ValueError, match=r"how wide its output is.*Pass `dim`"):
        HubLayer(tmp_path / "free", signature="free")(x)
    layer = HubLayer(tmp_path / "free", signature="free", dim=2)
    assert layer(x).shape == (None, 2)


def test_output_must_have_the_width_that_was_said(words):
    message = r"of shape \[batch, dim\].*dim=7, shape=\(3, 4\)"
    with pytest.raises(ValueError, match=message):
        HubLayer(words, dim=7)(tf.constant(TEXTS))
