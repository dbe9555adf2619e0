import numpy as np
import pytest
from scipy import stats

from slice_tf.confidence import wilson
from slice_tf.evaluation import intervals


def test_wilson_is_as_printed():
    """Newcombe 1998, table I: 81/263, 15/148, 0/20 and 1/29."""
    low, high = wilson([81, 15, 0, 1], [263, 148, 20, 29])
    np.testing.assert_allclose(low, [0.2553, 0.0624, 0, 0.0061], atol=5e-5)
    np.testing.assert_allclose(
        high, [0.3662, 0.1605, 0.1611, 0.1718], atol=5e-5
    )


def test_wilson_of_nothing_is_nothing():
    np.testing.assert_array_equal(wilson([0], [0]), [[np.nan]] * 2)


def test_normal_mean_is_the_textbook_one():
    values = np.array([1.0, 2.0, 4.0, 5.0])
    low, high = intervals.normal_mean(values.sum(), (values**2).sum(), 4)
    half = stats.norm.ppf(0.975) * stats.sem(values)
    assert (low, high) == pytest.approx((3 - half, 3 + half))


def test_difference_of_rates_follows_bonett_and_price():
    cells = np.array([[10, 7], [3, 80]])
    won, lost = 8 / 102, 4 / 102
    half = 1.959964 * np.sqrt((won + lost - (won - lost) ** 2) / 102)
    expected = (won - lost - half, won - lost + half)
    low, high = intervals.difference_of_rates(cells)
    assert (low, high) == pytest.approx(expected, abs=1e-7)


def test_difference_of_rates_stays_within_bounds():
    cells = np.array([[[0, 1], [0, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 0]]])
    low, high = intervals.difference_of_rates(cells)
    assert high[0] == 1
    assert low[1] == -1
    assert np.isnan(low[2])
    assert np.isnan(high[2])


@pytest.mark.parametrize(
    ("won", "lost"), [(0, 0), (1, 0), (7, 3), (12, 12), (300, 240), (0, 40)]
)
def test_mid_p_is_the_binomial_one(won, lost):
    total, fewer = won + lost, min(won, lost)
    law = stats.binom(total, 0.5)
    expected = 2 * law.cdf(fewer) - law.pmf(fewer)
    found = intervals.mcnemar_mid_p(won, lost)
    assert found == pytest.approx(expected, rel=1e-9)
    assert found == intervals.mcnemar_mid_p(lost, won)


def test_mid_p_of_very_many_goes_over_into_the_normal_one():
    exact = intervals.mcnemar_mid_p(50_300, 49_700)
    normal = intervals.mcnemar_mid_p(50_301, 49_700)
    assert normal == pytest.approx(exact, rel=0.01)


def test_student_t_is_that_of_scipy():
    degrees = np.array([1.0, 1.7, 2.0, 4.0, 9.3, 30.0, 1e3, 1e7])
    expected = stats.t.ppf(0.975, degrees)
    found = intervals.student_t(degrees)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_gamma_draws_have_the_moments_of_their_cells():
    draws = intervals.gamma_draws(np.array([[0, 4], [40, 400]]))
    assert draws.shape == (2_000, 2, 2)
    expected = np.array([[0.5, 4.5], [40.5, 400.5]])
    np.testing.assert_allclose(draws.mean(axis=0), expected, rtol=0.06)
    np.testing.assert_allclose(draws.var(axis=0), expected, rtol=0.15)


def test_same_cells_give_the_same_draws():
    one, other = (intervals.gamma_draws(np.arange(4)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
