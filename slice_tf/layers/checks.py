"""Checks of arguments that several layers share."""

from collections.abc import Sequence
from typing import Any

from slice_tf.tasks import check_task

BASE_INDICATORS = ("zero", "learned")


def check_count(name: str, value: Any, least: int, why: str) -> int:
    """Returns an integer argument that is large enough.

    Raises:
        TypeError: If `value` is no integer.
        ValueError: If `value` is less than `least`.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(
            f"`{name}` must be an integer, because {why}. "
            f"Received: {name}={value!r}"
        )
    count = int(value.__index__())
    if count < least:
        raise ValueError(
            f"`{name}` must be at least {least}, because {why}. "
            f"Received: {name}={value}"
        )
    return count


def check_base_indicator(base_indicator: str) -> str:
    """Returns the treatment of the base slice's indicator.

    Raises:
        ValueError: If it is neither `zero` nor `learned`.
    """
    if base_indicator not in BASE_INDICATORS:
        raise ValueError(
            "`base_indicator` must be 'zero' or 'learned', because it says "
            "whether the base slice's indicator is trained. "
            f"Received: base_indicator={base_indicator!r}"
        )
    return base_indicator


def check_positions(
    name: str, positions: Sequence[int], num_slices: int
) -> tuple[int, ...]:
    """Returns positions of slices, sorted.

    Raises:
        ValueError: If one of them is no position of a slice.
    """
    outside = [one for one in positions if not 0 <= one < num_slices]
    if outside:
        raise ValueError(
            f"`{name}` must hold positions of slices, which are 0 to "
            f"{num_slices - 1}; the base slice is not among them. "
            f"Received: {name}={tuple(positions)}"
        )
    return tuple(sorted({int(one) for one in positions}))


def check_temperature(temperature: float) -> float:
    """Returns what divides the attention's scores.

    Raises:
        ValueError: If it is not positive and finite.
    """
    if not 0 < temperature < float("inf"):
        raise ValueError(
            "`temperature` must be positive and finite, because it divides "
            f"the attention's scores. Received: temperature={temperature}"
        )
    return float(temperature)


def check_rank(name: str, shape: Sequence[int | None], axes: str) -> None:
    """Refuses a tensor of another rank or of an unknown last axis.

    Args:
        name: What the tensor is called.
        shape: Its static shape.
        axes: The axes it must have, such as `[batch, dim]`.

    Raises:
        ValueError: If the rank differs or the last axis is not known.
    """
    if len(shape) != axes.count(",") + 1 or shape[-1] is None:
        raise ValueError(
            f"`{name}` must be of shape {axes} with a known last axis, "
            f"because weights are made for it. Received: shape={tuple(shape)}"
        )


def check_inputs(z_shape: Any, indicator_features_shape: Any) -> None:
    """Refuses representations that are not one vector an example.

    Raises:
        ValueError: If a tensor is of another rank.
    """
    check_rank("z", z_shape, "[batch, dim]")
    if indicator_features_shape is not None:
        shape = indicator_features_shape
        check_rank("indicator_features", shape, "[batch, dim]")


def check_num_classes(num_classes: int | None, task: str) -> int:
    """Returns the number of classes, of labels, or 1 for a number.

    Args:
        num_classes: `None` stands for 2 classes, or for a number.
        task: One of `TASKS`.

    Raises:
        TypeError: If `num_classes` is no integer.
        ValueError: If the task cannot have that many.
    """
    if check_task(task) == "regression":
        if num_classes not in (None, 1):
            raise ValueError(
                "`num_classes` must be left out where a number is predicted, "
                "because a number is of no class. Received: "
                f"num_classes={num_classes}, task='regression'"
            )
        return 1
    if task == "multi_label":
        why = "it is the number of labels an example may have"
        return check_count("num_classes", num_classes, 1, why)
    classes = 2 if num_classes is None else num_classes
    return check_count(
        "num_classes", classes, 2, "a prediction is among classes"
    )


def num_logits(num_classes: int, task: str = "classification") -> int:
    """Returns 1 for a binary task or a number, else one a class or label."""
    if task == "classification" and num_classes == 2:
        return 1
    return num_classes
