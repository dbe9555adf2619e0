"""Paired differences of losses and areas; weights and clusters of pairs."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from slice_tf.evaluation import Evaluator, evaluate, gate, to_probabilities
from slice_tf.evaluation.scores import (
    NUM_BINS,
    bins_of_logits,
    difference_of_areas,
)
from slice_tf.schema import Slice, SliceSchema

NUM_ROWS = 2_000
SCHEMA = SliceSchema((Slice("night"), Slice("rain")))


def pairs(num_rows=NUM_ROWS, noise=0.5, seed=0):
    """Labels, a model's log-odds, those of a noisier one, membership."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, num_rows)
    logits = rng.normal(size=num_rows) + 2 * labels - 1
    other = logits + noise * rng.normal(size=num_rows)
    membership = rng.random((num_rows, 2)) < [0.5, 0.1]
    return labels, logits[:, None], other[:, None], membership


def counted(labels, before, after, membership, num_classes=2, **more):
    given = {name: value is not None for name, value in more.items()}
    evaluator = Evaluator(
        SCHEMA,
        num_classes,
        weighted=given.get("weights", False),
        clustered=given.get("clusters", False),
    )
    evaluator.add(
        labels,
        to_probabilities(after, num_classes),
        membership,
        baseline_probabilities=to_probabilities(before, num_classes),
        **more,
    )
    return evaluator


def changes(evaluator):
    slices = evaluator.results().slices
    return [
        {"accuracy": one.comparison.difference, **one.comparison.differences}
        for one in slices
    ]


def test_differences_are_those_of_scikit_learn():
    labels, before, after, membership = pairs()
    found = changes(counted(labels, before, after, membership))
    everyone = np.ones((NUM_ROWS, 1), bool)
    columns = np.concatenate([membership, everyone], axis=1).T
    for one, rows in zip(found, columns, strict=True):
        assert set(one) == {
            *("accuracy", "precision", "recall", "f1", "mcc"),
            *("auc", "log_loss", "brier"),
        }
        for name, score, atol in (
            ("auc", sklearn_metrics.roc_auc_score, 2e-4),
            ("log_loss", sklearn_metrics.log_loss, 1e-6),
            ("brier", sklearn_metrics.brier_score_loss, 1e-6),
        ):
            old, new = (
                score(labels[rows], to_probabilities(x, 2)[rows, 1])
                for x in (before, after)
            )
            assert one[name].value == pytest.approx(new - old, abs=atol)
            assert one[name].low < new - old < one[name].high


def test_losses_of_several_classes_are_compared_too():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, NUM_ROWS)
    before, after = rng.normal(size=(2, NUM_ROWS, 3))
    membership = np.ones((NUM_ROWS, 2))
    one = changes(counted(labels, before, after, membership, 3))[-1]
    assert set(one) == {"accuracy", "log_loss", "brier"}
    old, new = (
        sklearn_metrics.log_loss(labels, to_probabilities(x, 3))
        for x in (before, after)
    )
    assert one["log_loss"].value == pytest.approx(new - old, abs=1e-6)


