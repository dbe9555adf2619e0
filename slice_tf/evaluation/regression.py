"""Metrics per slice of numbers that are predicted, not classes."""

from typing import Any

import numpy as np

from slice_tf.evaluation import inputs
from slice_tf.evaluation.error_bins import (
    NUM_ERROR_BINS,
    bins_of_errors,
    even_edges,
    into_even_bins,
)
from slice_tf.evaluation.error_metrics import (
    NUM_ALONE,
    NUM_PAIRED,
    Moments,
    baseline_error,
    error_changes,
    error_metrics,
)
from slice_tf.evaluation.fingerprint import checksum_rows, fingerprint_of
from slice_tf.evaluation.indicators import IndicatorCounts
from slice_tf.evaluation.members import Chunk, add_codes, chunks
from slice_tf.evaluation.metric import FLOOR, Metric, ratio
from slice_tf.evaluation.overlap import OverlapCounts
from slice_tf.evaluation.results import (
    Comparison,
    DataFacts,
    ModelFacts,
    Results,
    SliceResult,
)
from slice_tf.evaluation.scores import bin_edges
from slice_tf.evaluation.summary import NUM_SCORE_BINS, indicator_facts
from slice_tf.schema import BASE, SliceSchema

_SHOWN_BINS = 48


class RegressionCounts:
    """All that metrics of predicted numbers need, in each slice.

    Sums are float64, so parts and their order matter in the last digits only.

    Args:
        schema: The slices.
        center: A number near the targets' mean, which is taken off them
            before they are squared; R squared of targets such as 1e9 + noise
            needs it.
        paired: Whether a baseline's predictions come with every batch.

    Attributes:
        sums: float64 `[quantities, quantities, slices + 1]`: of products of
            what `error_metrics` averages.
        sides: float64 `[2, 2, 2]`: by how much the candidate's errors are
            smaller or larger than the baseline's, the error's size or square,
            sum or sum of squares over all examples.
        errors: int64 `[slices + 1, bins]`: slice, bin of prediction minus
            target.
        baseline_errors: The same of the baseline; None where not `paired`.
        unknown: int64 `[slices + 1]`: examples of unknown membership.
        overlap: How many examples two slices share.
        indicators: Learned indicators; None until some are added.
        checksum: Stands for targets and membership, whatever their order.
    """

    def __init__(
        self,
        schema: SliceSchema,
        center: float = 0.0,
        *,
        paired: bool = False,
    ) -> None:
        self.schema, self.center, self.paired = schema, float(center), paired
        num_rows = schema.num_slices + 1
        width = NUM_PAIRED if paired else NUM_ALONE
        self.sums = np.zeros((width, width, num_rows))
        self.sides = np.zeros((2, 2, 2))
        bins = num_rows, NUM_ERROR_BINS
        self.errors = np.zeros(bins, np.int64)
        self.baseline_errors = np.zeros(bins, np.int64) if paired else None
        self.unknown = np.zeros(num_rows, np.int64)
        self.overlap = OverlapCounts(schema.num_slices)
        self.indicators: IndicatorCounts | None = None
        self.checksum = 0

    def add(
        self,
        targets: Any,
        predictions: Any,
        membership: Any,
        known: Any = None,
        *,
        baseline_predictions: Any = None,
        indicator_logits: Any = None,
    ) -> None:
        """Counts one batch; on an error nothing is counted.

        Args:
            targets: True numbers, of shape `[batch]`.
            predictions: Predicted numbers, of shape `[batch]`.
            membership: 0 or 1, of shape `[batch, slices]`.
            known: 0 where membership is unknown, of the same shape; None
                where all is known.
            baseline_predictions: The baseline's, of shape `[batch]`; only
                and always where the counts are `paired`.
            indicator_logits: The candidate's, of shape `[batch, slices]`, or
                None.

        Raises:
            ValueError: If a shape is wrong or a number not finite.
        """
        truth = inputs.check_finite("targets", targets, None)
        guesses = inputs.check_finite("predictions", predictions, len(truth))
        members, unknown = inputs.check_members(
            membership, known, len(truth), self.schema.num_slices
        )
        errors, before = (
            guesses - truth,
            self._before(baseline_predictions, truth),
        )
        if indicator_logits is not None:
            learned = IndicatorCounts(self.schema.num_slices)
            learned.add(indicator_logits, membership, known)
            if self.indicators is not None:
                learned.merge(self.indicators)
            self.indicators = learned
        for chunk in chunks(members):
            rows = chunk.rows
            self._count(
                truth[rows],
                errors[rows],
                None if before is None else before[rows],
                chunk,
            )
            missing = None if unknown is None else unknown[rows]
            self.checksum += checksum_rows(truth[rows], chunk.packed, missing)
        self.checksum %= 2**64
        if unknown is not None:
            self.unknown[:-1] += unknown.sum(axis=0)

    def merge(self, other: "RegressionCounts") -> None:
        """Adds what another accumulator counted.

        Raises:
            ValueError: If the other counts other slices, another center, or
                only one of the two has a baseline.
        """
        self.schema.check_same(other.schema, "these counts", "the others")
        facts = [(x.center, x.paired) for x in (self, other)]
        if facts[0] != facts[1]:
            raise ValueError(
                "Only counts of the same center can be merged, both with a "
                "baseline or both without. Received: "
                f"center={self.center} and {other.center}, "
                f"paired={self.paired} and {other.paired}"
            )
        for name in ("sums", "sides", "errors", "baseline_errors", "unknown"):
            if getattr(self, name) is not None:
                getattr(self, name)[...] += getattr(other, name)
        self.overlap.merge(other.overlap)
        if other.indicators is not None:
            if self.indicators is None:
                self.indicators = IndicatorCounts(self.schema.num_slices)
            self.indicators.merge(other.indicators)
        self.checksum = (self.checksum + other.checksum) % 2**64

    def metrics(self, floor: int = FLOOR) -> list[dict[str, Metric]]:
        """Returns each slice's metrics by name, base last.

        `mae`, `rmse`, `r2`, `bias` (mean of prediction minus target) and
        `lift` (`mae` inside minus outside of the slice).
        """
        return _rows(error_metrics(Moments.of(self.sums), floor))

    def results(
        self,
        *,
        data_path: str = "",
        model: ModelFacts | None = None,
        baseline: ModelFacts | None = None,
        floor: int = FLOOR,
    ) -> Results:
        """Returns metrics per slice; `num_classes` of the results is 0.

        Raises:
            ValueError: If nothing was counted.
        """
        sizes = self.sums[0, 0].astype(np.int64).tolist()
        if not sizes[-1]:
            raise ValueError(
                "There must be at least one example to evaluate. "
                f"Received: num_examples=0, data_path={data_path!r}"
            )
        edges = even_edges(self.errors, _SHOWN_BINS)
        names, metrics = (*self.schema.names, BASE), self.metrics(floor)
        comparisons = self._comparisons(edges, floor)
        shown = _shown(self.errors, edges)
        learned = indicator_facts(self.indicators, len(names), floor)
        slices = tuple(
            SliceResult(
                name=name,
                size=sizes[i],
                unknown=int(self.unknown[i]),
                metrics=metrics[i],
                comparison=comparisons[i],
                errors=shown[i],
                **learned[i],
            )
            for i, name in enumerate(names)
        )
        fingerprint = fingerprint_of(self.checksum, sizes[-1])
        return Results(
            schema=self.schema,
            num_classes=0,
            floor=floor,
            data=DataFacts(data_path, fingerprint, sizes[-1]),
            model=model or ModelFacts(),
            baseline=(baseline or ModelFacts()) if self.paired else None,
            slices=slices,
            overlap=self.overlap.shared.tolist(),
            score_edges=bin_edges(NUM_SCORE_BINS).tolist(),
            error_edges=edges.tolist(),
        )

    def _before(self, predictions: Any, truth: Any) -> Any:
        """Returns the baseline's errors, or None where there is none."""
        if (predictions is not None) != self.paired:
            raise ValueError(
                "`baseline_predictions` must come with every batch or with "
                "none. Received: baseline_predictions="
                f"{'None' if predictions is None else 'an array'}, "
                f"paired={self.paired}"
            )
        if predictions is None:
            return None
        name = "baseline_predictions"
        return inputs.check_finite(name, predictions, len(truth)) - truth

    def _count(
        self, truth: Any, errors: Any, before: Any, chunk: Chunk
    ) -> None:
        """Counts rows that were checked."""
        size, target = np.abs(errors), truth - self.center
        columns = [np.ones(len(truth)), errors, size, errors**2]
        columns += [target, target**2]
        add_codes(self.errors, bins_of_errors(errors), chunk.found)
        if before is not None:
            rises = [size - np.abs(before), errors**2 - before**2]
            columns += rises
            add_codes(self.baseline_errors, bins_of_errors(before), chunk.found)
            for side, sign in zip(self.sides, (-1, 1), strict=True):
                amounts = np.maximum(sign * np.stack(rises), 0)
                side += np.stack([amounts, amounts**2]).sum(axis=-1).T
        self.overlap.count(chunk)
        for i, column in enumerate(columns):
            for j in range(i, len(columns)):
                _add(self.sums[i, j], column * columns[j], chunk.found)
                self.sums[j, i] = self.sums[i, j]

    def _comparisons(self, edges: Any, floor: int) -> list[Comparison | None]:
        if self.baseline_errors is None:
            return [None] * len(self.errors)
        moments = Moments.of(self.sums)
        # Of falls and of rises: the size that contributes most.
        sides = np.nan_to_num(ratio(self.sides[..., 1], self.sides[..., 0]))
        changes = error_changes(moments, sides, floor)
        baseline, size_changes = baseline_error(moments, floor), changes["mae"]
        rows, shown = _rows(changes), _shown(self.baseline_errors, edges)
        return [
            Comparison(
                baseline=baseline[i],
                difference=size_changes[i],
                mid_p=None,
                cells=None,
                differences={k: v for k, v in row.items() if k != "mae"},
                errors=shown[i],
            )
            for i, row in enumerate(rows)
        ]


def _add(total: Any, column: Any, parts: Any) -> None:
    total[-1] += column.sum()
    for rows, slices in parts:
        total[:-1] += np.bincount(slices, column[rows], len(total) - 1)


def _rows(columns: dict[str, list[Metric]]) -> list[dict[str, Metric]]:
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _shown(histogram: Any, edges: Any) -> list[list[float]]:
    rows: list[list[float]] = into_even_bins(histogram, edges).round(2).tolist()
    return rows
