import json
import subprocess
import sys

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that

from slice_tf.data import append_membership, encode, write_records
from slice_tf.evaluation import (
    Evaluator,
    RegressionCounts,
    Results,
    load_labels,
)
from slice_tf.programs import evaluate as program
from slice_tf.schema import SliceSchema
from slice_tf_beam import (
    EvaluateSlices,
    PredictionFeatures,
    PredictionSpec,
    evaluate_predictions,
)

SCHEMA = SliceSchema.from_names(["night", "rain", "snow"])
NUM_ROWS = 5_000


def arrays(num_classes=2, num_rows=NUM_ROWS):
    rng = np.random.default_rng(0)
    draw = rng.dirichlet
    return {
        "labels": rng.integers(0, num_classes, num_rows),
        "probabilities": draw(np.ones(num_classes), num_rows).astype("f4"),
        "membership": rng.integers(0, 2, (num_rows, 3)).astype(np.uint8),
        "known": (rng.random((num_rows, 3)) < 0.9).astype(np.uint8),
        "baseline_probabilities": draw(np.ones(num_classes), num_rows).astype(
            "f4"
        ),
        "indicator_logits": rng.normal(size=(num_rows, 3)).astype("f4"),
    }


def records_of(values):
    return [
        append_membership(
            encode(
                {
                    "label": int(values["labels"][row]),
                    "probabilities": values["probabilities"][row],
                    "baseline_probabilities": values["baseline_probabilities"][
                        row
                    ],
                    "indicator_logits": values["indicator_logits"][row],
                }
            ),
            values["membership"][row],
            1 - values["known"][row],
        )
        for row in range(len(values["labels"]))
    ]


def write(directory, records, num_shards=3):
    directory.mkdir(exist_ok=True)
    for number, rows in enumerate(
        np.array_split(np.arange(len(records)), num_shards)
    ):
        path = directory / f"predictions-{number}.tfrecord"
        write_records(path, [records[row] for row in rows])
    SCHEMA.save(directory)
    return directory


def in_memory(values, num_classes=2):
    evaluator = Evaluator(SCHEMA, num_classes)
    evaluator.add(**values)
    return evaluator


@pytest.mark.parametrize("num_classes", [2, 4])
@pytest.mark.parametrize("num_workers", [1, 2])
def test_results_are_those_of_arrays_in_memory(
    tmp_path, num_classes, num_workers
):
    values = arrays(num_classes)
    data = write(tmp_path / "data", records_of(values))
    output = tmp_path / "results.json"
    (found,) = evaluate_predictions(
        str(data), str(output), num_workers=num_workers
    )
    expected = in_memory(values, num_classes).results(data_path=str(data))
    assert found == expected == Results.load(output)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["data", "results.json"]


def test_shards_and_their_order_do_not_matter(tmp_path):
    records = records_of(arrays(num_rows=500))
    order = np.random.default_rng(1).permutation(500)
    slices = []
    for name, rows, shards in (("a", range(500), 1), ("b", order, 7)):
        data = write(tmp_path / name, [records[i] for i in rows], shards)
        (found,) = evaluate_predictions(
            str(data), str(tmp_path / f"{name}.json")
        )
        slices.append(found.slices)
    assert slices[0] == slices[1]


def test_the_transform_gives_one_evaluator():
    values = arrays()
    records = records_of(values)
    spec = PredictionSpec.of(records[0], SCHEMA, PredictionFeatures())
    expected = in_memory(values).results()

    def check(evaluators):
        (evaluator,) = evaluators
        assert evaluator.results() == expected

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        found = (
            pipeline
            | beam.Create(records)
            | beam.Reshuffle()
            | EvaluateSlices(spec)
        )
        assert_that(found, check)


def numbers(num_rows=2_000):
    """Arrays of predicted numbers, and their records."""
    rng = np.random.default_rng(0)
    targets, noise, other = rng.normal(size=(3, num_rows)).astype("f4")
    values = {
        "targets": 1e3 + targets,
        "predictions": 1e3 + targets + noise,
        "membership": rng.integers(0, 2, (num_rows, 3)).astype(np.uint8),
        "baseline_predictions": 1e3 + targets + other,
        "indicator_logits": rng.normal(size=(num_rows, 3)).astype("f4"),
    }
    names = {"label": "targets"} | {
        name: name
        for name in ("predictions", "baseline_predictions", "indicator_logits")
    }
    records = [
        append_membership(
            encode({key: values[name][row] for key, name in names.items()}),
            values["membership"][row],
        )
        for row in range(num_rows)
    ]
    return values, records


