import contextlib
import json

import numpy as np
import pytest

from exported_task import made
from slice_tf.export import CSession, export_saved_model

REPORT = "assets.extra/weights_report.json"
OUTPUTS = {
    "serving_default": ("probabilities",),
    "explain": (
        "probabilities",
        "slice_probabilities",
        "attention",
        "logits",
    ),
}


@pytest.mark.parametrize(
    ("weights", "limit"), [("float16", 1e-3), ("bfloat16", 1e-2)]
)
def test_report_says_what_smaller_weights_change(weights, limit, tmp_path):
    one = made("multi_class")
    path = export_saved_model(
        one.model,
        tmp_path / "m",
        one.spec,
        weights=weights,
        samples=one.features,
    )
    report = json.loads((path / REPORT).read_text())
    assert (report["weights"], report["examples"]) == (weights, 5)
    with contextlib.closing(CSession(path)) as session:
        for signature, names in OUTPUTS.items():
            answers = session.run(signature, one.features)
            expected = one.expected(signature)
            for name in names:
                apart = np.abs(answers[name] - expected[name])
                said = report["outputs"].pop(f"{signature}/{name}")
                assert 0 < said["mean"] <= said["max"] < limit
                np.testing.assert_allclose(said["max"], apart.max(), 1e-2)
                np.testing.assert_allclose(said["mean"], apart.mean(), 1e-2)
    assert report["outputs"] == {
        "explain/class_ids": {"changed": 0.0},
        "serving_default/class_ids": {"changed": 0.0},
    }


def test_samples_are_made_up_where_there_are_none(tmp_path):
    one = made("binary")
    path = export_saved_model(
        one.model, tmp_path / "m", one.spec, weights="float16"
    )
    report = json.loads((path / REPORT).read_text())
    assert report["examples"] == 256


def test_whole_weights_need_no_report(tmp_path):
    one = made("vanilla")
    path = export_saved_model(one.model, tmp_path / "m", one.spec)
    assert not (path / REPORT).exists()


def test_weights_must_be_of_three_types(tmp_path):
    one = made("vanilla")
    with pytest.raises(ValueError, match="Received: weights='int8'"):
        export_saved_model(one.model, tmp_path / "m", one.spec, weights="int8")


def test_unfolded_model_answers_the_same(tmp_path):
    one = made("binary")
    answers = []
    for fold in (True, False):
        path = export_saved_model(
            one.model, tmp_path / f"{fold}", one.spec, fold=fold
        )
        with contextlib.closing(CSession(path)) as session:
            answers.append(session.run("explain", one.features))
    for name, array in answers[0].items():
        np.testing.assert_allclose(array, answers[1][name], atol=1e-6)
