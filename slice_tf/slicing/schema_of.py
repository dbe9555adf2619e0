"""From slicing functions to the schema of their slices."""

from collections.abc import Sequence

from slice_tf.schema import Slice, SliceSchema
from slice_tf.slicing.function import SlicingFunction


def schema_of(functions: Sequence[SlicingFunction]) -> SliceSchema:
    """Returns the schema whose slice i is what function i says.

    Raises:
        TypeError: If one is no slicing function.
        ValueError: If there is no function, or two name the same slice.
    """
    for one in functions:
        if not isinstance(one, SlicingFunction):
            raise TypeError(
                "A schema must be made of slicing functions. Received: "
                f"function={one!r}. Decorate it with `@slicing_function`."
            )
    if not functions:
        raise ValueError(
            "There must be at least one slicing function, because a schema "
            "without slices describes nothing. Received: functions=none"
        )
    return SliceSchema(
        tuple(
            Slice(
                name=one.name,
                description=one.description,
                owner=one.owner,
                slicing_function=one.import_path,
                slicing_function_fingerprint=one.fingerprint,
            )
            for one in functions
        )
    )
