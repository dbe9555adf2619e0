"""The samples of `serving/README.md` run against a server."""

import ast
import json
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from documented import ROOT, blocks_of
from slice_tf.data import Feature, FeatureSpec
from slice_tf.export import export_saved_model
from slice_tf.models import SliceAwareModel, build_mlp
from slice_tf.schema import SliceSchema
from slice_tf_serving import ModelServer, publish, write_warmup

PAGE = "serving/README.md"
BLOCKS = blocks_of(PAGE)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A model of digits, its published version and a server of it."""
    keras.utils.set_random_seed(3)
    backbone = build_mlp({"image": ((64,), "float32")}, units=(8,))
    schema = SliceSchema.from_names(["faint", "slanted"])
    model = SliceAwareModel(backbone, schema, 10)
    spec = FeatureSpec({"image": Feature("float32", (64,))}, num_classes=10)
    root = tmp_path_factory.mktemp("digits")
    saved = export_saved_model(
        model, root / "saved_model", spec, finish=write_warmup
    )
    version = publish(saved, root / "serving")
    with ModelServer(root / "serving", "digits") as server:
        yield model, version, server


@pytest.fixture
def ask(digits, tmp_path):
    """Runs a block of the page and returns the lines it prints."""
    _, _, server = digits
    ports = {"8500": server.grpc_port, "8501": server.rest_port}

    def run(name):
        text = re.sub(r"850[01]", lambda m: str(ports[m[0]]), BLOCKS[name])
        (tmp_path / name).write_text(text, encoding="utf-8")
        program = "bash" if name.endswith(".sh") else sys.executable
        done = subprocess.run(
            [program, name], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def explained(digits, count):
    model, _, _ = digits
    images = load_digits().data[:count].astype("float32")
    outputs = model.explain({"image": images})
    return {name: np.asarray(one) for name, one in outputs.items()}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
def test_curl_is_answered_with_slices(ask, digits):
    (row,) = json.loads("".join(ask("ask.sh")))["predictions"]
    expected = explained(digits, 1)
    assert row.keys() == {
        "probabilities",
        "class_ids",
        "slice_probabilities",
        "attention",
        "logits",
    }
    for name, value in row.items():
        np.testing.assert_allclose(value, expected[name][0], atol=1e-5)


def test_client_is_answered_in_arrays(ask, digits):
    ids, shape = map(ast.literal_eval, ask("ask.py"))
    expected = explained(digits, 3)["class_ids"].tolist()
    assert (ids, shape) == (expected, (3, 2))


def test_stubs_of_tensorflow_serving_are_answered(ask, digits):
    (ids,) = map(ast.literal_eval, ask("ask_stubs.py"))
    assert ids == explained(digits, 3)["class_ids"].tolist()


def test_every_block_that_is_marked_is_run():
    assert set(BLOCKS) == {"ask.sh", "ask.py", "ask_stubs.py"}


def test_page_lists_the_files_of_a_version(digits):
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    _, version, _ = digits
    for path in version.rglob("*"):
        if path.parent.name != "variables":
            assert path.name in text
    contract = json.loads((version / "assets.extra/signature.json").read_text())
    for signature in contract["signatures"].values():
        assert [n for n in signature["outputs"] if f"`{n}`" not in text] == []
