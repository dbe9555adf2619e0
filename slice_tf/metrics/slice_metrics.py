"""All metrics of all slices, in one state tensor."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from slice_tf.metrics.by_slice import by_slice

# Bins of scores, equally wide in `x / (2 + |x|)` of the log-odds `x`.
NUM_BINS = 256
# Losses are summed as whole multiples of this.
LOSS_UNIT = 2.0**-12

_LARGEST_LOSS = 40.0


@keras.saving.register_keras_serializable(package="slice_tf")
class SliceMetrics(keras.metrics.Metric):
    """Accuracy, F1, AUC and log loss of every slice while a model trains.

    One object and one state tensor for all slices and metrics: a thousand
    Keras metrics would be a thousand times slower. The state is a sum, so
    replicas, batches and their order do not matter, and XLA compiles it.

    Args:
        names: Names of the slices, in order, without the base slice.
        num_classes: Number of classes.

    `update_state` takes:

    - `labels`: Integers, of shape `[batch]`.
    - `logits`: Of shape `[batch, 1]` for two classes (the log-odds of class
      1), else `[batch, classes]`.
    - `membership`: Zeros and ones, of shape `[batch, slices]`; 0 where it is
      not known. `None` counts in the base slice alone.

    `result()` is a dict of `<metric>/<slice>`, the base slice last: `accuracy`
    and `log_loss` (nats); for two classes also `precision`, `recall`, `f1`
    and `auc` of class 1, for more `auc` of the confidence: how well it tells
    right predictions from wrong ones. NaN where there is nothing to count.
    Areas are within about 0.001 of exact ones.
    """

    def __init__(
        self,
        names: Sequence[str],
        num_classes: int = 2,
        name: str = "slice_metrics",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if num_classes < 2:
            raise ValueError(
                "`num_classes` must be at least 2, because a prediction is "
                f"among classes. Received: num_classes={num_classes}"
            )
        self.slices, self.num_classes = tuple(names), num_classes
        # Event by bin, then the log loss. Integers: float32 would stop
        # counting at 2 ** 24 examples.
        self.cells = self.add_variable(
            shape=(len(self.slices) + 1, 2 * NUM_BINS + 1),
            initializer="zeros",
            dtype="int64" if keras.backend.backend() != "jax" else "int32",
            name="cells",
        )

    def update_state(
        self, labels: Any, logits: Any, membership: Any = None
    ) -> None:
        dtype = self.cells.dtype
        labels = ops.cast(labels, "int32")
        event, score, loss = self._read(labels, ops.cast(logits, "float32"))
        members = ops.ones((ops.shape(labels)[0], 1), dtype)
        if membership is not None:
            inside = ops.cast(ops.convert_to_tensor(membership) > 0, dtype)
            members = ops.concatenate([inside, members], axis=-1)
        codes = event * NUM_BINS + _bins(score)
        counts = ops.segment_sum(members, codes, num_segments=2 * NUM_BINS)
        units = ops.cast(
            ops.round(ops.minimum(loss, _LARGEST_LOSS) / LOSS_UNIT), dtype
        )
        losses = ops.sum(members * units[:, None], axis=0)
        self.cells.assign_add(
            ops.concatenate([ops.transpose(counts), losses[:, None]], axis=1)
        )

    def _read(self, labels: Any, logits: Any) -> tuple[Any, Any, Any]:
        """Returns event, log-odds of the score, and log loss, `[batch]`."""
        if self.num_classes == 2:
            score = logits[:, 0]
            margin = ops.where(labels == 1, score, -score)
            return labels, score, ops.softplus(-margin)
        log_probabilities = ops.log_softmax(logits, axis=-1)
        likely = ops.take_along_axis(log_probabilities, labels[:, None], axis=1)
        guesses = ops.cast(ops.argmax(logits, axis=-1), "int32")
        confidence = ops.exp(ops.max(log_probabilities, axis=-1))
        confidence = ops.clip(confidence, 1e-6, 1 - 1e-6)
        score = ops.log(confidence) - ops.log(1 - confidence)
        right = ops.cast(ops.equal(guesses, labels), "int32")
        return right, score, -likely[:, 0]

    def result(self) -> dict[str, Any]:
        cells = ops.cast(self.cells, "float32")
        shape = (len(self.slices) + 1, 2, NUM_BINS)
        scores = ops.reshape(cells[:, :-1], shape)
        everyone = ops.sum(scores, axis=(1, 2))
        columns = (
            _binary_columns(scores)
            if self.num_classes == 2
            else {"accuracy": _ratio(ops.sum(scores[:, 1], axis=1), everyone)}
        )
        columns["auc"] = _area(scores)
        columns["log_loss"] = _ratio(cells[:, -1] * LOSS_UNIT, everyone)
        names = (*self.slices, "base")
        results: dict[str, Any] = {}
        for metric, column in columns.items():
            results.update(by_slice(metric, names, column))
        return results

    def right_and_all(self) -> np.ndarray:
        """Returns right predictions and examples, `[slices + 1, 2]`."""
        cells = np.asarray(self.cells.numpy())[:, :-1]
        halves = cells.reshape(-1, 2, 2, NUM_BINS // 2).sum(axis=-1)
        if self.num_classes == 2:
            right = halves[:, 0, 0] + halves[:, 1, 1]
        else:
            right = halves[:, 1].sum(axis=-1)
        return np.stack([right, halves.sum(axis=(1, 2))], axis=1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "names": self.slices,
            "num_classes": self.num_classes,
        }


def _bins(logits: Any) -> Any:
    """Returns bins, int32; the upper half takes what is above zero."""
    bent = logits / (2.0 + ops.abs(logits))
    half = NUM_BINS // 2
    bins = ops.cast(ops.floor(bent * half), "int32") + half
    # Zero is predicted as class 0, so it falls below the middle.
    bins = ops.where(logits == 0, half - 1, bins)
    return ops.clip(bins, 0, NUM_BINS - 1)


def _ratio(over: Any, under: Any) -> Any:
    return ops.where(under > 0, over / ops.maximum(under, 1.0), float("nan"))


def _binary_columns(scores: Any) -> dict[str, Any]:
    half = NUM_BINS // 2
    passed = ops.sum(scores[:, 0, :half], axis=1)
    false = ops.sum(scores[:, 0, half:], axis=1)
    missed = ops.sum(scores[:, 1, :half], axis=1)
    hits = ops.sum(scores[:, 1, half:], axis=1)
    return {
        "accuracy": _ratio(passed + hits, passed + false + missed + hits),
        "precision": _ratio(hits, hits + false),
        "recall": _ratio(hits, hits + missed),
        "f1": _ratio(2 * hits, 2 * hits + false + missed),
    }


def _area(scores: Any) -> Any:
    """Area under the ROC curve; events that share a bin count half."""
    sizes = ops.sum(scores, axis=2, keepdims=True)
    shares = scores / ops.maximum(sizes, 1.0)
    below = ops.cumsum(shares[:, 0], axis=-1) - shares[:, 0] / 2
    area = ops.sum(shares[:, 1] * below, axis=-1)
    there = ops.min(sizes[:, :, 0], axis=1) > 0
    return ops.where(there, area, float("nan"))
