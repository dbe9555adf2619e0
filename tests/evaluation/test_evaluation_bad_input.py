"""What is wrong with an input is one line and exit status 2."""

import json

import numpy as np
import pytest

from slice_tf import cli
from slice_tf.data import append_membership, encode, write_records
from slice_tf.evaluation import Results
from slice_tf.schema import SliceSchema

GOOD = [(i % 2, [0.9 - 0.8 * (i % 2), 0.1 + 0.8 * (i % 2)]) for i in range(60)]
NAN = float("nan")


def write(directory, predictions, names=("night", "rain"), row=(1, 0)):
    """Writes predictions that are all in the same slices."""
    directory.mkdir()
    records = [
        append_membership(
            encode({"label": label, "probabilities": scores}),
            np.array(row, np.uint8),
        )
        for label, scores in predictions
    ]
    write_records(directory / "part-0", records)
    SliceSchema.from_names(names).save(directory)
    return directory


def evaluate(directory):
    output = directory.parent / f"{directory.name}.json"
    flags = [f"--predictions={directory}", f"--output={output}"]
    return cli.main(["evaluate", *flags]), output


def one_line(capsys):
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("label", "scores", "message"),
    [
        (1, [-0.5, 1.5], r"not negative and sum to one.*[-0.5, 1.5] at row 60"),
        (1, [NAN, 0.5], "must be finite.*[nan, 0.5] at row 60"),
        (1, [0.5, 0.75], "sum to one in every row.*[0.5, 0.75] at row 60"),
        (7, [0.5, 0.5], "lie in [0, 2), because.*label=7 at row 60"),
        (-1, [0.5, 0.5], "lie in [0, 2), because.*label=-1 at row 60"),
        ("yes", [0.5, 0.5], "int64_list, 1 in number.*bytes_list at row 60"),
        (1, [0.5, 0.3, 0.2], "float_list, 2 in number.*3 of them at row 60"),
    ],
)
def test_a_wrong_prediction_is_told_with_its_file_and_row(
    tmp_path, capsys, label, scores, message
):
    data = write(tmp_path / "data", [*GOOD, (label, scores)])
    status, output = evaluate(data)
    error = one_line(capsys)
    assert status == 2
    assert f"{data / 'part-0'}: " in error
    for part in message.split(".*"):
        assert part in error
    assert not output.exists()


def test_a_row_is_told_from_where_its_batch_starts(tmp_path, capsys):
    data = write(tmp_path / "data", [*GOOD * 40, (7, [0.5, 0.5])])
    assert evaluate(data)[0] == 2
    assert "part-0, from record 2048: " in (error := one_line(capsys))
    assert "label=7 at row 352" in error


def test_a_score_alone_must_be_a_probability(tmp_path, capsys):
    assert evaluate(write(tmp_path / "data", [(1, [1.5])]))[0] == 2
    assert "[-0.5, 1.5] at row 0" in one_line(capsys)


def test_membership_of_another_schema_is_refused(tmp_path, capsys):
    assert evaluate(write(tmp_path / "data", GOOD, row=(1, 0, 1)))[0] == 2
    assert "`slices/membership` of a prediction" in (error := one_line(capsys))
    assert "int64_list, 2 in number. Received: 3 of them" in error


def test_nothing_to_evaluate_is_refused(tmp_path, capsys):
    assert evaluate(write(tmp_path / "data", []))[0] == 2
    assert "at least one prediction to evaluate" in one_line(capsys)


def test_an_empty_slice_and_one_of_one_class_are_told_what_they_can(
    tmp_path, capsys
):
    status, output = evaluate(write(tmp_path / "data", [(0, [0.9, 0.1])] * 40))
    assert status == 0
    assert "- nothing to count" in capsys.readouterr().out
    night, rain, _ = Results.load(output).slices
    assert {one.status for one in rain.metrics.values()} == {"empty"}
    assert {
        name for name, one in night.metrics.items() if one.status == "empty"
    } == {
        *("precision", "recall", "f1", "false_negative_rate"),
        *("auc", "auc_pr", "lift"),
    }
    assert night.metrics["accuracy"].value == 1.0
    path = str(output)
    assert cli.main(["gate", path, path]) == 0
    assert "1 with too few to tell" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("predictions", "names", "message"),
    [
        (GOOD, ("fog", "rain"), "Slices must be the same"),
        (GOOD[:50], ("night", "rain"), "Only results on the same data"),
    ],
)
def test_results_of_other_slices_or_data_are_refused(
    tmp_path, capsys, predictions, names, message
):
    _, one = evaluate(write(tmp_path / "one", GOOD))
    _, other = evaluate(write(tmp_path / "other", predictions, names))
    capsys.readouterr()
    assert cli.main(["gate", str(one), str(other)]) == 2
    assert message in one_line(capsys)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda v: json.dumps({**v, "format_version": 2}), "format_version=2"),
        (lambda v: json.dumps({**v, "slices": [{}]}), "hold the fields"),
        (lambda v: json.dumps([v]), "must be a JSON object"),
        (lambda v: json.dumps(v)[:40], "must be JSON"),
    ],
)
@pytest.mark.parametrize("command", ["gate", "report"])
def test_a_file_that_holds_no_results_is_named(
    tmp_path, capsys, command, damage, message
):
    _, good = evaluate(write(tmp_path / "data", GOOD))
    wrong = tmp_path / "wrong.json"
    wrong.write_text(damage(json.loads(good.read_text())))
    capsys.readouterr()
    paths = [wrong, good] if command == "gate" else [wrong]
    assert cli.main([command, *map(str, paths)]) == 2
    error = one_line(capsys)
    assert f"{wrong}: Results must" in error
    assert message in error
