"""Questions about what an object detector saw in an image."""

import re

from slice_tf.slicing.row import Row


def sees_object(
    row: Row,
    pattern: str,
    objects: str = "objects",
    scores: str = "scores",
    threshold: float = 0.5,
) -> bool:
    """Tells whether a detector saw an object of some name.

    Args:
        row: An image's example.
        pattern: Regular expression that a whole object name must match.
        objects: Feature with the names of all objects; one that has no value
            is an image without objects.
        scores: Feature with the detector's score of each object. Where it is
            missing, all objects count.
        threshold: What a score must exceed.

    Raises:
        ValueError: If there are not as many scores as objects.
    """
    _, names = row.raw(objects)
    seen = [re.fullmatch(pattern, name.decode()) is not None for name in names]
    found = row.floats(scores, default=None)
    if found is None:
        return any(seen)
    if len(found) != len(seen):
        raise ValueError(
            "A detector must score each object that it names. Received: "
            f"{objects}={len(seen)}, {scores}={len(found)}"
        )
    return any(
        one and score > threshold
        for one, score in zip(seen, found.tolist(), strict=True)
    )
