"""How accurate a model is in production, estimated without labels."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from slice_tf.confidence import Z
from slice_tf.evaluation import Results
from slice_tf.evaluation.results import SliceResult
from slice_tf.monitoring.estimates import (
    LEAST_MEMBERS,
    LEAST_REQUESTS,
    confidence_of,
)
from slice_tf.monitoring.traffic import PROBABILITIES, TrafficCounts

# Chosen on other seeds than those of experiments/accuracy_without_labels.py:
# beyond these, the estimate is no better than to say that nothing changed.
_LARGEST_BIAS = 0.05
_LEAST_AUC = 0.9


@dataclasses.dataclass(frozen=True)
class AccuracyEstimate:
    """Accuracy in a slice, as far as confidence tells it.

    Args:
        name: Of the slice, or `base` for all examples.
        value: The estimate, from 0 to 1; NaN where it cannot be told.
        low: Lower end of its 95 % interval.
        high: Upper end.
        labelled: Accuracy on labelled data; NaN where nothing was counted.
        unknown: Why it cannot be told; empty where it can.
    """

    name: str
    value: float
    low: float
    high: float
    labelled: float
    unknown: str = ""


def estimate_accuracy(
    counts: TrafficCounts, labelled: Results
) -> list[AccuracyEstimate]:
    """Estimates the accuracy of each slice in traffic, without labels.

    It is the accuracy on labelled data, plus the difference of mean
    confidence: a model that has become less sure is taken to have become
    wrong as much more often. That holds where traffic is other and the world
    is not: where it is *harder* than the model knows, the estimate is too
    good, and nothing in the traffic tells that.

    Nothing is estimated where, on labelled data, confidence is off from
    accuracy by more than five points, or the indicator tells members from
    others with an area under the ROC curve below 0.9. The interval holds what
    chance does to traffic and labelled data, and the error of calibration
    itself.

    Args:
        counts: Of the traffic, of class probabilities.
        labelled: Of the same model on labelled data.

    Returns:
        One for each slice, the base slice last.

    Raises:
        ValueError: If the two differ in slices or classes, or the model
            predicts numbers or several labels.

    Source:
        Difference of confidences: Guillory et al. 2021, "Predicting with
        confidence on unseen distributions". Measured against average
        confidence and thresholds (Garg et al. 2022, "Leveraging unlabeled
        data to predict out-of-distribution performance") and reweighted
        confusions (Lipton et al. 2018, "Detecting and correcting for label
        shift with black box predictors").
    """
    _check_alike(counts, labelled)
    confidence = confidence_of(counts)
    found = []
    for one, now, error, members in zip(
        labelled.slices,
        confidence.value.tolist(),
        confidence.error.tolist(),
        counts.members.tolist(),
        strict=True,
    ):
        few = members < LEAST_MEMBERS or counts.num_requests < LEAST_REQUESTS
        found.append(_estimate(one, now, error, few))
    return found


def latest_accuracy(
    by_window: Mapping[str, Sequence[AccuracyEstimate]],
) -> list[AccuracyEstimate]:
    """Returns of each slice the estimate of the last window that tells.

    Args:
        by_window: What `estimate_accuracy` gave, by window.
    """
    rows = [by_window[start] for start in sorted(by_window)]
    return [
        ([one for one in of_slice if not one.unknown] or of_slice)[-1]
        for of_slice in zip(*rows, strict=True)
    ]


def _estimate(
    one: SliceResult, now: float, error: float, few: bool
) -> AccuracyEstimate:
    accuracy = one.metrics["accuracy"]
    before = math.nan if accuracy.value is None else accuracy.value

    def unknown(why: str) -> AccuracyEstimate:
        nan = math.nan
        return AccuracyEstimate(one.name, nan, nan, nan, before, why)

    if few:
        return unknown("too little traffic")
    if (
        accuracy.status != "ok"
        or accuracy.low is None
        or accuracy.high is None
        or not one.calibration
    ):
        return unknown("too few labelled")
    then, spread = _confidence(one.calibration)
    bias = then - before
    if abs(bias) > _LARGEST_BIAS:
        return unknown("not calibrated")
    area = one.indicator
    if area is not None and (area.value is None or area.value < _LEAST_AUC):
        return unknown("indicator unsure")
    value = before + now - then
    unsure = math.hypot(error, spread / math.sqrt(accuracy.n)) * Z
    below = math.hypot(before - accuracy.low, unsure) + abs(bias)
    above = math.hypot(accuracy.high - before, unsure) + abs(bias)
    value, low, high = np.clip((value, value - below, value + above), 0, 1)
    return AccuracyEstimate(
        one.name, float(value), float(low), float(high), before
    )


def _confidence(calibration: list[list[float]]) -> tuple[float, float]:
    """Returns mean and standard deviation of the largest probability.

    Args:
        calibration: `[groups][3]`: examples, rate of the event, mean score.
            Of two classes the score is that of class 1.
    """
    sizes, _, scores = np.array(calibration).T
    confidences = np.where(scores < 0.5, 1 - scores, scores)
    mean = np.average(confidences, weights=sizes)
    variance = np.average((confidences - mean) ** 2, weights=sizes)
    return float(mean), math.sqrt(variance)


def _check_alike(counts: TrafficCounts, labelled: Results) -> None:
    if counts.output != PROBABILITIES or labelled.data.label:
        raise ValueError(
            "Accuracy is estimated of a model that predicts one class. "
            f"Received: output={counts.output}, label={labelled.data.label!r}"
        )
    ours = (counts.slices, counts.num_outputs)
    theirs = (labelled.schema.names, labelled.num_classes)
    if ours != theirs:
        raise ValueError(
            "Labelled data must be of the slices and classes of the traffic. "
            f"Received: slices and classes={theirs} and {ours}"
        )