@pytest.mark.parametrize("num_workers", [1, 2])
def test_predicted_numbers_are_counted_as_in_memory(tmp_path, num_workers):
    values, records = numbers()
    data = write(tmp_path / "data", records)
    output = tmp_path / "results.json"
    (found,) = evaluate_predictions(
        str(data), str(output), num_workers=num_workers
    )
    counts = RegressionCounts(SCHEMA)
    counts.add(**values)
    expected = counts.results(data_path=str(data))
    assert found == Results.load(output)
    assert found.data == expected.data
    assert found.overlap == expected.overlap
    for one, other in zip(found.slices, expected.slices, strict=True):
        assert (one.name, one.size) == (other.name, other.size)
        assert one.indicator == other.indicator
        changes = {
            "mae": (one.comparison.difference, other.comparison.difference),
            **{
                name: (one.metrics[name], other.metrics[name])
                for name in ("mae", "rmse", "r2", "bias")
            },
        }
        for ours, theirs in changes.values():
            assert ours.value == pytest.approx(theirs.value, rel=1e-6)
            assert ours.low == pytest.approx(theirs.low, rel=1e-6)


def test_the_transform_counts_numbers():
    values, records = numbers(300)
    spec = PredictionSpec.of(records[0], SCHEMA, PredictionFeatures())
    assert (spec.num_classes, spec.with_baseline) == (0, True)

    def check(found):
        (counts,) = found
        error = values["predictions"] - values["targets"]
        base = counts.results().slices[-1]
        assert base.size == 300
        assert base.metrics["mae"].value == pytest.approx(np.abs(error).mean())

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        assert_that(
            pipeline | beam.Create(records) | EvaluateSlices(spec), check
        )


def test_one_probability_is_that_of_class_1(tmp_path):
    rows = [
        append_membership(encode({"y": y, "p": [p]}), np.zeros(3, np.uint8))
        for y, p in ((1, 0.75), (0, 0.25), (1, 0.25))
    ]
    data = write(tmp_path / "data", rows)
    (found,) = evaluate_predictions(
        str(data),
        str(tmp_path / "r.json"),
        features=PredictionFeatures("y", "p"),
    )
    assert found.slices[-1].confusion == [[1, 0], [1, 1]]


def weighed(records, weights, clusters):
    """Records with one more fragment each, which a protobuf merges."""
    rows = zip(records, weights, clusters, strict=True)
    return [
        record + encode({"w": float(weight), "user": cluster})
        for record, weight, cluster in rows
    ]


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_weights_and_clusters_are_counted_as_in_memory(tmp_path, kind):
    values, records = numbers(900)
    if kind == "classes":
        values = arrays(num_rows=900)
        records = records_of(values)
    rng = np.random.default_rng(2)
    weights = rng.random(900).astype("f4")
    users = [f"user {i}" for i in rng.integers(0, 90, 900)]
    data = write(tmp_path / "data", weighed(records, weights, users))
    features = PredictionFeatures(weight="w", cluster="user")
    output = str(tmp_path / "r.json")
    (found,) = evaluate_predictions(str(data), output, features=features)
    given = {"weighted": True, "clustered": True}
    counts = (
        Evaluator(SCHEMA, 2, **given)
        if kind == "classes"
        else RegressionCounts(SCHEMA, **given)
    )
    counts.add(**values, weights=weights, clusters=users)
    expected = counts.results(data_path=str(data))
    assert found.data == expected.data
    assert found.data.weighted
    assert found.data.clustered
    for one, other in zip(found.slices, expected.slices, strict=True):
        ours, theirs = (
            np.array(
                [(m.value, m.low, m.high) for m in x.metrics.values()], float
            )
            for x in (one, other)
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("index", [None, 2])
def test_several_labels_are_evaluated_in_one_pass(tmp_path, index):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (300, 3))
    scores, before = rng.random((2, 300, 3)).astype("f4")
    membership = rng.integers(0, 2, (300, 3)).astype(np.uint8)
    rows = [
        {"label": y, "probabilities": p, "baseline_probabilities": b}
        for y, p, b in zip(labels, scores, before, strict=True)
    ]
    records = [
        append_membership(encode(row), m)
        for row, m in zip(rows, membership, strict=True)
    ]
    data, output = write(tmp_path / "data", records), tmp_path / "new" / "r"
    found = evaluate_predictions(str(data), str(output), label_index=index)
    assert found == load_labels(output)
    asked = range(3) if index is None else [index]
    for i, one in zip(asked, found, strict=True):
        after, old = (
            np.stack([1 - x, x], 1)
            for x in (scores[:, i].astype(float), before[:, i].astype(float))
        )
        counts = Evaluator(SCHEMA, 2)
        counts.add(labels[:, i], after, membership, baseline_probabilities=old)
        expected = counts.results(data_path=str(data), label=f"label[{i}]")
        assert one == expected


