import contextlib
import hashlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from exported_task import NAMES, SCHEMA, assert_same, made, probabilities
from slice_tf.data import Feature, FeatureSpec
from slice_tf.export import CSession, export_saved_model
from slice_tf.models import SliceAwareModel, VanillaModel, build_mlp
from slice_tf.schema import SliceSchema


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    root = tmp_path_factory.mktemp("exports")
    return {
        name: export_saved_model(one.model, root / name, one.spec)
        for name, one in ((name, made(name)) for name in NAMES)
    }


@pytest.fixture(scope="module")
def loaded(exports):
    return {
        name: tf.saved_model.load(str(path)) for name, path in exports.items()
    }


def called(loaded, signature, inputs):
    outputs = loaded.signatures[signature](
        **{name: tf.constant(array) for name, array in inputs.items()}
    )
    return {name: output.numpy() for name, output in outputs.items()}


@pytest.mark.parametrize("signature", ["serving_default", "examples"])
@pytest.mark.parametrize("name", NAMES)
def test_prediction_is_that_of_keras(name, signature, loaded):
    one = made(name)
    outputs = called(loaded[name], signature, one.inputs(signature))
    assert_same(outputs, one.expected(signature))


@pytest.mark.parametrize("name", ["binary", "multi_class"])
def test_explain_adds_slices_and_attention(name, loaded):
    one = made(name)
    outputs = called(loaded[name], "explain", one.features)
    assert_same(outputs, one.expected("explain"))


def test_indicators_may_read_what_experts_do_not(tmp_path):
    keras.utils.set_random_seed(3)
    x = keras.Input((6,), name="x")
    wide = keras.layers.Dense(16, "relu")(x)
    narrow = keras.layers.Dense(4, use_bias=False)(wide)
    backbone = keras.Model({"x": x}, {"z": narrow, "indicator_features": wide})
    model = SliceAwareModel(backbone, SCHEMA, 3)
    features = {"x": np.eye(5, 6, dtype=np.float32)}
    predicted = model.predict(features, verbose=0)
    spec = FeatureSpec({"x": Feature("float32", (6,))}, num_classes=3)
    export_saved_model(model, tmp_path / "saved", spec)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    outputs = called(loaded, "explain", features)
    inside = model.slice_probabilities(predicted["indicator_logits"])
    assert_same(
        outputs,
        {
            **probabilities(predicted["logits"]),
            "logits": predicted["logits"],
            "attention": predicted["attention"],
            "slice_probabilities": keras.ops.convert_to_numpy(inside),
        },
    )


@pytest.mark.parametrize("name", NAMES)
def test_classify_names_each_class_with_its_probability(name, loaded):
    one = made(name)
    outputs = called(loaded[name], "classify", {"inputs": one.examples})
    expected = one.expected("examples")["probabilities"]
    np.testing.assert_allclose(outputs["scores"], expected, atol=1e-5)
    labels = [str(label).encode() for label in range(expected.shape[1])]
    assert outputs["classes"].tolist() == [labels] * len(expected)


def test_regress_gives_the_probability_of_class_one(loaded):
    one = made("binary")
    outputs = called(loaded["binary"], "regress", {"inputs": one.examples})
    expected = one.expected("examples")["probabilities"][:, 1]
    np.testing.assert_allclose(outputs["outputs"], expected, atol=1e-5)
    assert "regress" not in loaded["multi_class"].signatures


def test_method_names_are_those_of_tensorflow_serving(exports):
    message = saved_model_pb2.SavedModel.FromString(
        (exports["binary"] / "saved_model.pb").read_bytes()
    )
    methods = {
        name: one.method_name.rpartition("/")[2]
        for name, one in message.meta_graphs[0].signature_def.items()
        if not name.startswith("__")
    }
    assert methods == {
        "serving_default": "predict",
        "examples": "predict",
        "explain": "predict",
        "classify": "classify",
        "regress": "regress",
    }


