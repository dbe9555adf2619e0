"""Slicing functions over scikit-learn's handwritten digits.

Four look at the pixels. Two need what exists offline only, and nothing of it
is there at serving time: a nearest-neighbour classifier with its reference
images, and the scanning room's log.
"""

import functools
from typing import Any

import numpy as np

from slice_tf.slicing import Batch, Row, slicing_function

SIDE = 8
INK = 16.0  # The darkest pixel.
NUM_REFERENCE = 297  # Images that only the classifier sees.
SHARE_OF_SCANNER_B = 0.08

_AXIS = np.arange(SIDE)


@functools.cache
def shuffled_digits() -> tuple[Any, Any]:
    """Returns all images `[1797, 64]` and labels `[1797]`, shuffled once."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    return digits.data[order].astype(np.float32), digits.target[order]


@functools.cache
def scanner_log() -> dict[int, str]:
    """Returns which machine, `A` or `B`, scanned the image of each id.

    The log is made up: scikit-learn knows of no scanner.
    """
    draws = np.random.default_rng(7).random(len(shuffled_digits()[1]))
    return {
        image: "B" if draw < SHARE_OF_SCANNER_B else "A"
        for image, draw in enumerate(draws.tolist())
    }


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


@slicing_function(
    description="From the scanner that turns sheets around (not servable)"
)
def scanner_b(row: Row) -> bool:
    """Whether the scanning room's log names the faulty machine."""
    return scanner_log()[row.int("id")] == "B"


DIGIT_SLICES = (faint, bold, off_centre, two_loops, ambiguous, scanner_b)
