"""The synthetic setting of the paper's Figure 1, and its slicing functions.

Points lie uniformly in a square. A straight line parts the classes, but in
two small discs on that line the label is another one: these are the slices.
The slicing functions are discs of the same size in the wrong place, so they
are noisy on purpose.

Source:
    Chen et al. 2019, section 3.3; geometry from the authors' public
    tutorial of May 2019.
"""

from typing import Any

import numpy as np

from slice_tf.slicing import Batch, slicing_function

# Slice: (centre, radius, label inside).
TRUE_SLICES = {
    "s1": ((0.25, 0.0), 0.20, 0),
    "s2": ((-0.30, -0.50), 0.15, 1),
}
# Slicing function: (centre, radius). Each is off by about half a radius.
NOISY_DISCS = {
    "s1": ((0.35, -0.10), 0.20),
    "s2": ((-0.35, -0.40), 0.15),
}
INTERCEPT = 0.25  # Class 1 lies where x > y + INTERCEPT.


def in_disc(points: Any, centre: tuple[float, float], radius: float) -> Any:
    """Returns which of the points `[n, 2]` lie in a disc, as bools `[n]`."""
    return np.square(points - np.asarray(centre)).sum(axis=-1) < radius**2


def true_membership(points: Any) -> Any:
    """Returns who truly is in which slice, as uint8 `[n, 2]`."""
    discs = [in_disc(points, at, size) for at, size, _ in TRUE_SLICES.values()]
    return np.stack(discs, axis=1).astype(np.uint8)


def true_labels(points: Any) -> Any:
    """Returns the labels of points `[n, 2]`, as int64 `[n]`."""
    labels = (points[:, 0] > points[:, 1] + INTERCEPT).astype(np.int64)
    for centre, radius, inside in TRUE_SLICES.values():
        labels[in_disc(points, centre, radius)] = inside
    return labels


@slicing_function(batch=True, description="A disc near the first slice")
def s1(batch: Batch) -> Any:
    """Whether a point is near where the first slice is believed to be."""
    return in_disc(batch["point"], *NOISY_DISCS["s1"])


@slicing_function(batch=True, description="A disc near the second slice")
def s2(batch: Batch) -> Any:
    """Whether a point is near where the second slice is believed to be."""
    return in_disc(batch["point"], *NOISY_DISCS["s2"])


SYNTHETIC_SLICES = (s1, s2)
