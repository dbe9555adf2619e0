import dataclasses
import json
import re

import numpy as np
import pytest

from slice_tf.evaluation import Evaluator, ModelFacts, Results, evaluate
from slice_tf.schema import Slice, SliceSchema

SCHEMA = SliceSchema((Slice("night", "After dusk", "anna"), Slice("rain")))


def batch(num_rows=200, seed=0, num_classes=2):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, num_classes, num_rows)
    membership = rng.integers(0, 2, (num_rows, 2))
    return {
        "labels": truth,
        "probabilities": rng.dirichlet(np.ones(num_classes), num_rows),
        "membership": membership,
        "known": rng.integers(0, 2, (num_rows, 2)),
        "baseline_probabilities": rng.dirichlet(np.ones(num_classes), num_rows),
        "indicator_logits": rng.normal(size=(num_rows, 2)) + membership,
    }


def rows_of(values, rows):
    return {name: column[rows] for name, column in values.items()}


@pytest.mark.parametrize("num_classes", [2, 3, 60])
@pytest.mark.parametrize("extras", [True, False])
def test_saved_results_are_read_back_equal(tmp_path, num_classes, extras):
    values = batch(num_classes=num_classes)
    if not extras:
        for name in ("known", "baseline_probabilities", "indicator_logits"):
            del values[name]
    results = evaluate(**values, schema=SCHEMA)
    results.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == results
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_file_states_every_fact(tmp_path):
    evaluator = Evaluator(SliceSchema.from_names(["night"]), 2)
    evaluator.add(
        [1, 0],
        [[0.5, 0.5], [0.5, 0.5]],
        [[1], [0]],
        baseline_probabilities=[[0.2, 0.8], [0.9, 0.1]],
        indicator_logits=[[1.0], [-1.0]],
    )
    results = evaluator.results(
        data_path="out/test",
        model=ModelFacts("out/model", "abcd"),
        baseline=ModelFacts("out/vanilla", "ef01"),
    )
    results.save(tmp_path / "results.json")
    found = json.loads((tmp_path / "results.json").read_text())
    night, base = found.pop("slices")
    assert re.fullmatch(r"slice-tf \S+", found.pop("created_by"))
    assert re.fullmatch("[0-9a-f]{16}", found["data"].pop("fingerprint"))
    assert found.pop("overlap") == [[1]]
    edges = found.pop("score_edges")
    assert (edges[0], edges[16], edges[-1], len(edges)) == (0, 0.5, 1, 33)
    assert found == {
        "format_version": 1,
        "schema": SliceSchema.from_names(["night"]).to_dict(),
        "num_classes": 2,
        "error_edges": None,
        "examples": None,
        "floor": 30,
        "gate": None,
        "data": {
            "path": "out/test",
            "num_examples": 2,
            "label": "",
            "weighted": False,
            "clustered": False,
        },
        "model": {"path": "out/model", "fingerprint": "abcd"},
        "baseline": {"path": "out/vanilla", "fingerprint": "ef01"},
    }
    assert list(night) == [
        "name",
        "size",
        "unknown",
        "metrics",
        "comparison",
        "indicator",
        "confusion",
        "scores",
        "calibration",
        "indicator_scores",
        "indicator_quality",
        "audited",
        "errors",
    ]
    assert night["errors"] is None
    assert (night["name"], night["size"], night["unknown"]) == ("night", 1, 0)
    assert night["confusion"] == [[0, 0], [1, 0]]
    assert night["comparison"]["cells"] == [[0, 0], [1, 0]]
    assert night["comparison"]["mid_p"] == 0.5
    assert night["comparison"]["difference"]["value"] == -1.0
    assert night["indicator"]["value"] == 1.0
    assert [sum(counts) for counts in night["scores"]] == [0, 1]
    assert night["metrics"]["accuracy"] == {
        "value": 0.0,
        "low": 0.0,
        "high": pytest.approx(0.7935, abs=1e-4),
        "n": 1,
        "status": "too few",
    }
    assert (base["name"], base["size"]) == ("base", 2)
    assert base["indicator"] is None


def test_parts_and_order_of_batches_do_not_matter():
    values = batch()
    order = np.random.default_rng(1).permutation(200)
    one, other = Evaluator(SCHEMA, 2), Evaluator(SCHEMA, 2)
    one.add(**rows_of(values, order[:50]))
    one.add(**rows_of(values, order[50:90]))
    other.add(**rows_of(values, order[90:]))
    other.merge(one)
    assert other.results() == evaluate(**values, schema=SCHEMA)


def test_size_of_the_file_does_not_depend_on_the_number_of_examples(tmp_path):
    sizes = []
    for num_rows in (100, 10_000):
        evaluate(**batch(num_rows), schema=SCHEMA).save(tmp_path / "r.json")
        sizes.append((tmp_path / "r.json").stat().st_size)
    assert sizes[1] < 1.2 * sizes[0]


