"""What a model learns from: labels and slice membership."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras import KerasTensor, ops

_EXAMPLE = (
    'Pass a dict: {"label": [batch] integers, "membership": [batch, slices] '
    'zeros and ones, "known": the same shape, optional}'
)


@dataclasses.dataclass(frozen=True)
class Targets:
    """Checked targets of a batch.

    Args:
        label: Integers, of shape `[batch]`.
        membership: Float32 zeros and ones, of shape `[batch, slices]`; 0
            where it is not known.
        known: Float32 zeros and ones, of shape `[batch, slices]`.
    """

    label: Any
    membership: Any
    known: Any


def read_targets(targets: Any, num_slices: int) -> Targets:
    """Returns checked targets.

    Args:
        targets: A dict of `label`, `membership` and, optionally, `known`.
            Without slices, `membership` may be left out.
        num_slices: Length of the slice axis.

    Raises:
        TypeError: If `targets` is no dict.
        ValueError: If a part is missing or of another shape.
    """
    if not isinstance(targets, Mapping):
        raise TypeError(
            "Targets must be a dict, because slices are learned besides the "
            f"label. Received: type={type(targets).__name__}. {_EXAMPLE}."
        )
    label = _label(targets)
    if not num_slices:
        nothing = ops.zeros((ops.shape(label)[0], 0), "float32")
        return Targets(label, nothing, nothing)
    membership = _mask(targets, "membership", num_slices)
    if targets.get("known") is None:
        return Targets(label, membership, ops.ones_like(membership))
    known = _mask(targets, "known", num_slices)
    # `where`, not a product: what is not known may even be NaN.
    membership = ops.where(known > 0, membership, 0.0)
    return Targets(label, membership, known)


def check_label(label: Any) -> None:
    """Refuses labels that are no integers.

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


def _label(targets: Mapping[str, Any]) -> Any:
    label = _part(targets, "label")
    if len(label.shape) == 2 and label.shape[1] == 1:
        label = label[:, 0]
    if len(label.shape) != 1:
        raise ValueError(
            "`label` must be of shape [batch], because an example has one "
            f"class. Received: shape={tuple(label.shape)}"
        )
    return label


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
