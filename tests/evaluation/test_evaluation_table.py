import numpy as np
import pytest

from slice_tf.evaluation import (
    Metric,
    compare_runs,
    comparison_table,
    evaluate,
    footnote,
    render_table,
    results_table,
    runs_table,
)
from slice_tf.evaluation.table import fraction, percent, points
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["night", "rain"])


def results(num_rows=1_200, **extras):
    """A model that errs on every tenth example; the slice `rain` is empty."""
    rows = np.arange(num_rows)
    labels = rows % 2
    guesses = np.where(rows % 10 == 0, 1 - labels, labels)
    membership = np.stack([rows < num_rows // 2, rows < 0], axis=1)
    return evaluate(
        labels, np.eye(2)[guesses], membership, SCHEMA, floor=300, **extras
    )


def test_columns_are_aligned():
    text = render_table(["slice", "size"], [["night", "5"], ["b", "1,200"]])
    assert text.splitlines() == [
        "slice   size",
        "-----  -----",
        "night      5",
        "b      1,200",
    ]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"which is 2. Received: row=\['a'\]"):
        render_table(["slice", "size"], [["a"]])


def test_results_show_size_and_accuracy():
    assert render_table(*results_table(results())).splitlines() == [
        "slice   size  accuracy, % [95 %]",
        "-----  -----  ------------------",
        "night    600  90.0 [87.3, 92.2]",
        "rain       0                   -",
        "base   1,200  90.0 [88.2, 91.6]",
    ]


def test_results_show_the_baseline_and_the_difference():
    rows = np.arange(1_200)
    everything_right = np.eye(2)[rows % 2]
    headers, table = results_table(
        results(baseline_probabilities=everything_right)
    )
    assert headers[3:] == ["baseline, % [95 %]", "difference, points [95 %]"]
    assert table[0][3:] == ["100.0 [99.4, 100.0] ", "-10.0 [-12.4, -7.5] "]
    assert table[1][3:] == ["-", "-"]


def test_results_show_indicators():
    logits = np.where(np.arange(1_200) < 600, 1.0, -1.0)
    headers, table = results_table(
        results(indicator_logits=np.stack([logits, logits], axis=1))
    )
    assert headers[-1] == "indicator AUC"
    assert [row[-1] for row in table] == ["1.000 ", "-", "-"]


def test_two_results_stand_side_by_side():
    headers, rows = comparison_table(results(), results())
    assert headers == [
        "slice",
        "size",
        "baseline accuracy, % [95 %]",
        "candidate accuracy, % [95 %]",
        "difference, points",
    ]
    assert [row[-1] for row in rows] == ["+0.0", "-", "+0.0"]


def test_results_on_other_data_do_not_stand_side_by_side():
    with pytest.raises(ValueError, match="Only results on the same data"):
        comparison_table(results(), results(1_000))


def test_runs_show_both_recipes():
    right = np.ones((5, 400), bool)
    wrong = np.zeros((5, 400), bool)
    compared = compare_runs(wrong, right, np.zeros((400, 1), int))
    headers, rows = runs_table(["night"], compared, ("vanilla", "slice-aware"))
    assert headers == [
        "slice",
        "size",
        "vanilla, %",
        "slice-aware, %",
        "difference, points [95 %], mean of 5 runs",
    ]
    assert rows[0] == ["night", "0", "-", "-", "-"]
    assert rows[1][:4] == ["base", "400", "0.0", "100.0"]


@pytest.mark.parametrize(
    ("show", "metric", "text"),
    [
        (percent, Metric(0.5, 0.25, 0.75, 40, "ok"), "50.0 [25.0, 75.0] "),
        (percent, Metric(1.0, 0.2, 1.0, 1, "too few"), "100.0 [20.0, 100.0]*"),
        (percent, Metric(0.5, None, None, 1, "too few"), "50.0*"),
        (percent, Metric(None, None, None, 0, "empty"), "-"),
        (points, Metric(-0.0001, -0.1, 0.1, 40, "ok"), "+0.0 [-10.0, +10.0] "),
        (fraction, Metric(0.9124, 0.9, 0.93, 40, "ok"), "0.912 "),
        (fraction, None, "-"),
    ],
)
def test_metrics_in_words(show, metric, text):
    assert show(metric) == text


def test_footnote_explains_the_marks_that_are_shown():
    assert footnote(results()) == "- nothing to count"
    assert footnote(results(500)) == (
        "* too few to rely on: fewer than 300 examples\n- nothing to count"
    )
    zeros = np.zeros(40, int)
    full = evaluate(zeros, np.eye(2)[zeros], np.ones((40, 2)), SCHEMA)
    assert footnote(full) == ""
