"""Checks what a slicer is given, and tells errors from it."""

from typing import Any

import numpy as np

# Rows read at once, from memory or from a mapped file.
BLOCK = 8192
_TOLERANCE = 1e-3


def blocks(num_rows: int, size: int = BLOCK) -> list[slice]:
    """Returns consecutive slices that cover `num_rows` rows."""
    return [slice(i, i + size) for i in range(0, num_rows, size)]


def as_rows(embeddings: Any, count: int) -> Any:
    """Returns what an encoder made of `count` examples as `[count, dim]`.

    Raises:
        ValueError: If it is not one row, of any shape, for each example.
    """
    rows = np.asarray(embeddings)
    if rows.shape[:1] != (count,):
        raise ValueError(
            "What embeds must return a row for each example, because scores "
            f"belong to them in order. Received: shape={rows.shape}, "
            f"examples={count}"
        )
    return rows.reshape(count, -1)


def check_embeddings(
    embeddings: Any, dim: int | None = None, asker: str = "the slicer"
) -> Any:
    """Returns embeddings as an array, mapped files as they are.

    Args:
        embeddings: Numbers of shape `[rows, dim]`.
        dim: Dimension that a fitted slicer expects. None allows any.
        asker: Who expects it, for the message.

    Raises:
        ValueError: If the shape is wrong, there is no row, or a value is not
            finite; the message names the first such row.
    """
    from sklearn.utils.validation import check_array

    if isinstance(embeddings, np.memmap):
        found = embeddings
    else:
        found = check_array(
            embeddings,
            dtype=[np.float64, np.float32, np.float16],
            ensure_all_finite=False,
        )
    if found.ndim != 2 or 0 in found.shape:
        raise ValueError(
            "Embeddings must be of shape [rows, dim] and not empty. Received: "
            f"shape={found.shape}"
        )
    if dim is not None and found.shape[1] != dim:
        raise ValueError(
            "Embeddings must come from the encoder that the slicer was fitted "
            f"with. X has {found.shape[1]} features, but {asker} is expecting "
            f"{dim} features as input. Received: "
            f"shape={found.shape}"
        )
    for rows in blocks(len(found)):
        finite = np.isfinite(found[rows]).all(axis=1)
        if not finite.all():
            first = rows.start + int(np.flatnonzero(~finite)[0])
            raise ValueError(
                "Embeddings must be finite, without NaN or infinity, because "
                "one such row moves every slice. Received: "
                f"row={first}, bad rows in its block={int((~finite).sum())}"
            )
    return found


def check_predictions(
    labels: Any, probabilities: Any, num_rows: int
) -> tuple[Any, Any]:
    """Returns labels `[rows]` and probabilities `[rows, classes]`.

    Args:
        labels: Class of each row, a whole number from 0.
        probabilities: Of shape `[rows, classes]`, each row summing to one, or
            of shape `[rows]` with those of class 1.
        num_rows: Number of embeddings.

    Raises:
        ValueError: If shapes, labels or sums do not fit.
    """
    if labels is None or probabilities is None:
        raise ValueError(
            "A slicer needs the labels and the model's probabilities, because "
            "slices are found where they differ. Received: labels="
            f"{_shape(labels)}, probabilities={_shape(probabilities)}. In "
            "scikit-learn's words, it requires y to be passed, but the target "
            "y is None."
        )
    chances = np.asarray(probabilities, np.float64)
    if chances.ndim == 1:
        chances = np.stack([1 - chances, chances], axis=1)
    truth = np.asarray(labels)
    if truth.shape != (num_rows,) or chances.shape[:1] != (num_rows,):
        raise ValueError(
            "Embeddings, labels and probabilities must have as many rows each. "
            f"Received: embeddings={num_rows}, labels={truth.shape}, "
            f"probabilities={chances.shape}"
        )
    if chances.ndim != 2 or chances.shape[1] < 2:
        raise ValueError(
            "Probabilities must be of shape [rows, classes] or [rows]. "
            f"Received: shape={chances.shape}"
        )
    _check_chances(chances)
    return _check_labels(truth, chances.shape[1]), chances


def error_of(labels: Any, probabilities: Any) -> Any:
    """Returns how probable a wrong prediction is, of shape `[rows]`."""
    return 1 - probabilities[np.arange(len(labels)), labels]


def _check_chances(chances: Any) -> None:
    off = np.abs(chances.sum(axis=1) - 1) > _TOLERANCE
    wrong = off | ~((chances >= -_TOLERANCE).all(axis=1))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            "Probabilities must lie between 0 and 1 and sum to one in each "
            f"row. Received: row={first}, probabilities="
            f"{chances[first].tolist()}, wrong rows={int(wrong.sum())}. Apply "
            "a softmax to logits first."
        )


def _check_labels(truth: Any, num_classes: int) -> Any:
    if truth.dtype.kind not in "biuf":
        raise ValueError(
            "Labels must be whole numbers, the columns of the probabilities. "
            f"Received: dtype={truth.dtype}"
        )
    broken = ~np.isfinite(truth) | (truth != np.floor(truth))
    if broken.any():
        first = int(broken.argmax())
        raise ValueError(
            "Labels must be whole numbers, the columns of the probabilities. "
            f"Received: row={first}, label={truth[first]}"
        )
    whole = truth.astype(np.int64)
    if whole.min() < 0 or whole.max() >= num_classes:
        raise ValueError(
            "Labels must be columns of the probabilities. Received: "
            f"labels from {whole.min()} to {whole.max()}, "
            f"classes={num_classes}"
        )
    return whole


def _shape(values: Any) -> Any:
    return None if values is None else np.shape(values)