def test_tasks_read_one_input_as_multi_inference_demands(exports):
    with contextlib.closing(CSession(exports["binary"])) as session:
        inputs = [
            session.signatures[name].inputs["inputs"].name
            for name in ("classify", "regress")
        ]
    assert inputs[0] == inputs[1]


@pytest.mark.parametrize("name", ["binary", "multi_class"])
def test_heads_of_slices_are_views_of_one_call(name, tmp_path):
    one = made(name)
    path = export_saved_model(
        one.model, tmp_path / "m", one.spec, slice_heads=["large"]
    )
    with contextlib.closing(CSession(path)) as session:
        views = {
            signature: session.run(signature, {"inputs": one.examples})
            for signature in ("classify", "indicator_large", "expert_large")
        }
        sources = {
            tensor.name.partition(":")[0]
            for signature in views
            for tensor in session.signatures[signature].outputs.values()
        }
    predicted = one.model.predict(one.features, verbose=0)
    inside = one.expected("explain")["slice_probabilities"][:, 1]
    alone = probabilities(predicted["expert_logits"][:, 1])["probabilities"]
    expected = one.expected("examples")["probabilities"]
    classes = views["classify"]["classes"]
    np.testing.assert_allclose(
        views["indicator_large"]["outputs"], inside, atol=1e-5
    )
    np.testing.assert_allclose(
        views["expert_large"]["scores"], alone, atol=1e-5
    )
    np.testing.assert_allclose(views["classify"]["scores"], expected, atol=1e-5)
    assert views["expert_large"]["classes"].tolist() == classes.tolist()
    assert len(sources) == 1


def test_heads_must_be_slices_of_the_model(tmp_path):
    one = made("binary")
    message = "slice_heads=huge, slices=small, large"
    with pytest.raises(ValueError, match=message):
        export_saved_model(
            one.model, tmp_path / "m", one.spec, slice_heads=["huge"]
        )


def test_model_without_slices_has_nothing_to_explain(exports, loaded):
    signatures = set(loaded["vanilla"].signatures)
    assert signatures == {"serving_default", "examples", "classify", "regress"}
    assert not (exports["vanilla"] / "assets/slices.json").exists()


@pytest.mark.parametrize("batch_size", [0, 1, 3])
def test_batch_may_have_any_size(batch_size, loaded):
    one = made("multi_class")
    inputs = {name: one[:batch_size] for name, one in one.features.items()}
    outputs = called(loaded["multi_class"], "serving_default", inputs)
    expected = {
        name: array[:batch_size]
        for name, array in one.expected("serving_default").items()
    }
    assert_same(outputs, expected)


def test_schema_lies_among_the_assets(exports):
    assert SliceSchema.load(exports["binary"] / "assets") == SCHEMA


def test_contract_tells_names_types_and_shapes(exports):
    path = exports["multi_class"] / "assets.extra/signature.json"
    contract = json.loads(path.read_text())
    assert contract["slices"] == ["small", "large"]
    explain = contract["signatures"]["explain"]
    assert explain["inputs"] == {
        "n": {"dtype": "int64", "shape": [None]},
        "x": {"dtype": "float32", "shape": [None, 2, 3]},
    }
    assert explain["outputs"] == {
        "attention": {"dtype": "float32", "shape": [None, 3]},
        "class_ids": {"dtype": "int64", "shape": [None]},
        "logits": {"dtype": "float32", "shape": [None, 3]},
        "probabilities": {"dtype": "float32", "shape": [None, 3]},
        "slice_probabilities": {"dtype": "float32", "shape": [None, 2]},
    }


def test_checksums_cover_every_file(exports):
    root = exports["binary"]
    sums = root / "assets.extra/SHA256SUMS"
    lines = dict(
        reversed(line.split("  ")) for line in sums.read_text().splitlines()
    )
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path != sums
    }
    assert lines == {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
    }


