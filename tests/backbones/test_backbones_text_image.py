import keras
import numpy as np
import pytest
import tensorflow as tf

from slice_tf.backbones import DecodeImages, build_image, build_text
from slice_tf.data import Feature, FeatureSpec
from slice_tf.export import check_operations, export_saved_model
from slice_tf.models import SliceAwareModel
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["s"])
TEXTS = ["Good film!", "bad book", "", "good book"]
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3))
FILES = [tf.io.encode_png(tf.constant(one, tf.uint8)).numpy() for one in PIXELS]
TARGETS = {
    "label": np.array([1, 0, 0, 1]),
    "membership": np.array([[0.0], [1.0], [0.0], [1.0]], "float32"),
}


def assert_goes_the_whole_way(backbone, features, spec, tmp_path):
    """Trains, saves, loads, exports, and asks the export."""
    model = SliceAwareModel(backbone, SCHEMA)
    model.compile("adam")
    before = model(features, training=False)["logits"].numpy()
    model.fit(features, TARGETS, verbose=0)
    expected = model(features, training=False)["logits"].numpy()
    assert np.abs(expected - before).max() > 1e-6
    model.save(tmp_path / "model.keras")
    revived = keras.models.load_model(tmp_path / "model.keras")
    path = export_saved_model(revived, tmp_path / "export", spec)
    check_operations(path)
    explain = tf.saved_model.load(str(path)).signatures["explain"]
    answer = explain(**features)["logits"]
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-5)


def network():
    """The layers of MobileNet, once each, their preprocessing in front."""
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Rescaling(1 / 127.5, -1),
            keras.layers.Conv2D(4, 3, strides=2, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(6.0),
            keras.layers.ZeroPadding2D(1),
            keras.layers.DepthwiseConv2D(3, use_bias=False),
        ]
    )


def small_network():
    pixels = keras.Input((32, 32, 3))
    return keras.Model(pixels, keras.layers.Conv2D(4, 3)(pixels))


def test_strings_go_in_at_every_stage(tmp_path):
    backbone = build_text("text", TEXTS, num_words=50, length=8, dim=4)
    assert_goes_the_whole_way(
        backbone,
        {"text": tf.constant(TEXTS)},
        FeatureSpec({"text": Feature("string")}),
        tmp_path,
    )


def test_text_needs_texts_to_learn_words_from():
    with pytest.raises(ValueError, match=r"Received: texts=\[\]"):
        build_text("text", [])


def test_files_of_images_go_in_at_every_stage(tmp_path):
    backbone = build_image("image", network())
    assert backbone.output_shape == (None, 4)
    assert_goes_the_whole_way(
        backbone,
        {"image": tf.constant(FILES)},
        FeatureSpec({"image": Feature("string")}),
        tmp_path,
    )


def test_networks_of_keras_applications_will_do():
    maps = keras.applications.MobileNetV2(
        (32, 32, 3), alpha=0.35, include_top=False, weights=None
    )
    backbone = build_image("image", maps)
    assert backbone({"image": tf.constant(FILES[:1])}).shape == (1, 1280)


def test_pixels_and_their_files_are_the_same_image():
    net = small_network()
    files = build_image("image", net)({"image": tf.constant(FILES)})
    pixels = build_image("image", net, encoded=False)
    np.testing.assert_allclose(
        pixels({"image": tf.constant(PIXELS)}), files, rtol=1e-6
    )


def test_images_are_resized_and_nothing_is_black():
    decoded = DecodeImages(16, 8)(tf.constant([FILES[0], b""])).numpy()
    assert decoded.shape == (2, 16, 8, 3)
    expected = tf.image.resize(PIXELS[0], (16, 8))
    np.testing.assert_allclose(decoded[0], expected, rtol=1e-6)
    assert not decoded[1].any()


def test_sizes_must_be_positive():
    with pytest.raises(ValueError, match="height=0, width=8"):
        DecodeImages(0, 8)


def test_network_must_say_how_large_images_are():
    pixels = keras.Input((None, None, 3))
    net = keras.Model(pixels, keras.layers.Conv2D(4, 3)(pixels))
    message = r"images of one size.*input_shape=\(None, None, 3\)"
    with pytest.raises(ValueError, match=message):
        build_image("image", net)
