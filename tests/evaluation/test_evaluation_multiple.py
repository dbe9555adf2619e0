import numpy as np
import pytest
from scipy import stats

from slice_tf.evaluation.multiple import benjamini_hochberg, holm


def test_benjamini_hochberg_is_that_of_scipy():
    p = np.random.default_rng(0).random(200) ** 3
    expected = stats.false_discovery_control(p)
    np.testing.assert_allclose(benjamini_hochberg(p), expected)


def test_holm_multiplies_by_how_many_are_left():
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("adjust", [benjamini_hochberg, holm])
def test_equal_and_large_values_stay_probabilities(adjust):
    np.testing.assert_array_equal(adjust([1.0, 1.0, 0.9]), [1.0, 1.0, 1.0])
    assert adjust([0.02]) == [0.02]


def test_false_alarms_come_as_rarely_as_promised():
    """Of 300 true nulls, q = 0.1 must alarm in about a tenth of the runs."""
    rng = np.random.default_rng(0)
    runs = [(benjamini_hochberg(rng.random(300)) <= 0.1) for _ in range(500)]
    assert 0.06 < np.mean([run.any() for run in runs]) < 0.14