def test_weights_are_stored_once(tmp_path):
    backbone = build_mlp({"x": ((300,), "float32")}, units=(300, 300))
    model = VanillaModel(backbone)
    spec = FeatureSpec({"x": Feature("float32", (300,))})
    path = export_saved_model(model, tmp_path / "m", spec)
    size = sum(file.stat().st_size for file in path.rglob("*"))
    assert size < 1.2 * 4 * model.count_params()


def test_slices_are_stored_folded(tmp_path):
    backbone = build_mlp({"x": ((300,), "float32")}, units=(300,))
    schema = SliceSchema.from_names([f"s{i}" for i in range(50)])
    model = SliceAwareModel(backbone, schema)
    spec = FeatureSpec({"x": Feature("float32", (300,))})
    path = export_saved_model(model, tmp_path / "m", spec)
    size = sum(file.stat().st_size for file in path.rglob("*"))
    folded = backbone.count_params() + 51 * 3 * 301
    assert size < 1.5 * 4 * folded < 0.2 * 4 * model.count_params()


def test_text_is_looked_up_in_the_graph(tmp_path):
    words = keras.Input((), dtype="string", name="words")
    numbers = keras.layers.TextVectorization(
        output_sequence_length=4, vocabulary=["cheap", "offer"]
    )(words)
    vectors = keras.layers.Embedding(4, 3)(numbers)
    backbone = keras.Model({"words": words}, keras.layers.Flatten()(vectors))
    model = VanillaModel(backbone)
    spec = FeatureSpec({"words": Feature("string")})
    path = export_saved_model(model, tmp_path / "m", spec)
    features = {"words": np.array(["a cheap offer", ""], object)}
    outputs = called(
        tf.saved_model.load(str(path)), "serving_default", features
    )
    logits = model({"words": tf.constant(features["words"])})["logits"]
    np.testing.assert_allclose(
        outputs["probabilities"][:, 1:], tf.sigmoid(logits), atol=1e-6
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": {"my-x": Feature("float32", (2, 3))}}, "features=my-x"),
        ({"num_classes": 4}, "Received: model=2, spec=4"),
        ({"features": {"y": Feature("float32", (2, 3))}}, "features=y, error"),
        ({"features": {"x": Feature("float32", (5,))}}, "features=x, error"),
    ],
)
def test_spec_must_fit_the_model(change, message, tmp_path):
    one = made("binary")
    spec = FeatureSpec(**{"features": one.spec.features, **change})
    with pytest.raises(ValueError, match=message):
        export_saved_model(one.model, tmp_path / "m", spec)
    assert list(tmp_path.iterdir()) == []


def test_model_must_be_ours(tmp_path):
    one = made("binary")
    with pytest.raises(TypeError, match="Received: type=Functional"):
        export_saved_model(one.model.backbone, tmp_path / "m", one.spec)


@pytest.mark.parametrize("overwrite", [False, True])
def test_nothing_of_yours_is_overwritten(overwrite, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    one = made("vanilla")
    with pytest.raises(FileExistsError, match="must go to a new or empty"):
        export_saved_model(one.model, tmp_path, one.spec, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_overwrite_replaces_a_saved_model(tmp_path):
    one, path = made("vanilla"), tmp_path / "m"
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"old")
    with pytest.raises(FileExistsError, match="or pass `overwrite`"):
        export_saved_model(one.model, path, one.spec)
    export_saved_model(one.model, path, one.spec, overwrite=True)
    assert (path / "saved_model.pb").read_bytes() != b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_is_not_whole_never_gets_the_name(error, tmp_path):
    one, path = made("vanilla"), tmp_path / "m"
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"old")

    def finish(staging):
        assert (staging / "variables/variables.index").is_file()
        raise error

    with pytest.raises(error):
        export_saved_model(
            one.model, path, one.spec, overwrite=True, finish=finish
        )
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert (path / "saved_model.pb").read_bytes() == b"old"
