"""Slicing functions of cyclist detection: what a noisy detector saw.

They read the features `objects`, the names of detected objects, and `scores`,
the detector's score of each, which must exceed one half.

What differs from the printed pseudo-code: its detector asks one key, the text
`object`, for the score of every class; here each object has its own score.

Source:
    Chen et al. 2019, appendix A1.5, with the class names of COCO.
"""

from collections.abc import Callable

from slice_tf.slicing.function import SlicingFunction
from slice_tf.slicing.library.detections import sees_object
from slice_tf.slicing.row import Row

CLASSES = (
    "bench",
    "truck",
    "car",
    "bus",
    "person",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "bicycle",
)


def _sees(name: str) -> Callable[[Row], bool]:
    return lambda row: sees_object(row, name)


CYDET_SLICES = [
    SlicingFunction(
        _sees(name),
        name.replace(" ", "_"),
        description=f"A detector sees: {name}",
    )
    for name in CLASSES
]
