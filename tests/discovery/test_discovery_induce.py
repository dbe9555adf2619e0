import numpy as np
import pytest

from slice_tf.discovery import (
    induce_correlation,
    induce_noisy_labels,
    induce_rare,
    planted_score,
)

RNG = np.random.default_rng(3)
DIGITS = RNG.integers(0, 10, 4000)
LABELS = (DIGITS >= 5).astype(int)
ATTRIBUTE = RNG.random(4000) < 0.4


def test_a_rare_subclass_is_the_share_that_was_asked_for():
    made = induce_rare(LABELS, DIGITS == 7, 0.05, np.random.default_rng(0))
    mine = made.membership[:, 0]
    assert mine.sum() / (made.labels == 1).sum() == pytest.approx(
        0.05, abs=1e-3
    )
    np.testing.assert_array_equal(mine, DIGITS[made.rows] == 7)
    np.testing.assert_array_equal(made.labels, LABELS[made.rows])
    others = np.sort(made.rows[~mine])
    np.testing.assert_array_equal(others, np.flatnonzero(DIGITS != 7))


@pytest.mark.parametrize("correlation", [0.6, -0.4])
def test_label_and_attribute_correlate_and_keep_their_means(correlation):
    rng = np.random.default_rng(0)
    made = induce_correlation(LABELS, ATTRIBUTE, correlation, rng)
    tied = ATTRIBUTE[made.rows]
    found = np.corrcoef(made.labels, tied)[0, 1]
    assert found == pytest.approx(correlation, abs=0.01)
    assert made.labels.mean() == pytest.approx(LABELS.mean(), abs=0.01)
    assert tied.mean() == pytest.approx(ATTRIBUTE.mean(), abs=0.01)
    misled = tied if correlation > 0 else ~tied
    np.testing.assert_array_equal(
        made.membership.T,
        [(made.labels == 0) & misled, (made.labels == 1) & ~misled],
    )
    assert len(np.unique(made.rows)) == len(made.rows)


@pytest.mark.parametrize("labels", [LABELS, DIGITS])
def test_only_labels_of_members_are_changed_and_always_to_another(labels):
    rng = np.random.default_rng(0)
    made = induce_noisy_labels(labels, DIGITS == 7, 0.25, rng)
    changed = made.labels != labels[made.rows]
    assert changed.sum() == round(0.25 * (DIGITS == 7).sum())
    assert made.membership[changed, 0].all()
    assert set(np.unique(made.labels)) == set(np.unique(labels))


@pytest.mark.parametrize(
    ("induce", "given", "message"),
    [
        (induce_rare, (LABELS, DIGITS % 2 == 0, 0.1), "of one class"),
        (induce_rare, (LABELS, DIGITS == 7, 0.9), "at most what the members"),
        (induce_correlation, (DIGITS, ATTRIBUTE, 0.5), "labels 0 and 1"),
        (induce_correlation, (LABELS, ATTRIBUTE, 0.999), "rows allow"),
        (induce_noisy_labels, (LABELS, DIGITS == 7, 0.0), "share=0.0"),
        (induce_noisy_labels, (LABELS, DIGITS == 11, 0.5), "one member"),
    ],
)
def test_what_cannot_be_induced_is_refused(induce, given, message):
    with pytest.raises(ValueError, match=message):
        induce(*given, np.random.default_rng(0))


def test_precision_is_the_best_of_those_reported_but_first_is_the_first():
    membership = np.zeros((100, 2), bool)
    membership[:20, 0], membership[20:40, 1] = True, True
    scores = np.zeros((100, 2))
    scores[:5, 0] = scores[40:45, 0] = 1
    scores[20:30, 1] = 1
    told = planted_score(scores, membership)
    assert told.precision.tolist() == [0.5, 1.0]
    assert (told.success, told.first) == (0.5, 0.5)


def test_equal_scores_gain_nothing_from_the_order_of_rows():
    membership = (np.arange(1000) < 20)[:, None]
    told = planted_score(np.ones((1000, 1)), membership)
    assert told.precision[0] < 0.5


def test_nothing_reported_finds_nothing():
    told = planted_score(np.zeros((20, 0)), np.ones((20, 1), bool))
    assert (told.success, told.first) == (0.0, 0.0)


def test_there_must_be_k_rows():
    with pytest.raises(ValueError, match=r"k=10"):
        planted_score(np.zeros((3, 1)), np.ones((3, 1)))
