import json

import pytest

from slice_tf.data import Feature, FeatureSpec

SPEC = FeatureSpec(
    {"image": Feature("float32", (8, 8)), "word": Feature("string")},
    label="class",
    num_classes=10,
)


def test_texts_are_parsed():
    texts = ["image=float32:8x8", "word=string"]
    assert FeatureSpec.parse(texts, label="class", num_classes=10) == SPEC


def test_a_feature_knows_its_size():
    sizes = [Feature("int64", shape).size for shape in ((), (20,), (8, 8))]
    assert sizes == [1, 20, 64]


def test_a_spec_written_to_a_directory_is_read_back_equal(tmp_path):
    SPEC.save(tmp_path)
    assert FeatureSpec.load(tmp_path) == SPEC
    assert list(FeatureSpec.load(tmp_path).features) == ["image", "word"]
    assert [path.name for path in tmp_path.iterdir()] == ["features.json"]


def test_the_file_states_every_fact(tmp_path):
    SPEC.save(tmp_path)
    assert json.loads((tmp_path / "features.json").read_text()) == {
        "format_version": 1,
        "label": "class",
        "num_classes": 10,
        "task": "classification",
        "features": {
            "image": {"dtype": "float32", "shape": [8, 8]},
            "word": {"dtype": "string", "shape": []},
        },
    }


@pytest.mark.parametrize(
    "text", ["", "image", "=int64", "a=int64:", "a=int64:8x", "a=int64:-1"]
)
def test_malformed_texts_are_refused(text):
    message = f"name=dtype:shape.*Received: feature='{text}'"
    with pytest.raises(ValueError, match=message):
        FeatureSpec.parse([text])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "at least one feature"),
        (["a=float"], "dtype='float'. Did you mean float32"),
        (["a=float32:0"], r"positive integers.*shape=\(0,\)"),
        (["a=int64", "a=string"], "name='a' twice"),
        (["label=int64"], "would read the answer.*label='label'"),
        (["slices/membership=int64:3"], "has no slicing functions"),
        (["slices/unknown=int64:3"], "has no slicing functions"),
        (["slices/names=string:3"], "has no slicing functions"),
    ],
)
def test_features_that_no_model_should_read_are_refused(texts, message):
    with pytest.raises(ValueError, match=message):
        FeatureSpec.parse(texts)


def test_the_task_says_what_an_answer_is():
    of_one = FeatureSpec.parse(["a=int64"], "b", 3)
    of_several = FeatureSpec.parse(["a=int64"], "b", 3, "multi_label")
    of_number = FeatureSpec.parse(["a=int64"], "b", 3, "regression")
    assert of_one.answer == Feature("int64")
    assert of_several.answer == Feature("int64", (3,))
    assert of_number.answer == Feature("float32")
    assert of_number.num_classes == 0
    for spec in (of_one, of_several, of_number):
        assert FeatureSpec.from_dict(spec.to_dict()) == spec


def test_a_file_from_before_there_were_tasks_is_of_classes():
    facts = SPEC.to_dict()
    del facts["task"]
    assert FeatureSpec.from_dict(facts) == SPEC


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match=r"task='regresion'\. Did you mean r"):
        FeatureSpec.parse(["a=int64"], task="regresion")


@pytest.mark.parametrize("num_classes", [1, 0, -1, 2.0, True])
def test_a_task_has_at_least_two_classes(num_classes):
    with pytest.raises(ValueError, match=f"num_classes={num_classes}"):
        FeatureSpec.parse(["a=int64"], num_classes=num_classes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "format_version=2"),
        ({"features": []}, "features.json: .*fields that slice-tf writes"),
        ({"features": {"a": {"dtype": "int64"}}}, "KeyError='shape'"),
        ({"num_classes": 1}, "features.json: .*num_classes=1"),
    ],
)
def test_a_malformed_file_is_refused_by_name(tmp_path, changes, message):
    values = {**SPEC.to_dict(), **changes}
    (tmp_path / "features.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match=message):
        FeatureSpec.load(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"features\.json"):
        FeatureSpec.load(tmp_path)
