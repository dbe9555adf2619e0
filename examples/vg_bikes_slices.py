"""The paper's nine slices of street images: what a detector sees.

Source:
    Chen et al. 2019, appendix A1.5: presence of an object class.
"""

import re

from slice_tf.slicing import Row, SlicingFunction

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


class SeesObject:
    """Whether the detector saw an object of a class.

    Args:
        pattern: Regular expression that a whole object name must match.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)

    def __call__(self, row: Row) -> bool:
        _, names = row.raw("objects")
        return any(self._pattern.fullmatch(name.decode()) for name in names)


DETECTOR_SLICES = [
    SlicingFunction(
        SeesObject(pattern),
        name=name,
        description=f"A detector sees: {name.replace('_', ' ')}",
    )
    for name, pattern in CLASSES.items()
]
