"""Accuracy without labels: what is estimated, and what cannot be told."""

import dataclasses
import math

import numpy as np
import pytest

from slice_tf.evaluation import Evaluator
from slice_tf.monitoring import (
    AccuracyEstimate,
    TrafficCounts,
    accuracy_table,
    estimate_accuracy,
    latest_accuracy,
)
from slice_tf.schema import SliceSchema

NAMES = ["night", "rain"]
SCHEMA = SliceSchema.from_names(NAMES)


def draw(seed, *, classes=3, sure=0.8, size=4000, rain=0.2):
    """Returns labels, calibrated probabilities and membership.

    In rain, the model is less sure.
    """
    random = np.random.default_rng(seed)
    membership = (random.random((size, 2)) < (0.3, rain)).astype(np.uint8)
    level = np.clip(sure - 0.2 * membership[:, 1], 1 / classes, 1)
    top = np.clip(level + random.uniform(-0.1, 0.1, size), 0.5, 0.99)
    p = np.repeat((1 - top[:, None]) / (classes - 1), classes, axis=1)
    predicted = random.integers(0, classes, size)
    p[np.arange(size), predicted] = top
    right = random.random(size) < top
    labels = np.where(right, predicted, (predicted + 1) % classes)
    return labels, p, membership


def evaluated(labels, p, membership, sharp=6.0):
    evaluator = Evaluator(SCHEMA, p.shape[1])
    logits = sharp * (2.0 * membership - 1)
    logits += np.random.default_rng(0).normal(size=logits.shape)
    evaluator.add(labels, p, membership, indicator_logits=logits)
    return evaluator.results()


def counted(p, membership):
    counts = TrafficCounts(NAMES, "probabilities", p.shape[1])
    counts.add(membership.astype(float), p, [1] * len(p))
    return counts


@pytest.mark.parametrize("classes", [2, 3])
def test_accuracy_moves_with_confidence(classes):
    labels, p, membership = draw(1, classes=classes)
    _, now, members = draw(2, classes=classes, sure=0.9)
    results = evaluated(labels, p, membership)
    found = estimate_accuracy(counted(now, members), results)
    everyone = [
        np.concatenate([one, np.ones((len(one), 1))], axis=1).astype(bool)
        for one in (membership, members)
    ]
    for one, before, after in zip(found, *(m.T for m in everyone), strict=True):
        right = (p.argmax(axis=1) == labels)[before].mean()
        change = now.max(axis=1)[after].mean() - p.max(axis=1)[before].mean()
        assert one.unknown == ""
        assert one.labelled == pytest.approx(right)
        assert one.value == pytest.approx(right + change, abs=1e-3)
        assert one.low < one.value < one.high
    assert [one.name for one in found] == ["night", "rain", "base"]
    assert found[1].value < found[0].value - 0.1


def test_the_interval_holds_the_accuracy_of_other_traffic():
    held = []
    for seed in range(40):
        labels, p, membership = draw(seed, size=1000)
        truth, now, members = draw(seed + 100, sure=0.7, rain=0.6, size=50_000)
        results = evaluated(labels, p, membership)
        one = estimate_accuracy(counted(now, members), results)[1]
        accuracy = (now.argmax(axis=1) == truth)[members[:, 1] > 0].mean()
        if not one.unknown:
            held.append(one.low <= accuracy <= one.high)
    assert len(held) > 30
    assert np.mean(held) > 0.94


def test_what_cannot_be_told_says_why():
    labels, p, membership = draw(1)
    membership[:, 0] = np.arange(len(membership)) < 20
    results = evaluated(labels, p, membership)
    _, now, members = draw(2)
    assert [
        one.unknown for one in estimate_accuracy(counted(now, members), results)
    ] == ["too few labelled", "", ""]
    few = counted(now[:29], members[:29])
    found = estimate_accuracy(few, results)
    assert [one.unknown for one in found] == ["too little traffic"] * 3
    assert all(math.isnan(one.value) for one in found)
    members[:] = 0
    found = estimate_accuracy(counted(now, members), results)
    assert found[1].unknown == "too little traffic"


def test_a_model_that_is_not_calibrated_tells_nothing():
    labels, p, membership = draw(1)
    wrong = membership[:, 1] * (np.random.default_rng(0).random(len(p)) < 0.3)
    labels = np.where(wrong, (p.argmax(axis=1) + 1) % 3, labels)
    found = estimate_accuracy(
        counted(p, membership), evaluated(labels, p, membership)
    )
    assert [one.unknown for one in found] == ["", "not calibrated", ""]
    assert found[1].labelled < 0.5


def test_an_indicator_that_mixes_up_slices_tells_nothing():
    labels, p, membership = draw(1)
    results = evaluated(labels, p, membership, sharp=0.5)
    found = estimate_accuracy(counted(p, membership), results)
    assert [one.unknown for one in found] == [
        "indicator unsure",
        "indicator unsure",
        "",
    ]


def test_the_last_window_that_tells_is_the_latest():
    told = AccuracyEstimate("base", 0.5, 0.4, 0.6, 0.7)
    nan = math.nan
    silent = AccuracyEstimate("base", nan, nan, nan, 0.7, "too little traffic")
    assert latest_accuracy({"b": [silent], "a": [told]}) == [told]
    assert latest_accuracy({"a": [silent]}) == [silent]
    assert latest_accuracy({}) == []
    assert accuracy_table([told, silent]) == (
        ["slice", "estimated accuracy, % [95 %]", "labelled, %"],
        [
            ["base", "50.0 [40.0, 60.0]", "70.0"],
            ["base", "cannot be told: too little traffic", "70.0"],
        ],
    )


def test_what_does_not_belong_together_is_refused():
    labels, p, membership = draw(1)
    results = evaluated(labels, p, membership)
    other = TrafficCounts(["night", "fog"], "probabilities", 3)
    with pytest.raises(ValueError, match=r"slices and classes=.*'fog'"):
        estimate_accuracy(other, results)
    with pytest.raises(ValueError, match="output=predictions"):
        estimate_accuracy(TrafficCounts(NAMES, "predictions"), results)
    data = dataclasses.replace(results.data, label="label[2]")
    with pytest.raises(ValueError, match=r"label='label\[2\]'"):
        estimate_accuracy(
            counted(p, membership), dataclasses.replace(results, data=data)
        )
