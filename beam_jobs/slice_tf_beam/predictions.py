"""Records of predictions, read into an evaluator."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from slice_tf.data import decode
from slice_tf.evaluation import Evaluator, RegressionCounts
from slice_tf.schema import SliceSchema

# What counts predictions: of classes, or of numbers.
Counts = Evaluator | RegressionCounts

# Records decoded and counted at once.
BATCH = 2_048


@dataclasses.dataclass(frozen=True)
class PredictionFeatures:
    """Names of the features of a prediction's `tf.train.Example`.

    Where a model predicts a number, there is `predictions` instead of
    `probabilities`, and the label is a float.

    Args:
        label: Class id, one int64.
        probabilities: The model's: one float for each class, or one for
            class 1.
        baseline: Another model's probabilities on the same example; may be
            missing in all records.
        predictions: The number that the model predicts, one float.
        baseline_predictions: Another model's; may be missing in all records.
        indicators: Logits of learned indicators, one float a slice; may be
            missing in all records.
    """

    label: str = "label"
    probabilities: str = "probabilities"
    baseline: str = "baseline_probabilities"
    predictions: str = "predictions"
    baseline_predictions: str = "baseline_predictions"
    indicators: str = "indicator_logits"


@dataclasses.dataclass(frozen=True)
class PredictionSpec:
    """What every record of predictions holds.

    Args:
        schema: The slices; membership lies under its keys, as
            `slice-tf apply` writes it.
        num_classes: Number of classes; 0 where numbers are predicted.
        features: Names of the other features.
        with_baseline: Whether there is a baseline.
        with_indicators: Whether there are learned indicators.
        center: A number near the labels, where they are numbers.
    """

    schema: SliceSchema
    num_classes: int
    features: PredictionFeatures = PredictionFeatures()
    with_baseline: bool = False
    with_indicators: bool = False
    center: float = 0.0

    @classmethod
    def of(
        cls, record: bytes, schema: SliceSchema, features: PredictionFeatures
    ) -> "PredictionSpec":
        """Returns the spec that a first record tells.

        Raises:
            ValueError: If it is no example, or has no probabilities.
        """
        found = decode(record).features.feature
        if (
            features.predictions in found
            and features.probabilities not in found
        ):
            return cls(
                schema,
                0,
                features,
                features.baseline_predictions in found,
                features.indicators in found,
                float(_column([found], features.label, "float_list", 1)[0, 0]),
            )
        _check_there(found, features.probabilities)
        width = len(found.get(features.probabilities).float_list.value)
        return cls(
            schema,
            max(width, 2),
            features,
            features.baseline in found,
            features.indicators in found,
        )

    def evaluator(self) -> Counts:
        """Returns an evaluator that has counted nothing."""
        if self.num_classes:
            return Evaluator(self.schema, self.num_classes)
        return RegressionCounts(
            self.schema, self.center, paired=self.with_baseline
        )


def count_predictions(
    evaluator: Counts, records: Sequence[bytes], spec: PredictionSpec
) -> None:
    """Counts records; on an error nothing of them is counted.

    Raises:
        ValueError: If a record is no example, lacks a feature, or holds
            values that are no prediction.
    """
    names, schema = spec.features, spec.schema
    examples = [decode(record).features.feature for record in records]
    membership = _ints(examples, schema.membership_key, schema.num_slices)
    unknown = _unknown(examples, schema)
    known = None if unknown is None else 1 - unknown
    learned = None
    if spec.with_indicators:
        learned = _column(
            examples, names.indicators, "float_list", schema.num_slices
        )
    if isinstance(evaluator, RegressionCounts):
        evaluator.add(
            _number(examples, names.label),
            _number(examples, names.predictions),
            membership,
            known,
            baseline_predictions=_number(examples, names.baseline_predictions)
            if spec.with_baseline
            else None,
            indicator_logits=learned,
        )
        return
    evaluator.add(
        _ints(examples, names.label, 1)[:, 0],
        _probabilities(examples, names.probabilities, spec.num_classes),
        membership,
        known,
        baseline_probabilities=_probabilities(
            examples, names.baseline, spec.num_classes
        )
        if spec.with_baseline
        else None,
        indicator_logits=learned,
    )


def _number(examples: Iterable[Any], name: str) -> Any:
    return _column(examples, name, "float_list", 1)[:, 0]


def _ints(examples: Iterable[Any], name: str, width: int) -> Any:
    return _column(examples, name, "int64_list", width).astype(np.int64)


def _unknown(examples: Sequence[Any], schema: SliceSchema) -> Any:
    """Returns who is unknown, or None where all is known."""
    if not any(schema.unknown_key in one for one in examples):
        return None
    unknown = np.zeros((len(examples), schema.num_slices), np.int64)
    for row, one in zip(unknown, examples, strict=True):
        if schema.unknown_key in one:
            row[:] = _ints([one], schema.unknown_key, schema.num_slices)[0]
    return unknown


def _probabilities(examples: Sequence[Any], name: str, classes: int) -> Any:
    """Returns probabilities, of shape `[batch, classes]`."""
    first = examples[0].get(name) if name in examples[0] else None
    width = 1 if first and len(first.float_list.value) == 1 else classes
    values = _column(examples, name, "float_list", width)
    if width == 1:
        return np.concatenate([1 - values, values], axis=1)
    return values


def _column(examples: Iterable[Any], name: str, kind: str, width: int) -> Any:
    """Returns a feature of all examples, float64 `[batch, width]`.

    Raises:
        ValueError: If an example lacks it, or has another number of values.
    """
    rows = []
    for place, one in enumerate(examples):
        _check_there(one, name)
        feature = one.get(name)
        values = getattr(feature, kind).value
        if len(values) != width:
            held = feature.WhichOneof("kind") or "nothing"
            if held == kind:
                held = f"{len(values)} of them"
            raise ValueError(
                f"The feature `{name}` of a prediction must hold values of "
                f"{kind}, {width} in number. Received: {held} at row {place}"
            )
        rows.append(values)
    flat = np.fromiter(
        (value for values in rows for value in values),
        np.float64,
        len(rows) * width,
    )
    return flat.reshape(len(rows), width)


def _check_there(features: Any, name: str) -> None:
    if name not in features:
        raise ValueError(
            f"A prediction must have the feature `{name}`. Received: "
            f"features={', '.join(sorted(features)) or 'none'}"
        )
