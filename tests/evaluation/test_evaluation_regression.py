import dataclasses

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from slice_tf.evaluation import (
    RegressionCounts,
    Results,
    gate,
    results_table,
)
from slice_tf.evaluation.gate_reports import (
    gate_junit,
    gate_markdown,
    gate_table,
)
from slice_tf.schema import Slice, SliceSchema

SCHEMA = SliceSchema.from_names(["night", "rain"])


def arrays(num_rows=4_000, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=num_rows) + shift
    noise = rng.normal(size=num_rows) * np.where(np.arange(num_rows) % 2, 2, 1)
    membership = rng.random((num_rows, 2)) < [0.5, 0.05]
    return targets, targets + 0.3 * noise + 0.1, membership


def counted(*parts, shift=0.0):
    counts = RegressionCounts(SCHEMA)
    for rows in parts or (slice(None),):
        counts.add(*(column[rows] for column in arrays(shift=shift)))
    return counts


@pytest.mark.parametrize("shift", [0.0, 1e6, 1e9])
def test_values_are_those_of_scikit_learn(shift):
    targets, predictions, membership = arrays(shift=shift)
    found = counted(shift=shift).metrics()
    everyone = np.ones((len(targets), 1), bool)
    members = np.concatenate([membership, everyone], axis=1)
    for one, rows in zip(found, members.T, strict=True):
        pair = targets[rows], predictions[rows]
        expected = {
            "mae": sklearn_metrics.mean_absolute_error(*pair),
            "rmse": sklearn_metrics.root_mean_squared_error(*pair),
            "r2": sklearn_metrics.r2_score(*pair),
            "bias": (pair[1] - pair[0]).mean(),
        }
        values = {name: one[name].value for name in expected}
        assert values == pytest.approx(expected, abs=1e-6)
        for name in expected:
            assert one[name].low < one[name].value < one[name].high


def values_of(counts):
    """All numbers of all slices: metrics, then differences."""
    slices = counts.results().slices
    rows = [dataclasses.asdict(one) for one in slices]
    metrics = [m for row in rows for m in row["metrics"].values()]
    for row in rows:
        if row["comparison"]:
            metrics.append(row["comparison"]["difference"])
            metrics += row["comparison"]["differences"].values()
    columns = ("value", "low", "high", "n")
    return np.array([[one[c] for c in columns] for one in metrics], float)


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_parts_of_any_order_and_mean_merge(shift):
    """Each part takes another number off its targets."""
    targets, predictions, membership = arrays(shift=shift)
    rng = np.random.default_rng(2)
    columns = {
        "weights": rng.random(4_000),
        "clusters": rng.integers(0, 500, 4_000),
        "baseline_predictions": predictions + rng.normal(size=4_000),
    }

    def counted_rows(rows):
        counts = RegressionCounts(SCHEMA, weighted=True, clustered=True)
        if len(rows):
            more = {name: column[rows] for name, column in columns.items()}
            counts.add(
                targets[rows], predictions[rows], membership[rows], **more
            )
        return counts

    whole, order = counted_rows(np.arange(4_000)), np.argsort(targets)
    merged = RegressionCounts(SCHEMA, weighted=True, clustered=True)
    for rows in (order[:0], order[3_000:], order[:99], order[99:3_000]):
        merged.merge(counted_rows(rows))
    np.testing.assert_allclose(values_of(merged), values_of(whole), rtol=1e-6)
    np.testing.assert_array_equal(merged.errors, whole.errors)
    np.testing.assert_array_equal(merged.overlap.cells, whole.overlap.cells)
    assert merged.checksum == whole.checksum


def test_explained_variance_has_an_interval_that_holds():
    held = 0
    for seed in range(300):
        counts = RegressionCounts(SliceSchema(()))
        targets, predictions, _ = arrays(200, seed)
        counts.add(targets, predictions, np.zeros((200, 0)))
        metric = counts.metrics()[0]["r2"]
        truth = 1 - (0.09 * 2.5 + 0.01)
        held += metric.low <= truth <= metric.high
    assert 0.9 < held / 300 < 0.99


def test_empty_and_constant_slices():
    counts = RegressionCounts(SCHEMA)
    counts.add([1.0, 1.0], [1.5, 0.5], [[1, 0], [1, 0]])
    night, rain, _ = counts.metrics()
    assert (night["mae"].value, night["r2"].status) == (0.5, "empty")
    assert {metric.status for metric in rain.values()} == {"empty"}


def test_results_are_saved_and_compared_by_data(tmp_path):
    results = counted().results(data_path="out/test")
    results.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == results
    targets, predictions, membership = arrays()
    other = RegressionCounts(SCHEMA)
    other.add(targets + 1, predictions, membership)
    with pytest.raises(ValueError, match="Only results on the same data"):
        results.check_comparable(other.results())


