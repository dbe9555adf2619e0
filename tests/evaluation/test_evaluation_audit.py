import json

import numpy as np
import pytest

from slice_tf.evaluation import (
    IndicatorCounts,
    RegressionCounts,
    Results,
    SliceAudit,
    evaluate,
    load_audits,
    results_table,
    with_audits,
)
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["night", "rain"])
INSIDE, OUTSIDE = 0.7, 0.92


def results(precision, recall, prevalence, num_rows=20_000, seed=0):
    """A model at 0.70 in a slice and 0.92 outside, seen by a noisy function."""
    rng = np.random.default_rng(seed)
    truth = rng.random(num_rows) < prevalence
    false = recall * prevalence * (1 - precision) / precision
    share = np.where(truth, recall, false / (1 - prevalence))
    members = rng.random(num_rows) < share
    right = rng.random(num_rows) < np.where(truth, INSIDE, OUTSIDE)
    labels = rng.integers(0, 2, num_rows)
    guesses = np.where(right, labels, 1 - labels)
    membership = np.stack([members, ~members], axis=1)
    found = evaluate(labels, np.eye(2)[guesses], membership, SCHEMA)
    return found, truth, members


def audited(truth, members, number=50, seed=0):
    """What a person says of so many examples inside and outside."""
    rng = np.random.default_rng(seed)
    inside = rng.choice(np.flatnonzero(members), number)
    outside = rng.choice(np.flatnonzero(~members), number)
    counts = truth[inside].sum(), number, truth[outside].sum(), number
    return SliceAudit(*map(int, counts))


@pytest.mark.parametrize("precision", [0.9, 0.6, 0.3])
def test_an_audit_gives_the_true_accuracy_back(precision):
    found, truth, members = results(precision, 0.8, 0.05)
    audit = audited(truth, members, 2_000)
    one = with_audits(found, {"night": audit})["night"]
    naive = one.metrics["accuracy"].value
    assert naive > INSIDE + 0.01
    assert one.audited.accuracy.value == pytest.approx(INSIDE, abs=0.06)
    assert one.audited.precision.value == pytest.approx(precision, abs=0.05)
    assert abs(one.audited.accuracy.value - INSIDE) < naive - INSIDE


def test_corrected_accuracy_solves_the_two_equations():
    labels = np.zeros(1_000, int)
    members = np.arange(1_000) < 200
    wrong = np.where(members, np.arange(1_000) < 50, np.arange(1_000) >= 920)
    membership = np.stack([members, members], axis=1)
    found = evaluate(labels, np.eye(2)[wrong * 1], membership, SCHEMA)
    one = with_audits(found, {"night": SliceAudit(40, 50, 5, 50)})["night"]
    # 0.75 = 0.8 x + 0.2 y and 0.9 = 0.1 x + 0.9 y
    expected = np.linalg.solve([[0.8, 0.2], [0.1, 0.9]], [0.75, 0.9])[0]
    assert one.audited.accuracy.value == pytest.approx(expected)
    assert one.audited.accuracy.low < expected < one.audited.accuracy.high


def test_a_perfect_function_leaves_accuracy_nearly_as_it_was():
    found, _, _ = results(1.0, 1.0, 0.2)
    audits = {"night": SliceAudit(5_000, 5_000, 0, 5_000)}
    one = with_audits(found, audits)["night"]
    naive, corrected = one.metrics["accuracy"], one.audited.accuracy
    assert corrected.value == pytest.approx(naive.value, abs=1e-9)
    assert corrected.low == pytest.approx(naive.low, abs=0.003)


def test_intervals_hold_the_truth():
    held = []
    for seed in range(150):
        found, truth, members = results(0.6, 0.8, 0.05, 8_000, seed)
        audit = audited(truth, members, seed=seed)
        metric = with_audits(found, {"night": audit})["night"].audited.accuracy
        held.append(metric.low <= INSIDE <= metric.high)
    assert 0.9 < np.mean(held) <= 1.0


def test_a_function_that_says_nothing_is_too_few():
    found, _, _ = results(0.6, 0.8, 0.05)
    audits = {"night": SliceAudit(25, 50, 25, 50)}
    metric = with_audits(found, audits)["night"].audited.accuracy
    assert metric.value is None or metric.status == "too few"


