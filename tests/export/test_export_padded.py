"""Features of varying length: padded in the graph, dense outside of it."""

import contextlib
import json

import keras
import numpy as np
import pytest

from slice_tf.data import Feature, FeatureSpec, encode
from slice_tf.export import CSession, export_saved_model
from slice_tf.models import VanillaModel

SPEC = FeatureSpec({"words": Feature("int64", (4,), padded=True)})
LISTS = [[5, 7], [], [1, 2, 3, 9]]
PADDED = np.array([[5, 7, 0, 0], [0, 0, 0, 0], [1, 2, 3, 9]])


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(2)
    words = keras.Input((4,), dtype="int64", name="words")
    vectors = keras.layers.Embedding(10, 3)(words)
    z = keras.layers.GlobalAveragePooling1D()(vectors)
    return VanillaModel(keras.Model({"words": words}, z))


@pytest.fixture(scope="module")
def export(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("padded") / "m"
    return export_saved_model(model, path, SPEC)


@pytest.fixture(scope="module")
def session(export):
    with contextlib.closing(CSession(export)) as opened:
        yield opened


def examples(lists):
    records = [encode({"words": np.array(one, "int64")}) for one in lists]
    return {"examples": np.array([*records, None], object)[:-1]}


@pytest.mark.parametrize("rows", [[0], [1], [2], [0, 1], [0, 1, 2]])
def test_shorter_lists_are_filled_up_in_the_graph(rows, session, model):
    lists = [LISTS[row] for row in rows]
    answers = session.run("examples", examples(lists))
    logits = model({"words": PADDED[rows]})["logits"]
    expected = keras.ops.sigmoid(logits)
    got = answers["probabilities"][:, 1:]
    np.testing.assert_allclose(got, expected, atol=1e-6)
    dense = session.run("serving_default", {"words": PADDED[rows]})
    np.testing.assert_allclose(answers["probabilities"], dense["probabilities"])


def test_example_without_the_feature_is_of_no_words(session):
    empty = session.run("examples", examples([[]]))
    absent = {"examples": np.array([encode({"label": 1}), None], object)[:-1]}
    answers = session.run("examples", absent)
    np.testing.assert_array_equal(
        answers["probabilities"], empty["probabilities"]
    )


def test_longer_list_is_refused_with_its_reason(session):
    with pytest.raises(RuntimeError, match="words has more than 4 values"):
        session.run("examples", examples([[1, 2, 3, 4, 5]]))


def test_dense_input_of_another_width_is_refused(session):
    with pytest.raises(RuntimeError, match=r"\[1,3\].*\[\?,4\]"):
        session.run("serving_default", {"words": PADDED[:1, :3]})


def test_contract_says_how_wide_dense_inputs_are(export):
    contract = json.loads((export / "assets.extra/signature.json").read_text())
    inputs = contract["signatures"]["serving_default"]["inputs"]
    assert inputs == {"words": {"dtype": "int64", "shape": [None, 4]}}
