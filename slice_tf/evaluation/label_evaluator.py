"""Counts predictions of several labels in one pass."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from slice_tf.evaluation import inputs
from slice_tf.evaluation.evaluator import Evaluator
from slice_tf.evaluation.metric import FLOOR
from slice_tf.evaluation.results import ModelFacts, Results
from slice_tf.schema import SliceSchema


class LabelEvaluator:
    """Evaluates a model of several labels, each like one of two classes.

    Records are read, and the model is applied, once for all labels.

    Args:
        schema: The slices.
        names: Of the labels, such as `tags[0]`, each another.
        weighted: Whether examples have weights.
        clustered: Whether examples hang together in clusters.

    Attributes:
        evaluators: One a label. Overlap and learned indicators are the same
            by every label, so the first one alone counts them.

    Raises:
        ValueError: If there is no label, or two have one name.
    """

    def __init__(
        self,
        schema: SliceSchema,
        names: Sequence[str],
        *,
        weighted: bool = False,
        clustered: bool = False,
    ) -> None:
        self.schema, self.names = schema, tuple(names)
        if not self.names or len(set(self.names)) < len(self.names):
            raise ValueError(
                "There must be labels, each with a name of its own. "
                f"Received: names={list(names)}"
            )
        self.evaluators = [
            Evaluator(schema, 2, weighted=weighted, clustered=clustered)
            for _ in self.names
        ]
        for one in self.evaluators[1:]:
            one.overlap = None

    def add(
        self,
        labels: Any,
        probabilities: Any,
        membership: Any,
        known: Any = None,
        *,
        weights: Any = None,
        clusters: Any = None,
        baseline_probabilities: Any = None,
        indicator_logits: Any = None,
    ) -> None:
        """Counts one batch; on an error nothing is counted.

        Args:
            labels: 1 where a label applies and 0 where not, of shape
                `[batch, labels]`.
            probabilities: That each label applies, by the candidate, of shape
                `[batch, labels]`.
            membership: 0 or 1, of shape `[batch, slices]`.
            known: As of `Evaluator.add`.
            weights: As of `Evaluator.add`.
            clusters: As of `Evaluator.add`.
            baseline_probabilities: The baseline's, of shape
                `[batch, labels]`. Either every batch has them or none.
            indicator_logits: As of `Evaluator.add`.

        Raises:
            ValueError: If a shape or a value is wrong.
            TypeError: If labels are no integers, or clusters no ids.
        """
        num_labels, truth = len(self.names), np.asarray(labels)
        inputs.check_shape("labels", truth, (None, num_labels))
        # All values are checked before any label is counted.
        truth = inputs.check_labels(truth.reshape(-1), 2).reshape(truth.shape)
        after = _both("probabilities", probabilities, truth.shape)
        before: Any = [None] * num_labels
        if baseline_probabilities is not None:
            before = _both(
                "baseline_probabilities", baseline_probabilities, truth.shape
            )
        for i, one in enumerate(self.evaluators):
            one.add(
                truth[:, i],
                after[i],
                membership,
                known,
                weights=weights,
                clusters=clusters,
                baseline_probabilities=before[i],
                indicator_logits=None if i else indicator_logits,
            )

    def merge(self, other: "LabelEvaluator") -> None:
        """Adds what another evaluator counted.

        Raises:
            ValueError: If the other evaluates other slices or labels, or only
                one of the two has a baseline or indicators.
        """
        if self.names != other.names:
            raise ValueError(
                "Only counts of the same labels can be merged. Received: "
                f"names={list(self.names)} and {list(other.names)}"
            )
        for one, more in zip(self.evaluators, other.evaluators, strict=True):
            one.merge(more)

    def results(
        self,
        *,
        data_path: str = "",
        model: ModelFacts | None = None,
        baseline: ModelFacts | None = None,
        floor: int = FLOOR,
    ) -> list[Results]:
        """Returns results of each label, in the order of their names.

        Args:
            data_path: Where the data came from.
            model: What was evaluated.
            baseline: What it was compared with.
            floor: Metrics with a smaller denominator are `too few`.

        Raises:
            ValueError: If nothing was counted.
        """
        found, first = [], self.evaluators[0]
        for name, one in zip(self.names, self.evaluators, strict=True):
            whole = copy.copy(one)
            whole.overlap, whole.indicators = first.overlap, first.indicators
            found.append(
                whole.results(
                    data_path=data_path,
                    label=name,
                    model=model,
                    baseline=baseline,
                    floor=floor,
                )
            )
        return found


def _both(name: str, values: Any, shape: tuple[int, int]) -> Any:
    """Returns that a label does not apply and that it does, by label.

    Of shape `[labels, batch, 2]`.

    Raises:
        ValueError: If the shape is wrong or a value not in [0, 1].
    """
    chances = np.asarray(values, dtype=np.float64)
    inputs.check_shape(name, chances, shape)
    wrong = np.argwhere(~((chances >= 0) & (chances <= 1)))
    if wrong.size:
        row, label = wrong[0]
        raise ValueError(
            f"`{name}` of several labels must lie in [0, 1], each by itself. "
            f"Received: {chances[row, label]} at row {row}, label {label}"
        )
    return np.stack([1 - chances, chances], axis=-1).swapaxes(0, 1)
