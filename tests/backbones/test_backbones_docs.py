"""The blocks of `docs/backbones.md` build backbones that answer."""

import numpy as np
import tensorflow as tf

from documented import blocks_of
from hub_modules import TEXTS, mean_of_words, save_words
from tiny_bert import write_tiny_bert

BLOCKS = blocks_of("docs/backbones.md")


def built(*names, **given):
    """Runs blocks in order; none downloads weights, texts have 16 pieces."""
    for name in names:
        code = BLOCKS[name].replace("=False)", "=False, weights=None)")
        code = code.replace("length=128", "length=16")
        exec(compile(code, name, "exec"), given)
    return given["backbone"]


def test_text_and_image_are_read_alone_and_joined():
    given = {"training_texts": TEXTS}
    text = built("text.py", **given)
    assert text({"text": tf.constant(TEXTS)}).shape == (3, 64)
    none = tf.constant(["", ""])
    joined = built("text.py", "image.py", "joined.py", **given)
    assert joined({"review": none, "photo": none}).shape == (2, 1280 + 64)


def test_bert_reads_a_pair_of_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_tiny_bert(tmp_path / "path/of/a/bert")
    pair = {name: tf.constant(TEXTS) for name in ("premise", "hypothesis")}
    assert built("bert.py")(pair).shape == (3, 4)


def test_module_of_the_hub_is_a_layer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "path/of/a").mkdir(parents=True)
    save_words(tmp_path / "path/of/a/module")
    z = built("hub.py")({"text": tf.constant(TEXTS)})
    np.testing.assert_allclose(z, mean_of_words(TEXTS), rtol=1e-6)
