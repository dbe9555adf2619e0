"""Weights and clusters of predicted numbers."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from slice_tf.evaluation import RegressionCounts
from slice_tf.evaluation.inputs import check_clusters
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["night", "rain"])
NUM_ROWS = 4_000


def arrays(seed=0, num_rows=NUM_ROWS):
    """Targets, both models' predictions and membership."""
    rng = np.random.default_rng(seed)
    targets, shared, ours, theirs = rng.normal(size=(4, num_rows))
    membership = rng.random((num_rows, 2)) < [0.5, 0.05]
    after = targets + 0.4 * shared + 0.2 * ours + 0.1
    return targets, after, targets + 0.4 * shared + 0.2 * theirs, membership


def counted(targets, after, before, membership, **more):
    counts = RegressionCounts(
        SCHEMA, weighted="weights" in more, clustered="clusters" in more
    )
    counts.add(targets, after, membership, baseline_predictions=before, **more)
    return counts.results()


def metrics_of(results):
    """Metrics and differences of each slice."""
    return [
        {
            **one.metrics,
            "change of mae": one.comparison.difference,
            **{
                f"change of {k}": m
                for k, m in one.comparison.differences.items()
            },
        }
        for one in results.slices
    ]


def ends_of(results):
    return np.array(
        [
            [(m.value, m.low, m.high, m.n) for m in one.values()]
            for one in metrics_of(results)
        ],
        np.float64,
    )


def test_weighted_values_are_those_of_scikit_learn():
    targets, after, before, membership = arrays()
    weights = np.random.default_rng(1).exponential(size=NUM_ROWS)
    results = counted(targets, after, before, membership, weights=weights)
    everyone = np.ones((NUM_ROWS, 1), bool)
    members = np.concatenate([membership, everyone], axis=1)
    scores = {
        "mae": sklearn_metrics.mean_absolute_error,
        "rmse": sklearn_metrics.root_mean_squared_error,
        "r2": sklearn_metrics.r2_score,
    }
    for one, found, rows in zip(
        results.slices, metrics_of(results), members.T, strict=True
    ):
        of_rows = {"sample_weight": weights[rows]}
        for name, score in scores.items():
            new, old = (
                score(targets[rows], x[rows], **of_rows)
                for x in (after, before)
            )
            assert found[name].value == pytest.approx(new, abs=1e-6)
            change = found[f"change of {name}"].value
            assert change == pytest.approx(new - old, abs=1e-6)
        bias = np.average((after - targets)[rows], weights=weights[rows])
        assert found["bias"].value == pytest.approx(bias, abs=1e-6)
        assert one.size == rows.sum()
        kish = weights[rows].sum() ** 2 / (weights[rows] ** 2).sum()
        assert found["mae"].n == pytest.approx(kish, abs=1)
        assert sum(one.errors) == pytest.approx(weights[rows].sum(), rel=1e-3)
    assert results.data.weighted


def test_only_ratios_of_weights_matter_and_equal_ones_change_nothing():
    rows = arrays()
    without = ends_of(counted(*rows))
    for weight in (0.25, 1.0, 64.0):
        alike = counted(*rows, weights=np.full(NUM_ROWS, weight))
        np.testing.assert_allclose(ends_of(alike), without, rtol=1e-9)


def test_an_example_of_no_weight_counts_for_nothing_but_the_size():
    targets, after, before, membership = arrays()
    kept = np.arange(NUM_ROWS) % 3 > 0
    few = counted(*(x[kept] for x in (targets, after, before, membership)))
    after[~kept] = 1e6
    whole = counted(targets, after, before, membership, weights=kept)
    np.testing.assert_allclose(ends_of(whole), ends_of(few), rtol=1e-5)
    assert whole.slices[-1].size == NUM_ROWS


def test_clusters_of_one_widen_little_and_repeated_rows_by_their_number():
    """Each row four times, as one cluster, says as much as once."""
    rows = arrays(num_rows=2_000)
    alone = ends_of(counted(*rows))
    repeated = [np.repeat(x, 4, axis=0) for x in rows]
    users = np.repeat(np.arange(2_000), 4)
    together = ends_of(counted(*repeated, clusters=users))
    naive = ends_of(counted(*repeated))
    np.testing.assert_allclose(together[..., 0], alone[..., 0], rtol=1e-9)
    singles = ends_of(counted(*rows, clusters=np.arange(2_000)))
    of_naive, of_users, of_singles = (
        # Without the lift of all examples, which there is not.
        np.ravel((x[..., 2] - x[..., 1]) / (alone[..., 2] - alone[..., 1]))
        for x in (naive, together, singles)
    )
    there = np.isfinite(of_naive)
    np.testing.assert_allclose(of_naive[there], 0.5, atol=0.05)
    # 64 buckets tell a variance to a fifth or so.
    np.testing.assert_allclose(of_users[there], 1.05, atol=0.3)
    np.testing.assert_allclose(of_singles[there], 1.05, atol=0.3)


def test_intervals_hold_where_users_err_alike():
    """Without clusters the same intervals hold half as often."""
    held = {True: [], False: []}
    schema = SliceSchema(())
    for seed in range(150):
        rng = np.random.default_rng(seed)
        users = np.repeat(np.arange(200), 10)
        shared = rng.normal(size=200)[users]
        targets, own, other = rng.normal(size=(3, 2_000))
        after = targets + shared + 0.5 * own
        before = targets + 0.5 * other + 0.8 * shared
        for clustered in held:
            counts = RegressionCounts(schema, clustered=clustered)
            counts.add(
                targets,
                after,
                np.zeros((2_000, 0)),
                baseline_predictions=before,
                clusters=users if clustered else None,
            )
            (base,) = counts.results().slices
            root, old = np.sqrt(1.25), np.sqrt(0.89)
            mean = np.sqrt(2 / np.pi)
            truths = {
                "mae": (base.metrics["mae"], mean * root),
                "rmse": (base.metrics["rmse"], root),
                "bias": (base.metrics["bias"], 0),
                "change": (base.comparison.difference, mean * (root - old)),
                "of rmse": (base.comparison.differences["rmse"], root - old),
                "of r2": (base.comparison.differences["r2"], 0.89 - 1.25),
            }
            held[clustered].append(
                [m.low <= truth <= m.high for m, truth in truths.values()]
            )
    shares = {key: np.mean(one, axis=0) for key, one in held.items()}
    assert np.all(shares[True] > 0.88)
    assert np.all(shares[False][:3] < 0.7)
    assert np.all(shares[False] < shares[True])


def test_clusters_are_named_by_numbers_texts_or_bytes():
    names = [f"user {i}" for i in range(5_000)]
    of_texts, of_bytes, of_objects = (
        check_clusters(x, 5_000, clustered=True)
        for x in (
            names,
            [name.encode() for name in names],
            np.array(names, dtype=object),
        )
    )
    np.testing.assert_array_equal(of_texts, of_bytes)
    np.testing.assert_array_equal(of_texts, of_objects)
    assert np.bincount(of_texts, minlength=64).min() > 40
    # A hash of its own for each process would not merge on Beam.
    assert of_texts[:4].tolist() == [30, 10, 15, 24]
    message = "must be integers, texts or bytes. Received: NoneType"
    with pytest.raises(TypeError, match=message):
        check_clusters(np.array([None, "a"]), 2, clustered=True)
