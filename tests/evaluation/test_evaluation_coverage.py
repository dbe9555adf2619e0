"""Intervals hold the truth about 95 times in 100.

The large simulation, of all metrics and sizes, is
`experiments/interval_coverage.py`.
"""

import numpy as np
import pytest
from scipy import stats

from slice_tf.confidence import wilson
from slice_tf.evaluation import intervals
from slice_tf.evaluation.binary import PSEUDO_COUNTS, f1, matthews
from slice_tf.evaluation.calibration import calibration_metrics
from slice_tf.evaluation.pairs import changes_of_cells


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.98])
@pytest.mark.parametrize("size", [10, 30, 100, 1_000])
def test_wilson_holds_a_rate(rate, size):
    """Exact: summed over all numbers of successes, none drawn."""
    k = np.arange(size + 1)
    low, high = wilson(k, size)
    held = (low <= rate) & (rate <= high)
    coverage = stats.binom(size, rate).pmf(k) @ held
    assert 0.929 < coverage < 0.985  # 0.9298 is the least


@pytest.mark.parametrize("share", [0.02, 0.2])
@pytest.mark.parametrize("size", [10, 30, 100, 1_000])
def test_a_paired_difference_is_held(share, size):
    rng = np.random.default_rng(size)
    shares = [0.1, 0.6 * share, 0.4 * share, 0.9 - share]
    cells = rng.multinomial(size, shares, 2_000).reshape(-1, 2, 2)
    low, high = intervals.difference_of_rates(cells)
    held = (low <= 0.2 * share) & (0.2 * share <= high)
    assert held.mean() > 0.935


@pytest.mark.parametrize("metric", [f1, matthews])
@pytest.mark.parametrize("size", [30, 100, 1_000])
def test_metrics_of_cells_are_held(metric, size):
    rng = np.random.default_rng(size)
    shares = np.array([[0.85, 0.02], [0.03, 0.10]])
    cells = rng.multinomial(size, shares.ravel(), 1_000).reshape(-1, 2, 2)
    draws = intervals.gamma_draws(cells, PSEUDO_COUNTS, 500)
    low, high = intervals.quantiles(metric(draws))
    truth = metric(shares)
    assert 0.92 < ((low <= truth) & (truth <= high)).mean() < 0.985


@pytest.mark.parametrize("size", [60, 300])
def test_paired_differences_of_metrics_of_cells_are_held(size):
    """Without half a pair for each flip, recall holds 0.72 of 60."""
    rng = np.random.default_rng(size)
    shares = np.tile([[0.05, 0.0], [0.02, 0.43]], (2, 1, 1))
    cells = rng.multinomial(size, shares.ravel(), 500).reshape(-1, 2, 2, 2)
    found = changes_of_cells(cells, floor=20)
    truths = changes_of_cells(10_000 * shares[None], floor=20)
    assert set(found) == {"precision", "recall", "f1", "mcc"}
    for name, metrics in found.items():
        truth = truths[name][0].value
        held = [one.low <= truth <= one.high for one in metrics]
        assert np.mean(held) > 0.92


@pytest.mark.parametrize("size", [30, 100, 1_000])
def test_mean_changes_of_losses_are_held(size):
    """A rise of 1.0 in 30, else of 0.01 up or down: normal holds 0.64."""
    rng = np.random.default_rng(size)
    changes = rng.choice([-0.01, 0.01], (4_000, size))
    changes[rng.random((4_000, size)) < 1 / 30] = 1.0
    low, high = intervals.signed_mean(
        changes.mean(axis=1), (changes**2).mean(axis=1), size, 0.01, 0.99
    )
    held = (low <= 1 / 30) & (high >= 1 / 30)
    assert held.mean() > 0.925


@pytest.mark.parametrize("size", [10, 30, 100, 1_000])
def test_means_of_skewed_losses_are_held(size):
    """A loss of 1.0 in 30, else of 0.01: a normal interval holds 0.28."""
    rng = np.random.default_rng(size)
    losses = np.where(rng.random((4_000, size)) < 1 / 30, 1.0, 0.01)
    truth, square = 0.01 + 0.99 / 30, 1e-4 + (1 - 1e-4) / 30
    low, high = intervals.skewed_mean(
        losses.mean(axis=1), (losses**2).mean(axis=1), size, truth, square
    )
    assert 0.925 < ((low <= truth) & (truth <= high)).mean() < 0.99


def bias_of_one_score(score, events, size):
    scores = np.zeros((len(events), 2, 16))
    scores[:, :, 0] = np.stack([size - events, events], axis=1)
    metrics = calibration_metrics(scores, np.full(16, score))
    return metrics["calibration_bias"][1:3]


def test_bias_of_one_score_for_all_is_wilson_of_the_rate():
    events = np.arange(31)
    found = bias_of_one_score(0.1, events, 30)
    low, high = wilson(events, np.full(31, 30))
    np.testing.assert_allclose(found[0], 0.1 - high, atol=1e-12)
    np.testing.assert_allclose(found[1], 0.1 - low, atol=1e-12)


@pytest.mark.parametrize("promised", [0.03, 0.1])
@pytest.mark.parametrize("size", [30, 100, 1_000])
def test_bias_is_held_where_events_are_rare_and_scores_too_sure(promised, size):
    """The event has a rate of 0.1; the normal interval of 30 holds 0.80."""
    rng = np.random.default_rng(size)
    events = rng.binomial(size, 0.1, 4_000)
    low, high = bias_of_one_score(promised, events, size)
    held = (low <= promised - 0.1) & (promised - 0.1 <= high)
    assert 0.925 < held.mean() < 0.985
