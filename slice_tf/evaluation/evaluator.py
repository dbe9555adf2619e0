"""Counts a model's predictions, and a baseline's beside them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf.evaluation import inputs
from slice_tf.evaluation.accumulate import SliceCounts
from slice_tf.evaluation.fingerprint import fingerprint_of
from slice_tf.evaluation.indicators import IndicatorCounts
from slice_tf.evaluation.members import Chunk, chunks
from slice_tf.evaluation.metric import FLOOR
from slice_tf.evaluation.metrics import CellMetric
from slice_tf.evaluation.overlap import OverlapCounts
from slice_tf.evaluation.paired import PairedCounts
from slice_tf.evaluation.paired_scores import PairedScores
from slice_tf.evaluation.results import DataFacts, ModelFacts, Results
from slice_tf.evaluation.scores import bin_edges
from slice_tf.evaluation.summary import NUM_SCORE_BINS, summarize
from slice_tf.schema import SliceSchema


class Evaluator:
    """Evaluates a model in one pass, in memory that does not grow.

    Batches may come in any order and be counted in parts that are merged;
    the results are the same to the last bit.

    Args:
        schema: The slices.
        num_classes: Number of classes, at least 2.
        weighted: Whether examples have weights.
        clustered: Whether examples hang together in clusters.

    Attributes:
        counts: The candidate's predictions.
        overlap: How many examples two slices share; None where another
            evaluator counts it.
        paired: Both models' verdicts; None until a baseline is added.
        paired_scores: Both models' losses and scores; None likewise.
        indicators: Learned indicators; None until some are added.
    """

    def __init__(
        self,
        schema: SliceSchema,
        num_classes: int,
        *,
        weighted: bool = False,
        clustered: bool = False,
    ) -> None:
        self.schema = schema
        self.counts = SliceCounts(
            schema.num_slices,
            num_classes,
            weighted=weighted,
            clustered=clustered,
        )
        self.overlap: OverlapCounts | None = OverlapCounts(schema.num_slices)
        self.paired: PairedCounts | None = None
        self.paired_scores: PairedScores | None = None
        self.indicators: IndicatorCounts | None = None

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
        """Counts one batch.

        Args:
            labels: Class ids, of shape `[batch]`.
            probabilities: The candidate's, of shape `[batch, classes]`.
            membership: 0 or 1, of shape `[batch, slices]`.
            known: 0 where membership is unknown, of the same shape; None
                where all is known.
            weights: Of examples, of shape `[batch]`; see `SliceCounts`.
            clusters: Ids, of shape `[batch]`; see `SliceCounts`.
            baseline_probabilities: The baseline's, of shape
                `[batch, classes]`. Either every batch has them or none.
            indicator_logits: The candidate's, of shape `[batch, slices]`.
                Either every batch has them or none.

        Raises:
            ValueError: If a shape or a value is wrong.
            TypeError: If labels are no integers, or clusters no ids.
        """
        self._check_whole("baseline_probabilities", baseline_probabilities)
        self._check_whole("indicator_logits", indicator_logits)
        counts = self.counts
        batch = inputs.check_predictions(
            labels,
            probabilities,
            membership,
            known,
            counts.num_slices,
            counts.num_classes,
        )
        amounts = inputs.check_weights(weights, len(batch), counts.weighted)
        groups = inputs.check_clusters(clusters, len(batch), counts.clustered)
        before = learned = None
        if baseline_probabilities is not None:
            before = inputs.check_probabilities(
                baseline_probabilities, len(batch), counts.num_classes
            )
        if indicator_logits is not None:
            learned = IndicatorCounts(self.schema.num_slices)
            learned.add(indicator_logits, membership, known)
        # From here on nothing can fail, so that no batch is half counted.
        if before is not None and self.paired is None:
            self.paired, self.paired_scores = self._pair()
        for chunk in chunks(batch.members):
            counts.count(batch, chunk, amounts, groups)
            if self.overlap is not None:
                self.overlap.count(chunk)
            if before is not None:
                self._compare(batch, before, chunk, amounts, groups)
        if learned is not None:
            if self.indicators is not None:
                learned.merge(self.indicators)
            self.indicators = learned

    def merge(self, other: "Evaluator") -> None:
        """Adds what another evaluator counted.

        Raises:
            ValueError: If the other evaluates other slices or classes, or
                only one of the two has a baseline or indicators.
        """
        self.schema.check_same(other.schema, "this evaluator", "the other")
        if not other.counts.num_examples:
            return
        if not self.counts.num_examples:
            if other.paired is not None:
                self.paired, self.paired_scores = self._pair()
            self.indicators = other.indicators and IndicatorCounts(
                self.schema.num_slices
            )
        for name in ("paired", "indicators"):
            if (getattr(self, name) is None) != (getattr(other, name) is None):
                raise ValueError(
                    "Evaluators to merge must count the same things, because "
                    "one part without a baseline or indicators would leave "
                    f"the whole without. Received: {name} in one of the two"
                )
        for name in (
            *("counts", "overlap"),
            *("paired", "paired_scores", "indicators"),
        ):
            if getattr(self, name) is not None:
                getattr(self, name).merge(getattr(other, name))

    def results(
        self,
        *,
        data_path: str = "",
        label: str = "",
        model: ModelFacts | None = None,
        baseline: ModelFacts | None = None,
        floor: int = FLOOR,
        custom: Mapping[str, CellMetric] | None = None,
    ) -> Results:
        """Returns metrics per slice of all that was counted.

        Args:
            data_path: Where the data came from.
            label: Which label, such as `label[2]`, where examples have
                several.
            model: What was evaluated.
            baseline: What it was compared with.
            floor: Metrics with a smaller denominator are `too few`.
            custom: Metrics of your own; see `slice_metrics`.

        Raises:
            ValueError: If nothing was counted.
        """
        num_examples = self.counts.num_examples
        if not num_examples:
            raise ValueError(
                "There must be at least one example to evaluate. "
                f"Received: num_examples=0, data_path={data_path!r}"
            )
        shared = None if self.overlap is None else self.overlap.shared.tolist()
        return Results(
            schema=self.schema,
            num_classes=self.counts.num_classes,
            floor=floor,
            data=DataFacts(
                data_path,
                fingerprint_of(self.counts.checksum, num_examples),
                num_examples,
                label,
                self.counts.weighted,
                self.counts.clustered,
            ),
            model=model or ModelFacts(),
            baseline=(baseline or ModelFacts()) if self.paired else None,
            slices=summarize(
                self.schema,
                self.counts,
                self.paired,
                self.paired_scores,
                self.indicators,
                floor,
                custom,
            ),
            overlap=shared,
            score_edges=bin_edges(NUM_SCORE_BINS).tolist(),
        )

    def _pair(self) -> tuple[PairedCounts, PairedScores]:
        num_slices, counts = self.schema.num_slices, self.counts
        scores = PairedScores(
            num_slices, counts.num_classes, clustered=counts.clustered
        )
        return PairedCounts(num_slices), scores

    def _compare(
        self,
        batch: inputs.Predictions,
        baseline: Any,
        chunk: Chunk,
        weights: Any,
        clusters: Any,
    ) -> None:
        """Counts both models' predictions of some rows of a checked batch."""
        if self.paired is None or self.paired_scores is None:
            return
        rows = chunk.rows
        truth = batch.labels[rows]
        before, after = baseline[rows], batch.probabilities[rows]
        was, now = (inputs.predicted(x) == truth for x in (before, after))
        of_rows = None if weights is None else weights[rows]
        groups = None if clusters is None else clusters[rows]
        self.paired.count(was, now, truth, chunk, of_rows)
        self.paired_scores.count(truth, before, after, chunk, of_rows, groups)

    def _check_whole(self, name: str, values: Any) -> None:
        counted = self.paired if "baseline" in name else self.indicators
        if self.counts.num_examples and (values is None) != (counted is None):
            raise ValueError(
                f"`{name}` must come with every batch or with none, because "
                "a comparison of parts of the data is no comparison. "
                f"Received: {name}={'None' if values is None else 'an array'}"
                f" after {self.counts.num_examples} examples"
            )