def test_audits_are_read_shown_and_saved(tmp_path):
    found, _, _ = results(0.9, 0.8, 0.05)
    counts = {"found": 45, "found_of": 50, "missed": 1, "missed_of": 50}
    (tmp_path / "audit.json").write_text(json.dumps({"night": counts}))
    corrected = with_audits(found, load_audits(tmp_path / "audit.json"))
    corrected.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == corrected
    headers, rows = results_table(corrected)
    assert headers[-1] == "audited accuracy, % [95 %]"
    assert [row[-1] for row in rows][1:] == ["-", "-"]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"night": {}}',
        '{"night": {"found": 51, "found_of": 50, "missed": 0, "missed_of": 9}}',
        '{"night": {"found": 0, "found_of": 0, "missed": 0, "missed_of": 9}}',
    ],
)
def test_what_is_no_audit_is_refused_by_file(tmp_path, text):
    (tmp_path / "audit.json").write_text(text)
    with pytest.raises(ValueError, match=r"audit\.json: Audits must be"):
        load_audits(tmp_path / "audit.json")


def test_an_audit_of_no_slice_is_refused():
    found, _, _ = results(0.9, 0.8, 0.05)
    with pytest.raises(ValueError, match="no such slice"):
        with_audits(found, {"fog": SliceAudit(1, 2, 0, 2)})


def test_quality_of_indicators_is_counted_against_membership():
    logits = np.array([[2.0], [1.0], [-1.0], [-2.0], [3.0]])
    counts = IndicatorCounts(1)
    counts.add(logits, [[1], [0], [1], [0], [1]])
    found = {
        name: (v[0], n[0]) for name, (v, _, _, n) in counts.quality().items()
    }
    assert found["precision"] == (pytest.approx(2 / 3), 3)
    assert found["recall"] == (pytest.approx(2 / 3), 3)
    assert found["agreement"] == (pytest.approx(3 / 5), 5)
    bias = (1 / (1 + np.exp(-logits))).mean() - 3 / 5
    assert found["calibration_bias"][0] == pytest.approx(bias, abs=1e-3)


def numbers(precision, num_rows=8_000, seed=0):
    """Errors twice as large, and too high, in a slice of a noisy function."""
    rng = np.random.default_rng(seed)
    truth = rng.random(num_rows) < 0.05
    false = 0.8 * 0.05 * (1 - precision) / precision
    members = rng.random(num_rows) < np.where(truth, 0.8, false / 0.95)
    errors = rng.normal(size=num_rows)
    errors = np.where(truth, 2 * errors + 0.5, errors)
    counts = RegressionCounts(SCHEMA)
    counts.add(
        np.zeros(num_rows), errors, np.stack([members, ~members], axis=1)
    )
    return counts.results(), truth, members


def test_corrected_errors_solve_the_two_equations():
    found, _, members = numbers(0.6)
    audit = SliceAudit(40, 50, 5, 50)
    one = with_audits(found, {"night": audit})["night"]
    errors = numbers_errors()
    matrix = [[0.8, 0.2], [0.1, 0.9]]
    for name, values in {
        "mae": np.abs(errors),
        "rmse": errors**2,
        "bias": errors,
    }.items():
        sides = [values[members].mean(), values[~members].mean()]
        expected = np.linalg.solve(matrix, sides)[0]
        if name == "rmse":
            expected **= 0.5
        metric = getattr(one.audited, name)
        assert metric.value == pytest.approx(expected)
        assert metric.low < expected < metric.high
    assert one.audited.accuracy is None


def numbers_errors():
    """What `numbers(0.6)` is off by."""
    rng = np.random.default_rng(0)
    truth = rng.random(8_000) < 0.05
    rng.random(8_000)
    errors = rng.normal(size=8_000)
    return np.where(truth, 2 * errors + 0.5, errors)


def test_intervals_of_corrected_errors_hold_the_truth():
    """Of `2 z + 0.5`: E|.| is 1.6453, E(.)^2 4.25, E 0.5."""
    true = {"mae": 1.64530, "rmse": 4.25**0.5, "bias": 0.5}
    held = []
    for seed in range(150):
        found, truth, members = numbers(0.6, seed=seed)
        audit = audited(truth, members, seed=seed)
        one = with_audits(found, {"night": audit})["night"]
        told = [getattr(one.audited, name) for name in true]
        held.append(
            [
                metric.low <= value <= metric.high
                for metric, value in zip(told, true.values(), strict=True)
            ]
        )
        assert one.metrics["mae"].high < true["mae"]  # Taken at its word.
    assert (np.mean(held, axis=0) > 0.9).all()


def test_audited_errors_are_shown_and_saved(tmp_path):
    found, _, _ = numbers(0.6)
    corrected = with_audits(found, {"night": SliceAudit(40, 50, 1, 50)})
    corrected.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == corrected
    headers, rows = results_table(corrected)
    expected = [f"audited {name} [95 %]" for name in ("mae", "rmse", "bias")]
    assert headers[-3:] == expected
    assert [row[-3:] for row in rows][1:] == [["-"] * 3] * 2
    assert rows[0][-3].startswith(f"{corrected['night'].audited.mae.value:.2f}")