def test_bad_numbers_are_refused_and_nothing_counted():
    counts = RegressionCounts(SliceSchema(()))
    nobody = np.zeros((2, 0))
    with pytest.raises(ValueError, match="`predictions` must be finite"):
        counts.add([1.0, 2.0], [1.0, np.nan], nobody)
    with pytest.raises(ValueError, match="`targets` must be finite"):
        counts.add([np.inf, 2.0], [1.0, 2.0], nobody)
    with pytest.raises(ValueError, match=r"`predictions` must be of shape"):
        counts.add([1.0, 2.0], [1.0], nobody)
    with pytest.raises(ValueError, match="at least one example"):
        counts.results()
    with pytest.raises(ValueError, match="weighted=False and True"):
        counts.merge(RegressionCounts(SliceSchema(()), weighted=True))
    counts.add([1.0], [1.0], nobody[:1])
    with pytest.raises(ValueError, match="an array after 1 examples"):
        counts.add([1.0], [1.0], nobody[:1], baseline_predictions=[1.0])
    paired = RegressionCounts(SliceSchema(()))
    paired.add([1.0], [1.0], nobody[:1], baseline_predictions=[1.0])
    with pytest.raises(ValueError, match="paired=False and True"):
        counts.merge(paired)


def paired(worse=1.0, **facts):
    """Results of a baseline, and of a candidate `worse` at night."""
    targets, before, membership = arrays()
    membership[:9, 1], membership[9:, 1] = True, False
    shared, noise = before, np.random.default_rng(1).normal(size=(2, 4_000))
    before, errors = shared + 0.1 * noise[0], shared - targets + 0.1 * noise[1]
    after = targets + errors * np.where(membership[:, 0], worse, 1)
    schema = SliceSchema(
        tuple(Slice(n, **facts.get(n, {})) for n in SCHEMA.names)
    )
    alone = RegressionCounts(schema)
    alone.add(targets, before, membership)
    beside = RegressionCounts(schema)
    beside.add(targets, after, membership, baseline_predictions=before)
    return alone.results(), beside.results()


def test_differences_are_those_of_the_metrics():
    before, after = paired(1.3)
    for old, new in zip(before.slices, after.slices, strict=True):
        changes = {"mae": new.comparison.difference}
        changes |= new.comparison.differences
        assert list(changes) == ["mae", "rmse", "r2"]
        for name, change in changes.items():
            values = [one.metrics[name].value for one in (old, new)]
            assert change.value == pytest.approx(values[1] - values[0])
            assert change.low < change.value < change.high
        baseline = new.comparison.baseline
        assert baseline.value == pytest.approx(old.metrics["mae"].value)
        assert sum(new.comparison.errors) == pytest.approx(old.size, abs=0.1)


def test_intervals_of_differences_hold():
    """Against the spread of differences over many slices of one kind."""
    rng = np.random.default_rng(0)
    schema = SliceSchema.from_names([f"s{i}" for i in range(200)])
    targets, ours, theirs = rng.normal(size=(3, 40_000))
    membership = np.arange(40_000)[:, None] // 200 == np.arange(200)
    counts = RegressionCounts(schema)
    counts.add(
        targets,
        targets + 0.5 * ours,
        membership,
        baseline_predictions=targets + 0.3 * ours + 0.4 * theirs,
    )
    slices = [one.comparison for one in counts.results().slices[:-1]]
    for name in ("mae", "rmse", "r2"):
        found = [one.differences.get(name, one.difference) for one in slices]
        held = np.mean([one.low <= 0 <= one.high for one in found])
        assert 0.92 <= held <= 0.99


def test_intervals_are_as_wide_as_a_bootstraps():
    rng = np.random.default_rng(0)
    targets, shared, ours, theirs = rng.normal(size=(4, 2_000))
    targets = targets + rng.exponential(size=2_000)
    after = targets + 0.4 * (shared + 0.5 * ours)
    before = 1.1 * targets + 0.5 * (shared + 0.4 * theirs)

    def measure(rows):
        t, (new, old) = targets[rows], (x[rows] for x in (after, before))
        facts = []
        for errors in (new - t, old - t):
            mse = (errors**2).mean()
            r2 = 1 - mse / t.var()
            facts.append(np.array([np.abs(errors).mean(), mse**0.5, r2]))
        return np.concatenate([facts[0], facts[0] - facts[1]])

    drawn = [measure(rng.integers(0, 2_000, 2_000)) for _ in range(1_000)]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    counts = RegressionCounts(SliceSchema(()))
    nobody = np.zeros((2_000, 0))
    counts.add(targets, after, nobody, baseline_predictions=before)
    (base,) = counts.results().slices
    found = [base.metrics[name] for name in ("mae", "rmse", "r2")]
    found += [base.comparison.difference]
    found += [base.comparison.differences[name] for name in ("rmse", "r2")]
    widths = np.array([one.high - one.low for one in found])
    np.testing.assert_allclose(widths / (high - low), 1, atol=0.12)


def test_a_lift_is_the_error_inside_minus_outside():
    targets, predictions, membership = arrays()
    (night, _, base) = counted().metrics()
    sizes, inside = np.abs(predictions - targets), membership[:, 0]
    expected = sizes[inside].mean() - sizes[~inside].mean()
    assert night["lift"].value == pytest.approx(expected)
    assert base["lift"].status == "empty"


