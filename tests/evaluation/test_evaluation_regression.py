import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from slice_tf.evaluation import RegressionCounts, Results
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["night", "rain"])


def arrays(num_rows=4_000, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    targets = rng.normal(size=num_rows) + shift
    noise = rng.normal(size=num_rows) * np.where(np.arange(num_rows) % 2, 2, 1)
    membership = rng.random((num_rows, 2)) < [0.5, 0.05]
    return targets, targets + 0.3 * noise + 0.1, membership


def counted(*parts, center=0.0, shift=0.0):
    counts = RegressionCounts(SCHEMA, center)
    for rows in parts or (slice(None),):
        counts.add(*(column[rows] for column in arrays(shift=shift)))
    return counts


@pytest.mark.parametrize(("shift", "center"), [(0.0, 0.0), (1e6, 1e6)])
def test_values_are_those_of_scikit_learn(shift, center):
    targets, predictions, membership = arrays(shift=shift)
    found = counted(shift=shift, center=center).metrics()
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
        for metric in one.values():
            assert metric.low < metric.value < metric.high


def test_parts_merge():
    whole, first, rest = (
        counted(),
        counted(slice(0, 99)),
        counted(slice(99, None)),
    )
    rest.merge(first)
    np.testing.assert_allclose(rest.moments, whole.moments)
    assert rest.checksum == whole.checksum


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
    with pytest.raises(ValueError, match=r"center=0\.0 and 1\.0"):
        counts.merge(RegressionCounts(SliceSchema(()), 1.0))