def evaluate(
    labels: Any,
    probabilities: Any,
    membership: Any,
    schema: SliceSchema,
    *,
    known: Any = None,
    weights: Any = None,
    clusters: Any = None,
    baseline_probabilities: Any = None,
    indicator_logits: Any = None,
    floor: int = FLOOR,
) -> Results:
    """Evaluates predictions that are in memory.

    Args:
        labels: Class ids, of shape `[examples]`.
        probabilities: Of shape `[examples, classes]`.
        membership: 0 or 1, of shape `[examples, slices]`.
        schema: The slices.
        known: 0 where membership is unknown; None where all is known.
        weights: Of examples, of shape `[examples]`; see `SliceCounts`.
        clusters: Ids, of shape `[examples]`; see `SliceCounts`.
        baseline_probabilities: Another model's, of shape
            `[examples, classes]`.
        indicator_logits: Of shape `[examples, slices]`.
        floor: Metrics with a smaller denominator are `too few`.

    Raises:
        ValueError: If a shape or a value is wrong or there is no example.
        TypeError: If labels are no integers.
    """
    shape = np.shape(probabilities)
    inputs.check_shape("probabilities", np.empty(shape), (None, None))
    evaluator = Evaluator(
        schema,
        shape[1],
        weighted=weights is not None,
        clustered=clusters is not None,
    )
    evaluator.add(
        labels,
        probabilities,
        membership,
        known,
        weights=weights,
        clusters=clusters,
        baseline_probabilities=baseline_probabilities,
        indicator_logits=indicator_logits,
    )
    return evaluator.results(floor=floor)