def test_errors_are_counted_in_even_bins():
    targets, predictions, membership = arrays()
    results = counted().results()
    edges = np.array(results.error_edges)
    np.testing.assert_allclose(np.diff(edges), edges[1] - edges[0])
    errors = np.clip(predictions - targets, edges[0], edges[-1])
    members = np.concatenate([membership, np.ones((4_000, 1), bool)], axis=1)
    for one, rows in zip(results.slices, members.T, strict=True):
        assert sum(one.errors) == pytest.approx(rows.sum(), abs=0.5)
    exact, _ = np.histogram(errors, edges)
    np.testing.assert_allclose(results.slices[-1].errors, exact, atol=20)


def test_errors_of_any_size_are_counted():
    counts = RegressionCounts(SliceSchema(()))
    errors = np.array([0.0, 1e-300, -1e-9, 3.0, -1e30])
    counts.add(np.zeros(5), errors, np.zeros((5, 0)))
    histogram = counts.errors[0]
    middle = len(histogram) // 2
    assert histogram[middle] == 2
    assert (histogram[:middle].sum(), histogram[middle:].sum()) == (2, 3)
    assert histogram[0] == 1


def test_learned_indicators_are_counted_beside_numbers():
    targets, predictions, membership = arrays()
    counts = RegressionCounts(SCHEMA)
    logits = np.where(membership, 2.0, -2.0)
    counts.add(targets, predictions, membership, indicator_logits=logits)
    night, rain, base = counts.results().slices
    assert (night.indicator.value, rain.indicator.value) == (1.0, 1.0)
    assert base.indicator is None


def verdicts(result):
    return {one.name: one.verdict for one in result.slices}


@pytest.mark.parametrize("metric", [None, "mae", "rmse", "r2"])
def test_a_gate_finds_larger_errors(metric):
    result = gate(*paired(1.3), metric=metric)
    assert result.metric == (metric or "mae")
    assert verdicts(result) == {
        "night": "FAIL",
        "rain": "NOT_ENOUGH_DATA",
        "base": "FAIL",
    }
    night = result.slices[0]
    word = "drop" if metric == "r2" else "rise"
    assert night.reason.startswith(f"a {word} of 0.")
    assert night.smallest_drop < abs(night.difference.value)


def test_a_gate_tolerates_a_margin_in_the_metrics_unit():
    old, new = paired(1.3)
    rise = new.slices[0].comparison.difference.value
    assert gate(old, new, margin=2 * rise).verdict == "PASS"
    assert gate(old, new, margin=rise / 4).slices[0].verdict == "FAIL"
    large = paired(1.3, night={"margin": 7.0})
    assert gate(*large).slices[0].verdict == "PASS"


def test_a_critical_slice_must_exclude_a_rise():
    strict = {"night": {"critical": True, "margin": 0.001}}
    result = gate(*paired(**strict))
    assert result.slices[0].verdict == "NOT_ENOUGH_DATA"
    assert result.exit_status == 3
    loose = {"night": {"critical": True, "margin": 0.1}}
    assert gate(*paired(**loose)).verdict == "PASS"


@pytest.mark.parametrize("metric", ["mae", "rmse", "r2"])
def test_numbers_are_compared_without_pairs_too(metric):
    (old, _), (_, new) = paired(), paired(1.3)
    (worse, _), (_, other) = paired(), paired()
    result = gate(new, other, metric=metric)  # Another baseline than its own.
    assert (result.paired, result.verdict) == (False, "PASS")
    slices = tuple(dataclasses.replace(x, comparison=None) for x in new.slices)
    alone = dataclasses.replace(new, baseline=None, slices=slices)
    result = gate(worse, alone, metric=metric)
    assert not result.paired
    assert verdicts(result) == {
        "night": "FAIL",
        "rain": "NOT_ENOUGH_DATA",
        "base": "FAIL",
    }
    night, beside = result.slices[0], gate(old, new, metric=metric).slices[0]
    assert night.difference.value == pytest.approx(beside.difference.value)
    assert night.smallest_drop > beside.smallest_drop
    with pytest.raises(ValueError, match="better: mae, rmse, r2"):
        gate(old, new, metric="accuracy")


def test_a_gates_reports_are_in_the_metrics_own_unit():
    result = gate(*paired(1.3))
    headers, rows = gate_table(result)
    assert headers[2:5] == ["baseline mae", "candidate", "difference [95 %]"]
    assert headers[6] == "smallest rise found"
    assert rows[0][0] == "night"
    assert "points" not in gate_markdown(result) + gate_junit(result)


def test_results_with_a_baseline_are_saved_whole(tmp_path):
    old, new = paired(1.3)
    judged = dataclasses.replace(new, gate=gate(old, new))
    judged.save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json") == judged


def test_a_table_of_numbers_ends_with_the_comparison():
    headers, rows = results_table(paired(1.3)[1])
    assert headers == [
        "slice",
        "size",
        *(f"{name} [95 %]" for name in ("mae", "rmse", "r2", "bias")),
        "baseline mae [95 %]",
        "difference [95 %]",
    ]
    assert [row[0] for row in rows] == ["night", "rain", "base"]
