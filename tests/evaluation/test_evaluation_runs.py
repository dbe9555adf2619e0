import numpy as np
import pytest
from scipy import stats

from slice_tf.evaluation import compare_runs
from slice_tf.evaluation.intervals import difference_of_rates


def verdicts(num_runs, num_examples, seed=0, seed_effect=0.3):
    """Correctness of recipe a and of a better recipe b."""
    rng = np.random.default_rng(seed)
    ease = 1.2 + rng.normal(size=num_examples)
    parts = [
        ease + gain + seed_effect * rng.normal(size=(num_runs, 1))
        for gain in (0.0, 0.3)
    ]
    return [p + rng.normal(size=(num_runs, num_examples)) > 0 for p in parts]


def test_means_are_over_runs_and_members():
    a = [[1, 1, 0, 0], [1, 0, 0, 0]]
    b = [[1, 1, 1, 0], [1, 1, 1, 1]]
    membership = [[1, 0], [1, 0], [0, 0], [0, 0]]
    first, second, base = compare_runs(a, b, membership)
    assert (first.size, first.accuracy_a, first.accuracy_b) == (2, 0.75, 1.0)
    assert first.difference.value == 0.25
    assert (second.size, second.accuracy_a, second.accuracy_b) == (
        0,
        None,
        None,
    )
    assert second.difference.status == "empty"
    assert (base.size, base.accuracy_a, base.accuracy_b) == (4, 0.375, 0.875)
    assert {one.num_runs for one in (first, second, base)} == {2}


def test_interval_is_that_of_a_two_way_analysis_of_variance():
    """Written out cell by cell, with the pseudo-examples as columns."""
    runs, examples = 5, 60
    a, b = verdicts(runs, examples)
    pseudo = np.full((runs, 1), 1 / np.sqrt(runs))
    d = np.hstack([b.astype(float) - a, pseudo, -pseudo])
    n, mean = examples + 2, d.mean()
    by_run, by_example = d.mean(axis=1), d.mean(axis=0)
    runs_ms = n * by_run.var(ddof=1)
    examples_ms = runs * by_example.var(ddof=1)
    rest = d - by_run[:, None] - by_example + mean
    rest_ms = (rest**2).sum() / ((runs - 1) * (n - 1))
    assert runs_ms > rest_ms
    total = examples_ms + runs_ms - rest_ms
    spent = examples_ms**2 / (n - 1) + runs_ms**2 / (runs - 1)
    half = stats.t.ppf(0.975, total**2 / spent) * np.sqrt(total / (runs * n))
    (base,) = compare_runs(a, b, np.zeros((examples, 0)))
    found = (base.difference.low, base.difference.high)
    assert found == pytest.approx((mean - half, mean + half), rel=1e-4)


def test_one_run_is_the_paired_interval_of_its_examples():
    a, b = verdicts(1, 2_000)
    cells = np.zeros((2, 2), int)
    np.add.at(cells, (a[0].astype(int), b[0].astype(int)), 1)
    (base,) = compare_runs(a, b, np.zeros((2_000, 0)))
    found = (base.difference.low, base.difference.high)
    assert found == pytest.approx(
        tuple(map(float, difference_of_rates(cells))), abs=1e-4
    )


def test_no_difference_anywhere_is_not_certain():
    right = np.ones((5, 40), bool)
    (base,) = compare_runs(right, right, np.zeros((40, 0)))
    assert base.difference.value == 0
    assert base.difference.high == -base.difference.low
    assert 0.02 < base.difference.high < 0.1


def test_order_of_examples_and_of_paired_runs_does_not_matter():
    a, b = verdicts(4, 50)
    membership = np.random.default_rng(2).integers(0, 2, (50, 3))
    known = np.random.default_rng(3).integers(0, 2, (50, 3))
    rows = np.random.default_rng(4).permutation(50)
    runs = [2, 0, 3, 1]
    one = compare_runs(a, b, membership, known)
    other = compare_runs(
        a[runs][:, rows], b[runs][:, rows], membership[rows], known[rows]
    )
    for left, right in zip(one, other, strict=True):
        assert left.size == right.size
        assert left.difference.low == pytest.approx(right.difference.low)
        assert left.difference.high == pytest.approx(right.difference.high)


def test_swapping_the_recipes_mirrors_the_interval():
    a, b = verdicts(3, 80)
    (one,) = compare_runs(a, b, np.zeros((80, 0)))
    (other,) = compare_runs(b, a, np.zeros((80, 0)))
    assert one.difference.low == pytest.approx(-other.difference.high)


def test_interval_covers_other_examples_and_other_seeds():
    """About 95 of 100 studies must hold the truth; 0.90 leaves room."""
    total = np.sqrt(1 + 1 + 0.3**2)
    truth = stats.norm.cdf(1.5 / total) - stats.norm.cdf(1.2 / total)
    held = 0
    for seed in range(400):
        (base,) = compare_runs(*verdicts(5, 100, seed), np.zeros((100, 0)))
        held += base.difference.low <= truth <= base.difference.high
    assert held / 400 > 0.92


@pytest.mark.parametrize(
    ("a", "b", "membership", "message"),
    [
        ([[1, 0]], [[1]], [[1], [1]], r"`correct_b` must be of shape \(1, 2\)"),
        ([1, 0], [1, 0], [[1], [1]], r"`correct_a` must be of shape \(any"),
        ([[2, 0]], [[1, 0]], [[1], [1]], "`correct_a` must hold only 0 and 1"),
        ([[1, 0]], [[1, 0]], [[1]], r"`membership` must be of shape \(2, 1\)"),
        ([[1, 0]], [[1, 0]], [1, 0], r"`membership` must be of shape"),
        (
            np.zeros((0, 2)),
            np.zeros((0, 2)),
            [[1], [1]],
            "at least one training run",
        ),
    ],
)
def test_bad_verdicts_are_refused(a, b, membership, message):
    with pytest.raises(ValueError, match=message):
        compare_runs(a, b, membership)
