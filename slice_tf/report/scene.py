"""What there is to draw of a task in the plane."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Disc:
    """A slice of the plane.

    Args:
        centre: Its two coordinates.
        radius: In the same unit.
    """

    centre: tuple[float, float]
    radius: float


@dataclasses.dataclass(frozen=True)
class Scene:
    """Points, their labels, and where slices truly are.

    Args:
        points: Of shape `[n, 2]`, in the square from -1 to 1.
        labels: 0 or 1, of shape `[n]`.
        memberships: What slicing functions say, 0 or 1, `[n, slices]`.
        slices: Name to true slice, in the order of `memberships`.
    """

    points: Any
    labels: Any
    memberships: Any
    slices: Mapping[str, Disc]


@dataclasses.dataclass(frozen=True)
class Regions:
    """What two models say everywhere in the square.

    Args:
        axis: Coordinates of the grid's columns, and of its rows, `[grid]`.
        vanilla: Probability of class 1, of shape `[grid, grid]`: row is the
            second coordinate.
        slice_aware: The same of the slice-aware model.
    """

    axis: Any
    vanilla: Any
    slice_aware: Any


def check_shapes(scene: Scene, regions: Regions) -> None:
    """Refuses arrays that do not belong together.

    Raises:
        ValueError: If a shape is another than the rest calls for.
    """
    n, m = len(scene.points), len(regions.axis)
    for name, array, shape in (
        ("points", scene.points, (n, 2)),
        ("labels", scene.labels, (n,)),
        ("memberships", scene.memberships, (n, len(scene.slices))),
        ("vanilla", regions.vanilla, (m, m)),
        ("slice_aware", regions.slice_aware, (m, m)),
    ):
        if np.shape(array) != shape:
            raise ValueError(
                f"`{name}` must be of shape {shape}. "
                f"Received: {name}.shape={np.shape(array)}"
            )
