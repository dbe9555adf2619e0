import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from slice_tf.evaluation import (
    IndicatorCounts,
    SliceCounts,
    intervals,
    slice_metrics,
    to_probabilities,
)

NUM_ROWS = 3_000
SIGNED = ("mcc", "lift", "calibration_bias")


def predictions(num_classes, seed=0):
    """Labels, probabilities that know something of them, membership."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, num_classes, NUM_ROWS)
    logits = rng.normal(size=(NUM_ROWS, num_classes))
    logits[np.arange(NUM_ROWS), labels] += 1.5
    shares = [0.5, 0.1, 0.02]
    membership = (rng.random((NUM_ROWS, 3)) < shares).astype(np.uint8)
    exponents = np.exp(logits)
    probabilities = exponents / exponents.sum(axis=1, keepdims=True)
    return labels, probabilities, membership


def metrics_of(labels, probabilities, membership):
    counts = SliceCounts(membership.shape[1], probabilities.shape[1])
    counts.add(labels, probabilities, membership)
    return slice_metrics(counts)


def members_of(membership):
    return [*membership.T.astype(bool), np.ones(len(membership), bool)]


@pytest.mark.parametrize("num_classes", [2, 4, 60])
def test_values_are_those_of_scikit_learn(num_classes):
    labels, probabilities, membership = predictions(num_classes)
    found = metrics_of(labels, probabilities, membership)
    average = "binary" if num_classes == 2 else "macro"
    for metrics, rows in zip(found, members_of(membership), strict=True):
        truth, scores = labels[rows], probabilities[rows]
        guess = scores.argmax(axis=1)
        precision, recall, f1, _ = (
            sklearn_metrics.precision_recall_fscore_support(
                truth, guess, average=average, zero_division=0
            )
        )
        expected = {
            "accuracy": sklearn_metrics.accuracy_score(truth, guess),
            "mcc": sklearn_metrics.matthews_corrcoef(truth, guess),
            "brier": sklearn_metrics.brier_score_loss(
                truth,
                scores[:, 1] if num_classes == 2 else scores,
                labels=range(num_classes),
            ),
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "log_loss": sklearn_metrics.log_loss(
                truth, scores, labels=range(num_classes)
            ),
        }
        if num_classes == 2:
            (passed, false), (missed, hits) = sklearn_metrics.confusion_matrix(
                truth, guess
            )
            expected["false_positive_rate"] = false / (false + passed)
            expected["false_negative_rate"] = missed / (missed + hits)
        values = {name: metrics[name].value for name in expected}
        assert values == pytest.approx(expected, abs=1e-6)


def test_areas_under_curves_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 100_000)
    logits = (rng.normal(size=100_000) + labels)[:, None]
    membership = (rng.random((100_000, 1)) < 0.5).astype(np.uint8)
    found = metrics_of(labels, to_probabilities(logits, 2), membership)
    for metrics, rows in zip(found, members_of(membership), strict=True):
        truth, scores = labels[rows], logits[rows, 0]
        assert metrics["auc"].value == pytest.approx(
            sklearn_metrics.roc_auc_score(truth, scores), abs=1e-5
        )
        assert metrics["auc_pr"].value == pytest.approx(
            sklearn_metrics.average_precision_score(truth, scores), abs=2e-5
        )


def test_tied_scores_count_half():
    probabilities = to_probabilities(np.array([[0], [0], [1], [1]]), 2)
    (base,) = metrics_of([0, 1, 0, 1], probabilities, np.zeros((4, 0)))
    assert base["auc"].value == 0.5


def test_a_score_of_one_half_counts_as_it_is_predicted():
    """NumPy takes the first of equal probabilities, which is class 0."""
    (base,) = metrics_of([1, 0], np.full((2, 2), 0.5), np.zeros((2, 0)))
    assert (base["accuracy"].value, base["recall"].value) == (0.5, 0.0)


def test_lift_is_accuracy_inside_minus_outside():
    labels = np.zeros(100, int)
    guesses = np.arange(100) % 10 == 0
    membership = (np.arange(100) % 20 == 0)[:, None]
    inside, base = metrics_of(labels, np.eye(2)[guesses * 1], membership)
    assert inside["lift"].value == pytest.approx(0.0 - 90 / 95)
    assert inside["lift"].n == 5
    assert base["lift"].status == "empty"


def test_calibration_of_honest_and_of_boastful_probabilities():
    rng = np.random.default_rng(0)
    honest = rng.random(50_000)
    labels = (rng.random(50_000) < honest).astype(int)
    nobody = np.zeros((50_000, 0))
    boastful = honest**2 / (honest**2 + (1 - honest) ** 2)
    for scores, error in ((honest, 0.0), (boastful, 0.1)):
        (base,) = metrics_of(labels, np.stack([1 - scores, scores], 1), nobody)
        metric = base["calibration_error"]
        assert metric.value == pytest.approx(error, abs=0.01)
        assert (metric.low == 0) == (error == 0)
        bias = base["calibration_bias"]
        assert bias.value == pytest.approx((scores - labels).mean(), abs=1e-4)
        assert bias.low < bias.value < bias.high


def test_bias_of_one_score_is_exact():
    labels = np.arange(100) < 60
    probabilities = np.tile([0.3, 0.7], (100, 1))
    (base,) = metrics_of(labels, probabilities, np.zeros((100, 0)))
    assert base["calibration_bias"].value == pytest.approx(0.1, abs=1e-6)


def test_metrics_of_your_own_come_from_the_cells():
    labels, probabilities, membership = predictions(2)
    counts = SliceCounts(3, 2)
    counts.add(labels, probabilities, membership)

    def f1_again(cells):
        hits, false = cells[..., 1, 1], cells[..., 0, 1]
        return 2 * hits / (2 * hits + false + cells[..., 1, 0])

    for metrics in slice_metrics(counts, custom={"f1_again": f1_again}):
        ours, builtin = metrics["f1_again"], metrics["f1"]
        assert ours.value == builtin.value
        assert ours.low == pytest.approx(builtin.low, abs=0.01)
    with pytest.raises(ValueError, match=r"name of its own.*name='f1'"):
        slice_metrics(counts, custom={"f1": f1_again})


def test_weights_leave_as_many_examples_as_they_are_worth():
    labels = np.arange(400) % 2
    weights = np.where(np.arange(400) < 200, 3.0, 1.0)
    counts = SliceCounts(0, 2, weighted=True)
    guesses = np.where(np.arange(400) < 100, 1 - labels, labels)
    counts.add(labels, np.eye(2)[guesses], np.zeros((400, 0)), weights=weights)
    (base,) = slice_metrics(counts)
    assert base["accuracy"].value == pytest.approx(500 / 800)
    assert base["accuracy"].n == 320  # 800 ** 2 / 2000


def test_examples_that_hang_together_say_less():
    """300 clusters of 10 that are right or wrong as one."""
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(300), 10)
    right = np.repeat(rng.random(300) < 0.8, 10)
    labels = rng.integers(0, 2, 3_000)
    guesses = np.where(right, labels, 1 - labels)
    sizes = []
    for ids in (clusters, rng.permutation(clusters)):
        counts = SliceCounts(0, 2, clustered=True)
        nobody = np.zeros((3_000, 0))
        counts.add(labels, np.eye(2)[guesses], nobody, clusters=ids)
        (base,) = slice_metrics(counts)
        sizes.append(base["accuracy"].n)
        assert base["accuracy"].value == pytest.approx(right.mean())
    assert 180 < sizes[0] < 450
    assert 2_000 < sizes[1] <= 3_000


def test_area_under_the_curve_tells_scores_that_are_almost_certain():
    logits = np.array([7.0, 8.0, 9.0, 10.0])
    probabilities = to_probabilities(logits[:, None], 2)
    (base,) = metrics_of([0, 1, 0, 1], probabilities, np.zeros((4, 0)))
    assert base["auc"].value == 0.75


def test_intervals_hold_their_value_and_stay_within_bounds():
    for num_classes in (2, 4):
        for metrics in metrics_of(*predictions(num_classes)):
            for name, metric in metrics.items():
                if metric.status == "empty":  # nobody is outside the base
                    assert name == "lift"
                    continue
                least = -1 if name in SIGNED else 0
                assert least <= metric.low <= metric.value <= metric.high
                assert metric.high <= 1 or name in ("log_loss", "brier")


def test_denominators_are_stated():
    labels = np.array([0, 0, 0, 1, 1, 1, 1])
    guesses = np.array([0, 1, 1, 1, 1, 0, 0])
    (base,) = metrics_of(labels, np.eye(2)[guesses], np.zeros((7, 0)))
    assert {name: metric.n for name, metric in base.items()} == {
        "accuracy": 7,
        "precision": 4,
        "recall": 4,
        "f1": 6,
        "mcc": 7,
        "false_positive_rate": 3,
        "false_negative_rate": 4,
        "auc": 3,
        "auc_pr": 4,
        "log_loss": 7,
        "brier": 7,
        "calibration_bias": 7,
        "calibration_error": 7,
        "lift": 0,
    }
    assert {metric.status for metric in base.values()} == {"too few", "empty"}


def test_floor_is_the_least_denominator_that_will_do():
    counts = SliceCounts(0, 2)
    counts.add(np.ones(4, int), np.full((4, 2), 0.5), np.zeros((4, 0)))
    for floor, status in ((4, "ok"), (5, "too few")):
        (base,) = slice_metrics(counts, floor)
        assert base["accuracy"].status == status


@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_slice_without_members_is_empty(num_classes):
    probabilities = np.full((1, num_classes), 1 / num_classes)
    empty, _ = metrics_of(np.array([1]), probabilities, np.zeros((1, 1)))
    for metric in empty.values():
        assert (metric.value, metric.low, metric.high) == (None, None, None)
        assert (metric.n, metric.status) == (0, "empty")


def test_a_slice_of_one_class_has_what_can_be_said_of_it():
    probabilities = np.tile([0.9, 0.1], (40, 1))
    (base,) = metrics_of(np.zeros(40, int), probabilities, np.zeros((40, 0)))
    statuses = {name: metric.status for name, metric in base.items()}
    assert statuses == {
        "accuracy": "ok",
        "precision": "empty",
        "recall": "empty",
        "f1": "empty",
        "mcc": "ok",
        "lift": "empty",
        "false_positive_rate": "ok",
        "false_negative_rate": "empty",
        "auc": "empty",
        "auc_pr": "empty",
        "log_loss": "ok",
        "brier": "ok",
        "calibration_bias": "ok",
        "calibration_error": "ok",
    }


def test_all_right_is_not_certain():
    for num_classes in (2, 5):
        labels = np.arange(50) % num_classes
        probabilities = np.eye(num_classes)[labels]
        (base,) = metrics_of(labels, probabilities, np.zeros((50, 0)))
        for name in ("accuracy", "precision", "recall", "f1", "mcc"):
            assert base[name].value == base[name].high == 1.0
            assert 0.75 < base[name].low < 0.99


def test_one_example_has_a_loss_but_no_interval_of_it():
    (base,) = metrics_of([0], np.array([[0.5, 0.5]]), np.zeros((1, 0)))
    assert base["log_loss"].value == pytest.approx(np.log(2), abs=1e-6)
    assert (base["log_loss"].low, base["log_loss"].status) == (None, "too few")


def test_a_certain_mistake_has_a_finite_loss():
    (base,) = metrics_of([1], np.array([[1.0, 0.0]]), np.zeros((1, 0)))
    assert base["log_loss"].value == pytest.approx(52 * np.log(2), abs=1e-6)


def test_indicator_quality_is_the_area_under_its_curve():
    rng = np.random.default_rng(0)
    membership = rng.integers(0, 2, (2_000, 2))
    logits = rng.normal(size=(2_000, 2)) + [2.0, 0.0] * membership
    counts = IndicatorCounts(2)
    counts.add(logits[:500], membership[:500])
    counts.add(logits[500:], membership[500:])
    value, low, high, members = counts.area_under_curve()
    expected = [
        sklearn_metrics.roc_auc_score(membership[:, i], logits[:, i])
        for i in range(2)
    ]
    np.testing.assert_allclose(value, expected, atol=1e-3)
    np.testing.assert_array_equal(members, membership.sum(axis=0))
    assert ((low < value) & (value < high)).all()
    assert low[1] < 0.5 < high[1]


def test_logits_become_probabilities_without_overflow():
    np.testing.assert_allclose(
        to_probabilities([[0.0], [800.0], [np.log(3)]], 2),
        [[0.5, 0.5], [0.0, 1.0], [0.25, 0.75]],
    )
    np.testing.assert_allclose(
        to_probabilities([[-800.0, -800.0, -800.0 + np.log(2)]], 3),
        [[0.25, 0.25, 0.5]],
    )


def test_logits_must_fit_and_be_finite():
    with pytest.raises(ValueError, match=r"\(any, 1\).*shape=\(1, 2\)"):
        to_probabilities([[0.0, 1.0]], 2)
    with pytest.raises(ValueError, match=r"logits=\[nan\] at row 1"):
        to_probabilities([[0.0], [np.nan]], 2)


def test_few_sure_and_wrong_predictions_are_no_chance():
    """One example in most groups: each alone could be bad luck."""
    scores = np.linspace(0.5, 0.95, 10)
    probabilities = np.stack([scores, (1 - scores) / 2, (1 - scores) / 2], 1)
    counts = SliceCounts(0, 3)
    counts.add(np.ones(10, int), probabilities, np.zeros((10, 0)))
    found = slice_metrics(counts)[0]
    assert found["calibration_bias"].value == pytest.approx(scores.mean())
    assert found["calibration_bias"].low > 0
    assert 0.6 < found["calibration_error"].value < 0.75


@pytest.mark.parametrize("num_classes", [2, 4])
@pytest.mark.parametrize("scale", [0.1, 1.0, 20.0])
def test_intervals_of_losses_are_those_of_their_squares(num_classes, scale):
    """For two classes, squares come from the bins of scores."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, num_classes, NUM_ROWS)
    logits = scale * rng.normal(size=(NUM_ROWS, num_classes))
    if num_classes == 2:
        logits = logits[:, :1]
    probabilities = to_probabilities(logits, num_classes)
    likely = np.clip(
        probabilities[np.arange(NUM_ROWS), labels], np.finfo(float).eps, 1
    )
    errors = probabilities - np.eye(num_classes)[labels]
    squares = (errors**2).sum(axis=1)
    brier = squares / 2 if num_classes == 2 else squares
    metrics = metrics_of(labels, probabilities, np.ones((NUM_ROWS, 0)))[0]
    for name, losses in (("log_loss", -np.log(likely)), ("brier", brier)):
        mean, square = losses.mean(), (losses**2).mean()
        expected = intervals.skewed_mean(mean, square, NUM_ROWS, mean, square)
        found = metrics[name].low, metrics[name].high
        assert found == pytest.approx(expected, rel=2e-4)
