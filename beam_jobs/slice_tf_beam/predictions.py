"""Records of predictions, read into an evaluator."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from slice_tf.data import decode
from slice_tf.evaluation import Evaluator, LabelEvaluator, RegressionCounts
from slice_tf.evaluation.labels import choose_labels
from slice_tf.schema import SliceSchema

# What counts predictions: of classes, of several labels, or of numbers.
Counts = Evaluator | LabelEvaluator | RegressionCounts

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
        weight: The example's weight, one float or int64; None where all count
            alike.
        cluster: What the example hangs together with, such as its user, one
            int64 or text; None where examples are independent.
    """

    label: str = "label"
    probabilities: str = "probabilities"
    baseline: str = "baseline_probabilities"
    predictions: str = "predictions"
    baseline_predictions: str = "baseline_predictions"
    indicators: str = "indicator_logits"
    weight: str | None = None
    cluster: str | None = None


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
        labels: Which labels are evaluated, where records hold several.
        num_labels: How many labels a record holds.
    """

    schema: SliceSchema
    num_classes: int
    features: PredictionFeatures = PredictionFeatures()
    with_baseline: bool = False
    with_indicators: bool = False
    labels: tuple[int, ...] | None = None
    num_labels: int = 1

    @classmethod
    def of(
        cls,
        record: bytes,
        schema: SliceSchema,
        features: PredictionFeatures,
        label_index: int | None = None,
    ) -> "PredictionSpec":
        """Returns the spec that a first record tells.

        Raises:
            ValueError: If it is no example, has no probabilities, or does
                not hold the label that is chosen.
        """
        found = decode(record).features.feature
        numbers = (
            features.predictions in found
            and features.probabilities not in found
        )
        if not numbers:
            _check_there(found, features.probabilities)
        _check_there(found, features.label)
        width = len(found[features.probabilities].float_list.value)
        labels = len(found[features.label].int64_list.value)
        several = labels > 1 or label_index is not None
        chosen = choose_labels(label_index, labels) if several else None
        return cls(
            schema,
            0 if numbers else 2 if chosen else max(width, 2),
            features,
            (features.baseline_predictions if numbers else features.baseline)
            in found,
            features.indicators in found,
            chosen,
            max(labels, 1),
        )

    def evaluator(self) -> Counts:
        """Returns an evaluator that has counted nothing."""
        given = {
            "weighted": self.features.weight is not None,
            "clustered": self.features.cluster is not None,
        }
        if self.labels is not None:
            names = [f"{self.features.label}[{i}]" for i in self.labels]
            return LabelEvaluator(self.schema, names, **given)
        if self.num_classes:
            return Evaluator(self.schema, self.num_classes, **given)
        return RegressionCounts(self.schema, **given)


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
    more: dict[str, Any] = {}
    if spec.with_indicators:
        more["indicator_logits"] = _column(
            examples, names.indicators, "float_list", schema.num_slices
        )
    if names.weight is not None:
        more["weights"] = _weights(examples, names.weight)
    if names.cluster is not None:
        more["clusters"] = _scalars(examples, names.cluster)
    if isinstance(evaluator, RegressionCounts):
        if spec.with_baseline:
            more["baseline_predictions"] = _number(
                examples, names.baseline_predictions
            )
        label = _number(examples, names.label)
        found = _number(examples, names.predictions)
        evaluator.add(label, found, membership, known, **more)
        return
    if spec.with_baseline:
        more["baseline_probabilities"] = _probabilities(
            examples, names.baseline, spec
        )
    labels = _ints(examples, names.label, spec.num_labels)
    evaluator.add(
        labels[:, 0] if spec.labels is None else labels[:, spec.labels],
        _probabilities(examples, names.probabilities, spec),
        membership,
        known,
        **more,
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


def _probabilities(
    examples: Sequence[Any], name: str, spec: PredictionSpec
) -> Any:
    """Returns probabilities, of shape `[batch, classes]`.

    Of several labels, those of the ones that are evaluated.
    """
    if spec.labels is not None:
        column = _column(examples, name, "float_list", spec.num_labels)
        return column[:, spec.labels]
    first = examples[0].get(name) if name in examples[0] else None
    width = spec.num_classes
    if first and len(first.float_list.value) == 1:
        width = 1
    values: Any = _column(examples, name, "float_list", width)
    if values.shape[1] == 1:
        return np.concatenate([1 - values, values], axis=1)
    return values


def _weights(examples: Sequence[Any], name: str) -> Any:
    values = _scalars(examples, name)
    lost = [row for row, x in enumerate(values) if isinstance(x, bytes)]
    if lost:
        raise ValueError(
            f"The feature `{name}` of a prediction must hold a number. "
            f"Received: a text at row {lost[0]}"
        )
    return np.array(values, np.float64)


def _scalars(examples: Iterable[Any], name: str) -> list[Any]:
    """Returns a feature's one value of each example, of any kind.

    Raises:
        ValueError: If an example lacks it, or has not one.
    """
    found = []
    for place, one in enumerate(examples):
        _check_there(one, name)
        kind = one[name].WhichOneof("kind")
        values: Any = getattr(one[name], kind).value if kind else []
        if len(values) != 1:
            raise ValueError(
                f"The feature `{name}` of a prediction must hold one value. "
                f"Received: {len(values)} of them at row {place}"
            )
        found.append(values[0])
    return found


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