def test_a_slice_without_members_is_empty_everywhere(tmp_path):
    values = batch()
    values["membership"][:, 0] = 0
    results = evaluate(**values, schema=SCHEMA)
    results.save(tmp_path / "results.json")  # refuses NaN
    night = results["night"]
    assert (night.size, night.comparison.mid_p) == (0, None)
    found = [
        *night.metrics.values(),
        night.comparison.baseline,
        night.comparison.difference,
        night.indicator,
    ]
    assert {(metric.value, metric.status) for metric in found} == {
        (None, "empty")
    }


def test_slices_are_found_by_name():
    results = evaluate(**batch(), schema=SCHEMA)
    assert results["rain"] is results.slices[1]
    assert results["base"] is results.slices[2]
    with pytest.raises(ValueError, match="name='snow'"):
        results["snow"]


def test_results_on_other_data_are_not_compared():
    values = batch()
    one = evaluate(**values, schema=SCHEMA)
    one.check_comparable(evaluate(**values, schema=SCHEMA))
    values["labels"][0] = 1 - values["labels"][0]
    other = evaluate(**values, schema=SCHEMA)
    with pytest.raises(ValueError, match=r"same data.*data\.fingerprint="):
        one.check_comparable(other)


def test_results_of_other_slices_are_not_compared():
    one = evaluate(**batch(), schema=SCHEMA)
    other = evaluate(**batch(), schema=SliceSchema.from_names(["rain", "fog"]))
    with pytest.raises(ValueError, match="night, rain; the others has rain"):
        one.check_comparable(other)


def edited(**changes):
    values = evaluate(**batch(50), schema=SCHEMA).to_dict()
    return json.dumps({**values, **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be JSON"),
        ("\xff", "must be JSON"),
        ("[]", "must be a JSON object. Received: type=list"),
        ("{}", "format_version=None"),
        (edited(format_version=2), "format_version=2. Upgrade slice-tf"),
        (edited(data=None), "must hold the fields.*TypeError"),
        (edited(slices=[{"name": "night"}]), "must hold.*KeyError"),
        (edited(slices=[]), "in its order, then `base`"),
        (edited(schema={}), "format_version=None"),
        (edited(num_classes="two"), "two"),
    ],
)
def test_what_is_no_results_is_refused_by_file(tmp_path, text, message):
    path = tmp_path / "results.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=f"results.json: .*{message}"):
        Results.load(path)


def test_a_failed_save_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "results.json"
    results = evaluate(**batch(), schema=SCHEMA)
    results.save(path)
    broken = dataclasses.replace(results, floor=float("nan"))
    with pytest.raises(ValueError, match="JSON"):
        broken.save(path)
    assert Results.load(path) == results
    assert [one.name for one in tmp_path.iterdir()] == ["results.json"]


def test_no_examples_are_no_evaluation():
    with pytest.raises(ValueError, match="at least one example"):
        Evaluator(SCHEMA, 2).results(data_path="out/test")


@pytest.mark.parametrize("name", ["baseline_probabilities", "indicator_logits"])
def test_extras_come_with_every_batch_or_none(name):
    values = batch(10)
    for first, then in ((True, False), (False, True)):
        evaluator = Evaluator(SCHEMA, 2)
        evaluator.add(**{**values, **({} if first else {name: None})})
        with pytest.raises(ValueError, match=f"`{name}` must come with every"):
            evaluator.add(**{**values, **({} if then else {name: None})})


@pytest.mark.parametrize("name", ["baseline_probabilities", "indicator_logits"])
def test_a_bad_extra_counts_nothing(name):
    values = batch(10)
    values[name] = values[name] * np.nan
    evaluator = Evaluator(SCHEMA, 2)
    with pytest.raises(ValueError, match="must be finite"):
        evaluator.add(**values)
    assert evaluator.counts.num_examples == 0


def test_evaluators_merge_only_what_both_counted():
    one, other = Evaluator(SCHEMA, 2), Evaluator(SCHEMA, 2)
    values = batch(10)
    one.add(**values)
    del values["indicator_logits"]
    other.add(**values)
    with pytest.raises(ValueError, match="Received: indicators in one"):
        one.merge(other)


def test_probabilities_of_one_column_are_refused():
    with pytest.raises(ValueError, match=r"shape \(any, any\).*shape=\(2,\)"):
        evaluate([0, 1], [0.5, 0.5], [[0, 0], [0, 0]], SCHEMA)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"label": "y[1]"}, r"data\.label=y\[0\] .* and y\[1\]"),
        ({"weighted": True}, r"data\.weighted=False .* and True"),
    ],
)
def test_another_label_or_weights_cannot_be_compared(facts, message):
    schema = SliceSchema.from_names(["night"])
    evaluator = Evaluator(schema, 2)
    evaluator.add([1, 0], [[0.5, 0.5], [0.5, 0.5]], [[1], [0]])
    ours = evaluator.results(label="y[0]")
    data = dataclasses.replace(ours.data, **facts)
    with pytest.raises(ValueError, match=f"on the same data.*{message}"):
        ours.check_comparable(dataclasses.replace(ours, data=data))