@pytest.mark.parametrize("index", [3, -1])
def test_a_label_that_is_not_there_is_refused(tmp_path, index):
    values = {"label": np.array([0, 1, 1]), "probabilities": np.ones(3, "f4")}
    record = append_membership(encode(values), np.ones(3, np.uint8))
    data = write(tmp_path / "data", [record])
    with pytest.raises(ValueError, match=f"label_index={index}, labels=3"):
        evaluate_predictions(
            str(data), str(tmp_path / "r.json"), label_index=index
        )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "must have the feature `w`"),
        ({"w": [0.5, 1.0]}, "`w` of a prediction must hold one value.*2 of"),
        ({"w": -1.0}, "`weights` must be finite, not negative"),
        ({"w": "heavy"}, "`w` of a prediction must hold a number"),
    ],
)
def test_bad_weights_name_their_file(tmp_path, more, message):
    fine = edited() + encode({"w": 1.0})
    bad = edited() + (encode(more) if more else b"")
    data = write(tmp_path / "data", [fine, bad], 1)
    with pytest.raises(ValueError, match=message) as error:
        evaluate_predictions(
            str(data),
            str(tmp_path / "r.json"),
            features=PredictionFeatures(weight="w"),
        )
    assert "predictions-0.tfrecord" in str(error.value)


def edited(**changes):
    values = {"label": 1, "probabilities": [0.5, 0.5], **changes}
    kept = {name: value for name, value in values.items() if value is not None}
    return append_membership(encode(kept), np.ones(3, np.uint8))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (edited(label=None), "must have the feature `label`"),
        (edited(label=2), "label=2 at row 1"),
        (edited(label=[0, 1]), "int64_list, 1 in number. Received: 2 of"),
        (
            edited(probabilities=[0.5]),
            "float_list, 2 in number. Received: 1 of",
        ),
        (edited(probabilities=[0.5, 0.9]), "sum to one"),
        (edited(probabilities=[float("nan"), 1.0]), "must be finite"),
        (
            encode({"label": 1, "probabilities": [0.5, 0.5]}),
            "slices/membership",
        ),
        (b"\xff", "must hold a serialized"),
    ],
)
def test_a_bad_record_is_one_line_that_names_its_file(
    tmp_path, record, message
):
    data = write(tmp_path / "data", [edited(), record], 1)
    output = tmp_path / "results.json"
    with pytest.raises(ValueError, match=message) as error:
        evaluate_predictions(str(data), str(output))
    assert "predictions-0.tfrecord" in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_predictions_need_a_schema_and_a_record(tmp_path):
    data = write(tmp_path / "data", [edited()], 1)
    (data / "slices.json").unlink()
    with pytest.raises(ValueError, match=r"missing=.*slices\.json"):
        evaluate_predictions(str(data), str(tmp_path / "r.json"))
    empty = write(tmp_path / "empty", [], 2)
    with pytest.raises(ValueError, match="files=2, all of them empty"):
        evaluate_predictions(str(empty), str(tmp_path / "r.json"))


def test_the_command_takes_predictions_and_beam_flags(tmp_path):
    data = write(tmp_path / "data", records_of(arrays(num_rows=300)))
    output = tmp_path / "new" / "results.json"
    own = [f"--predictions={data}/pred*", f"--output={output}"]
    own += [f"--schema={data}", "--", "--direct_num_workers=1"]
    done = subprocess.run(
        [sys.executable, "-m", "slice_tf", "evaluate", *own],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[2:6]] == [
        "night",
        "rain",
        "snow",
        "base",
    ]
    assert json.loads(output.read_text())["data"]["num_examples"] == 300


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--model=m"],
        ["--predictions=p", "--model=m", "--data=d"],
        ["--predictions=p", "--baseline=b"],
        ["--model=m", "--data=d", "--", "--runner=DirectRunner"],
        ["--model=m", "--data=d", "--schema=s"],
    ],
)
def test_a_model_or_predictions_must_be_given(flags):
    with pytest.raises(ValueError, match="Either `--model` and `--data`"):
        program.main(["--output=r.json", *flags])
