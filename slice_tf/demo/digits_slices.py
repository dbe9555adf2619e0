"""Slicing functions over scikit-learn's handwritten digits.

Six ways in which a digit can be badly written. The last one asks a
nearest-neighbour classifier that only the Beam job holds, reference images
and all: nothing of it is there at serving time.
"""

import functools
from typing import Any

import numpy as np

from slice_tf.slicing import Batch, Row, slicing_function

SIDE = 8
INK = 16.0  # The darkest pixel.
NUM_REFERENCE = 297  # Images that only the classifier sees.

_AXIS = np.arange(SIDE)


@functools.cache
def shuffled_digits() -> tuple[Any, Any]:
    """Returns all images `[1797, 64]` and labels `[1797]`, shuffled once."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    return digits.data[order].astype(np.float32), digits.target[order]


@functools.cache
def _reference_classifier() -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    images, labels = shuffled_digits()
    reference = slice(0, NUM_REFERENCE)
    return KNeighborsClassifier(10).fit(images[reference], labels[reference])


def _pixels(row: Row) -> Any:
    return row.floats("image").reshape(SIDE, SIDE)


@slicing_function(description="Little ink: less than 26 % of full black")
def faint(row: Row) -> bool:
    """Whether the pen left little ink."""
    return bool(_pixels(row).mean() < 0.26 * INK)


@slicing_function(description="Much ink: more than 34.5 % of full black")
def bold(row: Row) -> bool:
    """Whether the strokes are thick."""
    return bool(_pixels(row).mean() > 0.345 * INK)


@slicing_function(description="Ink lies 0.45 pixels or more to the right")
def off_centre(row: Row) -> bool:
    """Whether the digit sits to the right of its box's centre."""
    ink = _pixels(row).sum(axis=0)
    return bool(ink @ _AXIS / ink.sum() > (SIDE - 1) / 2 + 0.45)


@slicing_function(description="Leans to the right by 6.5 degrees or more")
def slanted(row: Row) -> bool:
    """Whether the strokes lean to the right, as in a hasty 7."""
    image = _pixels(row)
    columns, rows = image.sum(axis=0), image.sum(axis=1)
    x = _AXIS - columns @ _AXIS / image.sum()
    y = _AXIS - rows @ _AXIS / image.sum()
    shear = (y @ image @ x) / (rows @ y**2)
    return bool(shear < -np.tan(np.radians(6.5)))


@slicing_function(description="Ink encloses two areas or more")
def two_loops(row: Row) -> bool:
    """Whether strokes close twice, as in an 8 and in sloppy other digits."""
    from scipy import ndimage

    paper = np.pad(_pixels(row) <= INK / 4, 1, constant_values=True)
    _, outside_and_loops = ndimage.label(paper)
    return bool(outside_and_loops > 2)


@slicing_function(
    batch=True,
    description="At most 6 of 10 nearest reference images agree (not servable)",
)
def ambiguous(batch: Batch) -> Any:
    """Whether a classifier held by the job finds the digit ambiguous."""
    classifier = _reference_classifier()
    return classifier.predict_proba(batch["image"]).max(axis=1) <= 0.6


DIGIT_SLICES = (faint, bold, off_centre, slanted, two_loops, ambiguous)
