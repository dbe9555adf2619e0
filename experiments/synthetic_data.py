"""The paper's synthetic setting from many seeds, with noise and more slices.

Source:
    Chen et al. 2019, section 3.3 and figures 1, 4 and 5.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from many_seeds import Data

from slice_tf.demo.synthetic import draw_points
from slice_tf.demo.synthetic_slices import (
    NOISY_DISCS,
    in_disc,
    true_labels,
    true_membership,
)

NUM_TRAIN = 2_500


@dataclasses.dataclass(frozen=True)
class Setting:
    """What slicing functions say.

    Args:
        title: One line for the table.
        noise: Share of each slice's members that are swapped for others, at
            random. `None` takes the displaced discs of the paper instead.
        num_useless: Further slices that hold a random 1 to 10 % of the
            examples each.
    """

    title: str
    noise: float | None = None
    num_useless: int = 0


SETTINGS = {
    "displaced": Setting("slicing functions are displaced discs"),
    "noise 40 %": Setting("40 % of the members are swapped", noise=0.4),
    "noise 80 %": Setting("80 % of the members are swapped", noise=0.8),
    "100 useless": Setting("displaced, and 100 useless slices", None, 100),
}


@dataclasses.dataclass(frozen=True)
class Problem:
    """Data of many seeds and the truth about the test points.

    Args:
        data: What methods see.
        test_label: Of shape `[seeds, test examples]`.
        test_membership: Of the two true slices, `[seeds, test examples, 2]`.
    """

    data: Data
    test_label: Any
    test_membership: Any


def make_problem(
    setting: Setting, seeds: Sequence[int], num_test: int
) -> Problem:
    """Draws one data set a seed."""
    points, membership, test_points = [], [], []
    for seed in seeds:
        points.append(draw_points(NUM_TRAIN, seed))
        membership.append(_say(setting, points[-1], seed))
        test_points.append(draw_points(num_test, seed))
    return Problem(
        Data(
            np.stack(points),
            np.stack([true_labels(one) for one in points]),
            np.stack(membership).astype(np.float32),
            np.stack(test_points),
        ),
        np.stack([true_labels(one) for one in test_points]),
        np.stack([true_membership(one) for one in test_points]),
    )


def _say(setting: Setting, points: Any, seed: int) -> Any:
    """Returns what slicing functions say, of shape `[examples, slices]`."""
    rng = np.random.default_rng([seed, 1])
    if setting.noise is None:
        votes = [in_disc(points, *disc) for disc in NOISY_DISCS.values()]
    else:
        true = true_membership(points).astype(bool)
        votes = [_swapped(one, setting.noise, rng) for one in true.T]
    for _ in range(setting.num_useless):
        votes.append(rng.uniform(size=len(points)) < rng.uniform(0.01, 0.1))
    return np.stack(votes, axis=1)


def _swapped(members: Any, share: float, rng: Any) -> Any:
    inside, outside = np.flatnonzero(members), np.flatnonzero(~members)
    swapped = round(share * len(inside))
    noisy = members.copy()
    noisy[rng.choice(inside, swapped, replace=False)] = False
    noisy[rng.choice(outside, swapped, replace=False)] = True
    return noisy
