"""What a model learns from: labels and slice membership."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
from keras import KerasTensor, ops

_EXAMPLE = (
    'Pass a dict: {"label": [batch] integers, "membership": [batch, slices] '
    'zeros and ones, "known": the same shape, optional}'
)


@dataclasses.dataclass(frozen=True)
class Targets:
    """Checked targets of a batch.

    Args:
        label: Integers, of shape `[batch]`; float32 `[batch, labels]` of a
            multi-label task, and `[batch, 1]` where it is a number.
        membership: Float32 zeros and ones, of shape `[batch, slices]`; 0
            where it is not known.
        known: Float32 zeros and ones, of shape `[batch, slices]`.
        soft_label: Float32 probabilities, of shape `[batch, classes]`, of
            which `label` is the likeliest; `None` where labels are integers.
    """

    label: Any
    membership: Any
    known: Any
    soft_label: Any = None

    @property
    def learned_label(self) -> Any:
        """What a loss compares logits with."""
        return self.label if self.soft_label is None else self.soft_label


def read_targets(
    targets: Any,
    num_slices: int,
    num_classes: int,
    task: str = "classification",
) -> Targets:
    """Returns checked targets.

    Args:
        targets: A dict of `label`, `membership` and, optionally, `known`.
            Without slices, `membership` may be left out.
        num_slices: Length of the slice axis.
        num_classes: Width of a label of probabilities, or of several.
        task: What a label is.

    Raises:
        TypeError: If `targets` is no dict.
        ValueError: If a part is missing or of another shape.
    """
    if not isinstance(targets, Mapping):
        raise TypeError(
            "Targets must be a dict, because slices are learned besides the "
            f"label. Received: type={type(targets).__name__}. {_EXAMPLE}."
        )
    label, soft_label = _LABELS[task](targets, num_classes)
    masks = _masks(targets, num_slices, ops.shape(label)[0])
    return Targets(label, *masks, soft_label)


def _masks(
    targets: Mapping[str, Any], num_slices: int, batch_size: Any
) -> tuple[Any, Any]:
    if not num_slices:
        nothing = ops.zeros((batch_size, 0), "float32")
        return nothing, nothing
    membership = _mask(targets, "membership", num_slices)
    if targets.get("known") is None:
        return membership, ops.ones_like(membership)
    known = _mask(targets, "known", num_slices)
    # `where`, not a product: what is not known may even be NaN.
    return ops.where(known > 0, membership, 0.0), known


def check_label(label: Any) -> None:
    """Refuses labels of classes that are no integers.

    It stands apart because Keras, under `tf.distribute`, builds metrics with
    the mean of two replicas' labels, which is none.

    Raises:
        TypeError: If they are of another dtype.
    """
    if "int" not in str(label.dtype):
        raise TypeError(
            "`label` must be integers from 0 to num_classes - 1, because it "
            f"names a class. Received: dtype={label.dtype}. "
            "Cast it, or take the argmax of one-hot labels."
        )


def _class(targets: Mapping[str, Any], num_classes: int) -> tuple[Any, Any]:
    label = _part(targets, "label")
    is_float = "float" in keras.backend.standardize_dtype(label.dtype)
    if is_float and tuple(label.shape[1:]) == (num_classes,):
        soft_label = ops.cast(label, "float32")
        return ops.argmax(soft_label, axis=-1), soft_label
    if len(label.shape) == 2 and label.shape[1] == 1:
        label = label[:, 0]
    if len(label.shape) != 1:
        raise ValueError(
            "`label` must be of shape [batch], because an example has one "
            "class, or hold float probabilities of shape [batch, "
            f"{num_classes}]. Received: shape={tuple(label.shape)}, "
            f"dtype={label.dtype}"
        )
    return label, None


def _several(targets: Mapping[str, Any], num_classes: int) -> tuple[Any, Any]:
    label = _part(targets, "label")
    if len(label.shape) != 2 or label.shape[1] != num_classes:
        raise ValueError(
            "`label` of a multi-label task must be of shape [batch, "
            f"{num_classes}], 1 where a label applies and 0 where not. "
            f"Received: shape={tuple(label.shape)}"
        )
    return ops.cast(label, "float32"), None


def _number(targets: Mapping[str, Any], num_classes: int) -> tuple[Any, Any]:
    label = _part(targets, "label")
    if len(label.shape) == 1:
        label = label[:, None]
    if len(label.shape) != 2 or label.shape[1] != num_classes:
        raise ValueError(
            "`label` must be of shape [batch], because one number an example "
            f"is predicted. Received: shape={tuple(label.shape)}"
        )
    return ops.cast(label, "float32"), None


_LABELS = {
    "classification": _class,
    "multi_label": _several,
    "regression": _number,
}


def _mask(targets: Mapping[str, Any], key: str, num_slices: int) -> Any:
    mask = _part(targets, key)
    if len(mask.shape) != 2 or mask.shape[1] != num_slices:
        raise ValueError(
            f"`{key}` must be of shape [batch, slices], because slices are "
            f"paired by position. Received: shape={tuple(mask.shape)}, "
            f"slices={num_slices}"
        )
    return ops.cast(mask, "float32")


def _part(targets: Mapping[str, Any], key: str) -> Any:
    part = targets.get(key)
    if part is None:
        raise ValueError(
            f"Targets must hold `{key}`. "
            f"Received: keys={', '.join(sorted(targets))}. {_EXAMPLE}."
        )
    is_tensor = isinstance(part, KerasTensor) or ops.is_tensor(part)
    return part if is_tensor else ops.convert_to_tensor(part)
