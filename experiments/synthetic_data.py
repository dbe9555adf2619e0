"""Planes of points whose label is another one in small discs.

Source:
    Chen et al. 2019, section 3.3 and figures 1, 3, 4 and 5.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slice_tf.demo.synthetic import draw_points
from slice_tf.demo.synthetic_slices import (
    INTERCEPT,
    NOISY_DISCS,
    TRUE_SLICES,
    in_disc,
)

NUM_TRAIN, NUM_HELD_OUT = 2_500, 1_250
Point = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Disc:
    """A slice: a disc with one label, and where it is believed to be.

    Args:
        centre: Where it is.
        radius: Of both the slice and the slicing function.
        label: Of all points inside.
        believed: Where the slicing function looks.
    """

    centre: Point
    radius: float
    label: int
    believed: Point


def authors_discs(rng: Any) -> list[Disc]:
    """Returns the two discs of the paper's figure 1."""
    return [
        Disc(centre, radius, label, NOISY_DISCS[name][0])
        for name, (centre, radius, label) in TRUE_SLICES.items()
    ]


def random_discs(number: int, radius: float) -> Callable[[Any], list[Disc]]:
    """Returns a source of discs that lie apart, with the wrong label.

    A slicing function looks half a radius beside its disc.
    """

    def draw(rng: Any) -> list[Disc]:
        discs: list[Disc] = []
        while len(discs) < number:
            centre = rng.uniform(radius - 1, 1 - radius, 2)
            gaps = [np.hypot(*(centre - one.centre)) for one in discs]
            if min(gaps, default=2.0) < 2.5 * radius:
                continue
            angle = rng.uniform(0, 2 * np.pi)
            beside = radius / 2 * np.array([np.cos(angle), np.sin(angle)])
            label = int(centre[0] <= centre[1] + INTERCEPT)
            believed = tuple(centre + beside)
            discs.append(Disc(tuple(centre), radius, label, believed))
        return discs

    return draw


@dataclasses.dataclass(frozen=True)
class Setting:
    """A kind of plane and what slicing functions say of it.

    Args:
        title: One line for the table.
        discs: Draws the discs of a seed.
        noise: Share of each slice's members that are swapped for others, at
            random. `None` takes displaced discs instead.
        named: How many discs have a slicing function; `None` is all.
        other_discs: Further slicing functions: discs with no label of their
            own.
        useless: Further slicing functions that hold a random 1 to 10 % of
            the examples each.
    """

    title: str
    discs: Callable[[Any], Sequence[Disc]] = authors_discs
    noise: float | None = None
    named: int | None = None
    other_discs: int = 0
    useless: int = 0


@dataclasses.dataclass(frozen=True)
class Sample:
    """Examples of many seeds, seeds along the first axis.

    Args:
        points: Of shape `[seeds, examples, 2]`.
        label: Integers, of shape `[seeds, examples]`.
        membership: Zeros and ones, `[seeds, examples, slices]`: what slicing
            functions say, or at test the truth about every disc.
    """

    points: Any
    label: Any
    membership: Any


@dataclasses.dataclass(frozen=True)
class Problem:
    """What methods learn from, choose on, and are tested on."""

    train: Sample
    held_out: Sample
    test: Sample

    @property
    def num_seeds(self) -> int:
        """How many data sets there are."""
        return len(self.train.label)


def make_problem(
    setting: Setting, seeds: Sequence[int], num_test: int
) -> Problem:
    """Draws one data set a seed."""
    parts: list[list[Any]] = [[], [], []]
    for seed in seeds:
        discs = setting.discs(np.random.default_rng([seed, 2]))
        for part, size in zip(parts, (NUM_TRAIN, NUM_HELD_OUT), strict=False):
            points = draw_points(size, seed)
            says = _say(setting, discs, points, seed)
            part.append((points, labels_of(points, discs), says))
        points = draw_points(num_test, seed)
        true = np.stack(_inside(points, discs), axis=1)
        parts[2].append((points, labels_of(points, discs), true))
    return Problem(
        *(
            Sample(*(np.stack(column) for column in zip(*part, strict=True)))
            for part in parts
        )
    )


def labels_of(points: Any, discs: Sequence[Disc]) -> Any:
    """Returns the labels of points `[n, 2]`, as int64 `[n]`."""
    labels = (points[:, 0] > points[:, 1] + INTERCEPT).astype(np.int64)
    for disc in discs:
        labels[in_disc(points, disc.centre, disc.radius)] = disc.label
    return labels


def _inside(points: Any, discs: Sequence[Disc]) -> list[Any]:
    return [in_disc(points, one.centre, one.radius) for one in discs]


def _say(
    setting: Setting, discs: Sequence[Disc], points: Any, seed: int
) -> Any:
    """Returns float32 `[examples, slices]`."""
    rng = np.random.default_rng([seed, 1])
    named = discs[: setting.named]
    if setting.noise is None:
        says = [in_disc(points, one.believed, one.radius) for one in named]
    else:
        true = _inside(points, named)
        says = [_swapped(one, setting.noise, rng) for one in true]
    for _ in range(setting.other_discs):
        centre, radius = rng.uniform(-1, 1, 2), rng.uniform(0.1, 0.2)
        says.append(in_disc(points, centre, radius))
    for _ in range(setting.useless):
        says.append(rng.uniform(size=len(points)) < rng.uniform(0.01, 0.1))
    return np.stack(says, axis=1).astype(np.float32)


def _swapped(members: Any, share: float, rng: Any) -> Any:
    inside, outside = np.flatnonzero(members), np.flatnonzero(~members)
    swapped = round(share * len(inside))
    noisy = members.copy()
    noisy[rng.choice(inside, swapped, replace=False)] = False
    noisy[rng.choice(outside, swapped, replace=False)] = True
    return noisy
