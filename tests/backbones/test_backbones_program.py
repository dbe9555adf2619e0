"""Backbones through `slice-tf train` and `slice-tf export`, as users go.

The export calls every signature in a process without slice-tf and in
TensorFlow's C library, for all backbones in one model.
"""

import json

import numpy as np
import tensorflow as tf

from hub_modules import save_words
from slice_tf.cli import main as slice_tf
from slice_tf.schema import SliceSchema
from slice_tf.training import load_model_directory
from sliced_data import sliced_record, write_sliced
from tiny_bert import write_tiny_bert

TEXTS = ["good film", "bad book", "good book", "a bad film"] * 8
PIXELS = np.random.default_rng(0).integers(0, 256, (32, 4, 4, 3))
IMAGES = [tf.io.encode_png(one.astype("uint8")).numpy() for one in PIXELS]
BACKBONES = """
import keras

from slice_tf.backbones import HubLayer, build_bert, build_image, build_text

WORDS = ["good film", "bad book"]


def everything(spec):
    text = keras.Input((), dtype="string", name="text")
    image = keras.Input((), dtype="string", name="image")
    pixels = keras.Input((4, 4, 3))
    network = keras.Model(pixels, keras.layers.Conv2D(2, 3)(pixels))
    parts = [
        HubLayer("words", trainable=True)(text),
        build_bert(["text"], "tiny", length=8)({"text": text}),
        build_text("text", WORDS, num_words=9, length=4)({"text": text}),
        build_image("image", network)({"image": image}),
    ]
    z = keras.layers.Concatenate()(parts)
    return keras.Model({"text": text, "image": image}, z)
"""


def write_data(directory):
    schema = SliceSchema.from_names(["books"])
    records = [
        sliced_record(
            {"text": text, "image": image, "label": int("good" in text)},
            ["book" in text],
        )
        for text, image in zip(TEXTS, IMAGES, strict=True)
    ]
    write_sliced(directory, schema, {"part-0.tfrecord": records})
    summary = {
        "format_version": 1,
        "num_examples": len(TEXTS),
        "slices": [{"name": "books", "size": len(TEXTS) // 2}],
    }
    (directory / "summary.json").write_text(json.dumps(summary))


def test_raw_texts_and_images_go_from_records_to_answers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "backbones_of_a_user.py").write_text(BACKBONES)
    save_words(tmp_path / "words")
    write_tiny_bert(tmp_path / "tiny", num_hidden_layers=1)
    write_data(tmp_path / "data")
    train = [
        *("train", "--data", "data", "--output-dir", "model"),
        *("--features", "text=string", "image=string"),
        *("--backbone", "backbones_of_a_user:everything"),
        *("--epochs", "2"),
    ]
    assert slice_tf(train) == 0
    assert slice_tf(["export", "--model", "model", "--output-dir", "out"]) == 0
    features = {"text": tf.constant(TEXTS), "image": tf.constant(IMAGES)}
    model, _, _ = load_model_directory("model")
    expected = model(features, training=False)["logits"]
    explain = tf.saved_model.load("out").signatures["explain"]
    answer = explain(**features)["logits"]
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-5)
