"""A capped sample of examples, for people to look at and to audit."""

import dataclasses
import hashlib
import heapq
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from slice_tf.evaluation import inputs
from slice_tf.evaluation.preview import preview
from slice_tf.schema import BASE, SliceSchema

# Kinds of sampled examples, as fields of a sample.
KINDS = ("members", "errors", "lost")


@dataclasses.dataclass(frozen=True)
class Example:
    """One example and what was predicted for it.

    Args:
        key: 16 hexadecimal digits that stand for its features and label.
        label: Its class, or the true number.
        prediction: The predicted class, or number.
        score: The predicted class's probability; None of a number.
        baseline: What a baseline predicted, where there is one.
        slices: Places in the schema of the slices that hold it.
        unknown: Places of those of which nobody knows.
        features: Name to `preview`.
    """

    key: str
    label: float
    prediction: float
    score: float | None
    baseline: float | None
    slices: list[int]
    unknown: list[int]
    features: dict[str, dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class ExampleSample:
    """Examples, each listed once, drawn at random for each slice.

    Args:
        size: Most examples of one kind in one slice.
        examples: All that were drawn.
        members: Slice, or `base` for all examples, to places in `examples`;
            each a uniform sample without replacement, in random order.
        errors: The same of examples that the model gets wrong; of numbers,
            those with the largest errors, largest first.
        lost: The same of those that the baseline gets right; of numbers,
            those where the baseline is nearer, by most first.
    """

    size: int
    examples: tuple[Example, ...]
    members: dict[str, list[int]]
    errors: dict[str, list[int]]
    lost: dict[str, list[int]]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ExampleSample":
        """Returns the sample that `dataclasses.asdict` gave.

        Raises:
            ValueError: If a place is outside of the examples.
        """
        examples = tuple(Example(**one) for one in values["examples"])
        sample = cls(**{**values, "examples": examples})
        for kind in KINDS:
            for name, places in getattr(sample, kind).items():
                if not all(0 <= one < len(examples) for one in places):
                    raise ValueError(
                        "Sampled places must be those of examples. Received: "
                        f"{kind}[{name!r}]={places}, examples={len(examples)}"
                    )
        return sample

    def outside(self, schema: SliceSchema, name: str) -> list[int]:
        """Returns a random sample of examples that are not in a slice."""
        place = schema.index(name)
        return [
            one
            for one in self.members[BASE]
            if place not in self.examples[one].slices
            and place not in self.examples[one].unknown
        ]


class ExampleSampler:
    """Draws examples for every slice in one pass over batches.

    Args:
        schema: The slices.
        size: Most examples of one kind in one slice; positive.
        seed: Of the draws.

    Raises:
        ValueError: If `size` is not positive.
    """

    def __init__(self, schema: SliceSchema, size: int, seed: int = 0) -> None:
        if size < 1:
            raise ValueError(
                "A sample must hold at least one example a slice. "
                f"Received: size={size}"
            )
        self.schema, self.size = schema, size
        self._random = np.random.default_rng(seed)
        shape = len(KINDS), schema.num_slices + 1
        # An example is drawn where its number is among the smallest so far.
        self._limits = np.full(shape, np.inf)
        self._drawn: list[list[list[tuple[float, int]]]] = [
            [[] for _ in range(shape[1])] for _ in KINDS
        ]
        self._kept: dict[int, Example] = {}
        self._seen = 0

    def add(
        self,
        features: Mapping[str, Any],
        labels: Any,
        predictions: Any,
        membership: Any,
        known: Any = None,
        baseline_predictions: Any = None,
    ) -> None:
        """Draws from one batch.

        Args:
            features: Name to values to show, of shape `[batch, ...]`.
            labels: Class ids, or true numbers, of shape `[batch]`.
            predictions: Probabilities of shape `[batch, classes]`, or
                predicted numbers of shape `[batch]`.
            membership: 0 or 1, of shape `[batch, slices]`.
            known: 0 where membership is unknown; None where all is known.
            baseline_predictions: As `predictions`, or None.

        Raises:
            ValueError: If a shape or a value is wrong.
        """
        guesses = np.asarray(predictions, np.float64)
        numbers = guesses.ndim == 1
        told = _of_numbers if numbers else _of_classes
        given = told(labels, guesses, baseline_predictions)
        members, unknown = inputs.check_members(
            membership, known, len(given.labels), self.schema.num_slices
        )
        batch = _Batch(features, given, members, unknown)
        # Each is as likely as any other to be among the smallest.
        order = self._random.random(len(given.labels))
        orders = (
            np.where(x > 0, -x if numbers else order, np.inf)
            for x in (given.errors, given.losses)
        )
        self._add(batch, order, *orders)

    def sample(self) -> ExampleSample:
        """Returns what was drawn."""
        rows = sorted(self._rows())
        places = {row: place for place, row in enumerate(rows)}
        names = (*self.schema.names, BASE)
        drawn = {
            kind: {
                name: [places[row] for _, row in sorted(heap, reverse=True)]
                for name, heap in zip(names, heaps, strict=True)
            }
            for kind, heaps in zip(KINDS, self._drawn, strict=True)
        }
        examples = tuple(self._kept[row] for row in rows)
        return ExampleSample(self.size, examples, **drawn)

    def _add(self, batch: "_Batch", *orders: Any) -> None:
        """Keeps what comes first in each kind's order; infinity, never."""
        batch.check_features()
        everyone = np.ones((len(batch.given.labels), 1), bool)
        members = np.concatenate([batch.members, everyone], axis=1)
        for kind, order in enumerate(orders):
            near = members & (order[:, None] < self._limits[kind])
            for row, place in np.argwhere(near):
                self._draw(kind, place, order[row], self._seen + int(row))
        rows = {row for row in self._rows() if row >= self._seen}
        self._kept |= {row: batch.example(row - self._seen) for row in rows}
        self._seen += len(batch.given.labels)
        if len(self._kept) > 2 * len(self._rows()):
            self._kept = {row: self._kept[row] for row in self._rows()}

    def _draw(self, kind: int, place: int, number: float, row: int) -> None:
        heap = self._drawn[kind][place]
        if number >= self._limits[kind, place]:
            return  # The limit fell since the batch was looked through.
        heapq.heappush(heap, (-number, row))
        if len(heap) > self.size:
            heapq.heappop(heap)
        if len(heap) == self.size:
            self._limits[kind, place] = -heap[0][0]

    def _rows(self) -> set[int]:
        heaps = (heap for heaps in self._drawn for heap in heaps)
        return {row for heap in heaps for _, row in heap}


class _Predicted(NamedTuple):
    """What two models say of a batch, and by how much they are wrong."""

    labels: Any
    predictions: Any
    before: Any
    scores: Any
    errors: Any
    losses: Any


def _of_classes(labels: Any, probabilities: Any, baseline: Any) -> _Predicted:
    inputs.check_shape("predictions", probabilities, (None, None))
    truth = inputs.check_labels(labels, probabilities.shape[1])
    inputs.check_shape("predictions", probabilities, (len(truth), None))
    before = None if baseline is None else np.asarray(baseline).argmax(axis=1)
    guesses, scores = probabilities.argmax(1), probabilities.max(1, initial=0)
    wrong = guesses != truth
    lost = wrong & (before == truth)
    return _Predicted(truth, guesses, before, scores, wrong, lost)


def _of_numbers(targets: Any, predictions: Any, baseline: Any) -> _Predicted:
    truth = inputs.check_finite("labels", targets, None)
    guesses = inputs.check_finite("predictions", predictions, len(truth))
    before, nearer = None, np.zeros(len(truth))
    size = np.abs(guesses - truth)
    if baseline is not None:
        name = "baseline_predictions"
        before = inputs.check_finite(name, baseline, len(truth))
        nearer = size - np.abs(before - truth)
    return _Predicted(truth, guesses, before, None, size, nearer)


@dataclasses.dataclass(frozen=True)
class _Batch:
    """A checked batch."""

    features: Mapping[str, Any]
    given: _Predicted
    members: Any
    unknown: Any

    def check_features(self) -> None:
        for name, values in self.features.items():
            if len(values) != len(self.given.labels):
                raise ValueError(
                    "A feature must have a value an example. Received: "
                    f"feature={name!r}, values={len(values)}, "
                    f"examples={len(self.given.labels)}"
                )

    def example(self, row: int) -> Example:
        label = self.given.labels[row].item()
        before, scores = self.given.before, self.given.scores
        digest = hashlib.sha256(str(label).encode())
        for name, values in sorted(self.features.items()):
            whole = _bytes_of(values[row])
            digest.update(f"{name}{len(whole)}:".encode() + whole)
        unknown = [] if self.unknown is None else self.unknown[row]
        return Example(
            key=digest.hexdigest()[:16],
            label=label,
            prediction=self.given.predictions[row].item(),
            score=None if scores is None else round(float(scores[row]), 4),
            baseline=None if before is None else before[row].item(),
            slices=np.flatnonzero(self.members[row]).tolist(),
            unknown=np.flatnonzero(unknown).tolist(),
            features={k: preview(v[row]) for k, v in self.features.items()},
        )


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    array = np.asarray(value)
    if array.dtype.kind in "OSU":  # Of an object's bytes none are its value.
        return repr(array.tolist()).encode()
    return array.tobytes()