def test_areas_differ_by_delong():
    """Written from the paper, on scores that stand for a wide bin each."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    scores = rng.integers(0, 6, (2, 200)) + 2 * labels
    logits = np.linspace(-4, 4, 8)[scores]
    fine = np.zeros((2, 2, NUM_BINS))
    for cells, x in zip(fine, logits, strict=True):
        np.add.at(cells, (labels, bins_of_logits(x)), 1)
    joint = np.zeros((2, 32, 32))
    wide = bins_of_logits(logits) // (NUM_BINS // 32)
    np.add.at(joint, (labels, *wide), 1)
    placements = [
        (x[labels == 1][:, None] > x[labels == 0])
        + (x[labels == 1][:, None] == x[labels == 0]) / 2
        for x in scores
    ]
    gains = placements[1] - placements[0]
    n1, n0 = gains.shape
    variance = gains.mean(axis=1).var(ddof=1) / n1
    variance += gains.mean(axis=0).var(ddof=1) / n0
    center = np.mean(placements)
    pseudo = center * (1 - center) / (min(n0, n1) + 1) ** 2
    half = 1.959964 * np.sqrt(variance + pseudo)
    value, low, high = difference_of_areas(joint, *fine)
    assert value == pytest.approx(gains.mean(), abs=1e-12)
    assert (low, high) == pytest.approx((value - half, value + half), abs=1e-7)


def test_a_model_compared_with_itself_differs_by_nothing_but_not_surely():
    labels, before, _, membership = pairs()
    for one in changes(counted(labels, before, before, membership)):
        for name in ("accuracy", "auc", "f1"):
            metric = one[name]
            assert metric.low < metric.value == 0 < metric.high
        assert one["log_loss"].value == one["brier"].value == 0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("clustered", [False, True])
def test_parts_merge_to_the_same_to_the_last_bit(weighted, clustered):
    labels, before, after, membership = pairs(300)
    rng = np.random.default_rng(1)
    extra = {
        **({"weights": rng.random(300)} if weighted else {}),
        **({"clusters": rng.integers(0, 40, 300)} if clustered else {}),
    }
    whole = counted(labels, before, after, membership, **extra)
    merged = Evaluator(SCHEMA, 2, weighted=weighted, clustered=clustered)
    for rows in np.array_split(rng.permutation(300), 4):
        part = [column[rows] for column in (labels, before, after, membership)]
        more = {name: column[rows] for name, column in extra.items()}
        merged.merge(counted(*part, **more))
    assert merged.results() == whole.results()


@pytest.mark.parametrize("clustered", [False, True])
def test_equal_weights_change_nothing(clustered):
    data = pairs()
    more = {"clusters": np.arange(NUM_ROWS) // 20} if clustered else {}
    plain = changes(counted(*data, **more))
    weights = np.full(NUM_ROWS, 0.5)
    weighted = changes(counted(*data, weights=weights, **more))
    for one, other in zip(plain, weighted, strict=True):
        for name, metric in one.items():
            assert other[name].n == metric.n
            assert other[name].low == pytest.approx(metric.low, abs=1e-4)
            assert other[name].high == pytest.approx(metric.high, abs=1e-4)


def test_weights_shift_the_difference_to_what_they_favour():
    labels, before, after, membership = pairs()
    right = [(x[:, 0] > 0) == labels for x in (before, after)]
    weights = np.where(right[0] & ~right[1], 3.0, 1.0)
    gains = right[1].astype(float) - right[0]
    one = changes(counted(labels, before, after, membership, weights=weights))
    expected = np.average(gains, weights=weights)
    assert one[-1]["accuracy"].value == pytest.approx(expected)
    kish = weights.sum() ** 2 / (weights**2).sum()
    assert one[-1]["accuracy"].n == int(kish)


def test_copies_of_an_example_in_a_cluster_are_worth_one():
    """Ten copies of each example look ten times as sure, and are not."""
    data = pairs(600)
    copies = [np.repeat(column, 10, axis=0) for column in data]
    clusters = np.repeat(np.arange(600), 10)
    once = changes(counted(*data))
    fooled = changes(counted(*copies))
    told = changes(counted(*copies, clusters=clusters))
    for name in ("accuracy", "log_loss", "brier", "auc"):
        widths = [
            one[-1][name].high - one[-1][name].low
            for one in (once, fooled, told)
        ]
        assert widths[1] < 0.4 * widths[0]
        assert 0.7 * widths[0] < widths[2] < 1.4 * widths[0]


def test_intervals_of_areas_hold_where_examples_hang_together():
    """Two models that are equally good, and err alike within a cluster."""
    rng = np.random.default_rng(0)
    held = {True: [], False: []}
    for _ in range(60):
        clusters = np.repeat(np.arange(120), 10)
        labels = rng.integers(0, 2, len(clusters))
        shift = rng.normal(size=(2, 120, 2))[:, clusters, labels]
        logits = 2 * labels - 1 + shift + 0.5 * rng.normal(size=shift.shape)
        before, after = (x[:, None] for x in logits)
        nobody = np.zeros((len(labels), 2), bool)
        data = labels, before, after, nobody
        for told in held:
            more = {"clusters": clusters} if told else {}
            area = changes(counted(*data, **more))[-1]["auc"]
            held[told].append(area.low <= 0 <= area.high)
    assert np.mean(held[True]) >= 0.88
    assert np.mean(held[False]) < 0.75


@pytest.mark.parametrize("metric", ["auc", "log_loss", "brier"])
def test_a_gate_takes_areas_and_losses(metric):
    labels, before, _, membership = pairs()
    after = np.where(membership[:, :1], 0.2 * before - 0.5, before)
    schema = SliceSchema((Slice("night"), Slice("day")))
    membership = np.concatenate([membership[:, :1], ~membership[:, :1]], axis=1)
    if metric == "auc":  # a change of scale would not show
        noise = np.random.default_rng(1).normal(size=before.shape)
        after = np.where(membership[:, :1], before + 3 * noise, before)
    old, new = (to_probabilities(x, 2) for x in (before, after))
    baseline = evaluate(labels, old, membership, schema)
    candidate = evaluate(
        labels, new, membership, schema, baseline_probabilities=old
    )
    night, day, _ = gate(baseline, candidate, metric=metric).slices
    word = "drop" if metric == "auc" else "rise"
    assert (night.verdict, day.verdict) == ("FAIL", "PASS")
    assert f"a {word} of " in night.reason
    wide = gate(baseline, candidate, metric=metric, margin=0.9)
    assert wide.verdict == "PASS"


def test_a_critical_slice_must_exclude_a_rise_of_its_loss():
    schema = SliceSchema((Slice("night", critical=True, margin=0.02),))
    labels, before, after, membership = pairs(noise=0.2)
    old, new = (to_probabilities(x, 2) for x in (before, after))
    few = membership[:, 1:] & (np.arange(NUM_ROWS)[:, None] < 500)
    for members, verdict in ((membership[:, :1], "PASS"), (few, None)):
        baseline = evaluate(labels, old, members, schema)
        candidate = evaluate(
            labels, new, members, schema, baseline_probabilities=old
        )
        night = gate(baseline, candidate, metric="log_loss").slices[0]
        assert night.verdict == (verdict or "NOT_ENOUGH_DATA")
