"""The paper's nine slices of street images: what a detector sees.

Source:
    Chen et al. 2019, appendix A1.5: presence of an object class.
"""

from collections.abc import Callable

from slice_tf.slicing import Row, SlicingFunction
from slice_tf.slicing.library import sees_object

# Slice: the object names that count as that class.
CLASSES = {
    "bench": r"bench(es)?",
    "truck": r"trucks?",
    "car": r"cars?",
    "bus": r"bus(es)?",
    "person": r"person|people|m[ae]n|wom[ae]n|boys?|girls?|child(ren)?|riders?",
    "traffic_light": r"(traffic|stop) ?lights?",
    "fire_hydrant": r"(fire )?hydrants?",
    "stop_sign": r"stop signs?",
    "bicycle": r"bikes?|bicycles?",
}


def sees(pattern: str) -> Callable[[Row], bool]:
    """Returns the question whether a detector saw an object of a class."""
    return lambda row: sees_object(row, pattern)


DETECTOR_SLICES = [
    SlicingFunction(
        sees(pattern),
        name=name,
        description=f"A detector sees: {name.replace('_', ' ')}",
    )
    for name, pattern in CLASSES.items()
]
