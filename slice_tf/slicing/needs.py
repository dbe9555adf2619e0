"""Whether examples have what slicing functions read."""

from collections.abc import Sequence

from slice_tf.slicing.function import SlicingFunction
from slice_tf.slicing.row import Row, missing


def check_needs(functions: Sequence[SlicingFunction], row: Row) -> None:
    """Refuses an example that lacks what a function says it needs.

    Ask it about the first example of a long job: a misspelled feature then
    stops the job at its start, instead of leaving every example unknown.

    Args:
        functions: The slicing functions.
        row: An example like all others.

    Raises:
        ValueError: If a feature in a function's `needs` is missing; the
            message names both.
    """
    for function in functions:
        for key in function.needs:
            if key not in row:
                raise ValueError(f"{function.name}: {missing(key, row.keys())}")
