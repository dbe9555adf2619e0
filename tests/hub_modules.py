"""Modules for TensorFlow Hub, built and saved here."""

import contextlib
import functools
import http.server
import tarfile
import threading

import numpy as np
import tensorflow as tf

WORDS = ("good", "bad", "film", "book")
VECTORS = np.random.default_rng(3).normal(size=(5, 4)).astype("float32")
TEXTS = ["good film", "bad book book", "an unknown word"]


def mean_of_words(texts, vectors=VECTORS):
    """What the module `MeanOfWords` computes, in NumPy."""
    places = {word: place for place, word in enumerate(WORDS)}
    return np.stack(
        [
            vectors[[places.get(word, 4) for word in text.split()]].mean(axis=0)
            for text in texts
        ]
    )


class MeanOfWords(tf.Module):
    """Texts to the mean of their words' vectors; the vocabulary is a file."""

    def __init__(self, vocabulary):
        super().__init__()
        vocabulary.write_text("\n".join(WORDS))
        words = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticVocabularyTable(words, 1)
        self.vectors = tf.Variable(VECTORS, name="words/vectors")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, texts):
        words = tf.strings.split(texts)
        ids = self.table.lookup(words.flat_values)
        vectors = words.with_flat_values(tf.gather(self.vectors, ids))
        counts = tf.cast(words.row_lengths(), tf.float32)[:, None]
        return tf.math.divide_no_nan(tf.reduce_sum(vectors, axis=1), counts)


def save_words(directory):
    """Saves it; the vocabulary file it was made from is removed."""
    vocabulary = directory.with_suffix(".txt")
    module = MeanOfWords(vocabulary)
    named = tf.function(lambda text: {"a": module(text), "b": module(text) + 1})
    spec = tf.TensorSpec([None], tf.string, "text")
    tf.saved_model.save(
        module,
        str(directory),
        signatures={"two": named.get_concrete_function(spec)},
    )
    vocabulary.unlink()
    return directory


@contextlib.contextmanager
def served(module, directory):
    """Yields a URL below which `words.tar.gz` holds a saved module."""
    directory.mkdir()
    with tarfile.open(directory / "words.tar.gz", "w:gz") as archive:
        for path in module.iterdir():
            archive.add(path, path.name)
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=directory
    )
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Scale(tf.train.Checkpoint):
    """Doubles what it says in training; `seen` counts the calls of training.

    It has the attributes of a reusable SavedModel, which say that one of two
    variables is trained.
    """

    def __init__(self):
        super().__init__()
        self.scale = tf.Variable([3.0, 4.0], name="scale")
        self.fixed = tf.Variable(1.0, name="fixed")
        self.seen = tf.Variable(0.0, trainable=False, name="seen")
        self.trainable_variables = [self.scale]
        self.regularization_losses = [self.penalty]

    @tf.function(input_signature=[])
    def penalty(self):
        return 0.5 * tf.reduce_sum(self.scale**2)

    @tf.function
    def __call__(self, x, training=False):
        if training:
            self.seen.assign_add(1.0)
        return x * self.scale * self.fixed * (2.0 if training else 1.0)


def save_scale(directory, shape=(None, 2)):
    """Saves it for inputs of a shape, in training and out of it."""
    module = Scale()
    for training in (True, False):
        module.__call__.get_concrete_function(
            tf.TensorSpec(shape, tf.float32), training=training
        )
    tf.saved_model.save(module, str(directory))
    return directory
