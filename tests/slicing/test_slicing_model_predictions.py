"""Classifiers: Beam's own handler around a scikit-learn model."""

import pickle

import numpy as np
import pytest

from slice_tf.slicing import (
    Row,
    apply_to_table,
    load,
    model_predictions,
    predicted_as,
    score_above,
)

TABLE = {"x": np.linspace(-2, 2, 9), "n": np.arange(9)}
CALLS = []


class Handler:
    """The protocol of Beam's `ModelHandler`, spoken by hand."""

    def __init__(self, scale=1.0, limit=None):
        self.scale = scale
        self.limit = limit

    def load_model(self):
        return lambda batch: self.scale * np.array(batch)

    def run_inference(self, batch, model):
        CALLS.append(len(batch))
        return iter(model(batch))

    def batch_elements_kwargs(self):
        return {"max_batch_size": self.limit} if self.limit else {}


def column(batch):
    return batch["x"]


def pairs(batch):
    return np.stack([-batch["x"], batch["x"]], axis=1)


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


def handler(**arguments):
    return Handler(**arguments)


def test_functions_share_one_call_a_batch():
    scores = model_predictions(handler, column, scale=2.0)
    functions = [
        score_above(scores, threshold, name=f"above_{index}")
        for index, threshold in enumerate((-1.0, 0.0, 1.0))
    ]
    votes = apply_to_table(functions, TABLE)
    expected = 2 * TABLE["x"][:, None] > [-1.0, 0.0, 1.0]
    np.testing.assert_array_equal(votes.membership, expected)
    assert CALLS == [9]


def test_a_handler_says_how_many_rows_it_takes():
    scores = model_predictions(handler, column, limit=4)
    votes = apply_to_table([score_above(scores, 0, "up")], TABLE)
    np.testing.assert_array_equal(votes.membership[:, 0], TABLE["x"] > 0)
    assert CALLS == [4, 4, 1]


def test_classes_are_told_by_the_largest_score():
    scores = model_predictions(handler, pairs)
    functions = [
        predicted_as(scores, 1, "positive"),
        score_above(scores, 0.9, "surely_positive", index=1),
    ]
    votes = apply_to_table(functions, TABLE)
    expected = np.stack([TABLE["x"] > 0, TABLE["x"] > 0.9], axis=1)
    np.testing.assert_array_equal(votes.membership, expected)


def test_a_row_that_the_model_refuses_is_unknown():
    def inputs(batch):
        if 3 in batch["n"]:
            raise ArithmeticError("no vector")
        return batch["x"]

    scores = model_predictions(handler, inputs, name="toxicity")
    votes = apply_to_table([score_above(scores, 0, "up")], TABLE)
    assert np.flatnonzero(votes.unknown).tolist() == [3]
    assert votes.errors[0].message == "preprocessor toxicity: no vector"


# Beam's handler leaves the model's file open.
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::ResourceWarning",
)
def test_beams_handlers_are_models(tmp_path, monkeypatch):
    sklearn = pytest.importorskip("sklearn.linear_model")
    pytest.importorskip("apache_beam.ml.inference.sklearn_inference")
    values = TABLE["x"][:, None]
    model = sklearn.LogisticRegression().fit(values, TABLE["x"] > 0.6)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    (tmp_path / "beam_model_slices.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    (function,) = load("beam_model_slices:high")
    votes = apply_to_table([function], TABLE)
    np.testing.assert_array_equal(votes.membership[:, 0], model.predict(values))
    assert function(Row.from_mapping({"x": 2.0})) is True


MODULE = """
from slice_tf.slicing import model_predictions, predicted_as


def handler():
    from apache_beam.ml.inference.sklearn_inference import (
        SklearnModelHandlerNumpy,
    )

    return SklearnModelHandlerNumpy("model.pkl")


high = predicted_as(
    model_predictions(handler, lambda batch: batch["x"][:, None]), 1, "high"
)
"""
