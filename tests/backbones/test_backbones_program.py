"""Backbones through `slice-tf train` and `slice-tf export`, as users go."""

import json
import subprocess
import sys

import pytest
import tensorflow as tf

from hub_modules import save_words
from slice_tf.schema import SliceSchema
from sliced_data import sliced_record, write_sliced

TEXTS = ["good film", "bad book", "good book", "a bad film"] * 8
BACKBONES = """
def hub(spec):
    import keras

    from slice_tf.backbones import HubLayer

    text = keras.Input((), dtype="string", name="text")
    return keras.Model({"text": text}, HubLayer("words", trainable=True)(text))
"""


def slice_tf(*words, cwd):
    done = subprocess.run(
        [sys.executable, "-m", "slice_tf", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Where a user works: sliced texts, a module of hub and of Python."""
    home = tmp_path_factory.mktemp("home")
    (home / "backbones.py").write_text(BACKBONES)
    save_words(home / "words")
    schema = SliceSchema.from_names(["books"])
    records = [
        sliced_record(
            {"text": text, "label": int("good" in text)}, ["book" in text]
        )
        for text in TEXTS
    ]
    write_sliced(home / "data", schema, {"part-0.tfrecord": records})
    summary = {
        "format_version": 1,
        "num_examples": len(TEXTS),
        "slices": [{"name": "books", "size": len(TEXTS) // 2}],
    }
    (home / "data" / "summary.json").write_text(json.dumps(summary))
    return home


@pytest.mark.parametrize("name", ["hub"])
def test_raw_texts_are_trained_on_exported_and_answered(name, home):
    slice_tf(
        *("train", "--data", "data", "--features", "text=string"),
        *("--backbone", f"backbones:{name}", "--learning-rate", "0.05"),
        *("--method", "slice-aware", "--epochs", "30"),
        *("--output-dir", f"{name}/model"),
        cwd=home,
    )
    slice_tf(
        *("export", "--model", f"{name}/model"),
        *("--output-dir", f"{name}/export"),
        cwd=home,
    )
    served = tf.saved_model.load(str(home / name / "export"))
    answer = served.signatures["explain"](text=tf.constant(TEXTS[:4]))
    assert answer["class_ids"].numpy().tolist() == [1, 0, 1, 0]
    in_books = answer["slice_probabilities"].numpy()[:, 0] > 0.5
    assert in_books.tolist() == [False, True, True, False]
