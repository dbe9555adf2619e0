"""What a client checks before anything is sent."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slice_tf.near_miss import did_you_mean
from slice_tf_serving.dtypes import BY_NAME, Array, of_array
from slice_tf_serving.specs import SignatureSpec, TensorSpec


def prepared(
    inputs: Mapping[str, Any],
    signatures: Mapping[str, SignatureSpec],
    signature: str,
    outputs: Sequence[str],
    batch_size: int | None,
) -> tuple[SignatureSpec, list[dict[str, Array]]]:
    """Returns a signature, and the inputs of the requests to send.

    Raises:
        TypeError: If a type is wrong.
        ValueError: If a name, shape or the size is wrong.
    """
    check_names("signature", [signature], signatures, "the model")
    spec = signatures[signature]
    arrays = checked(inputs, spec, signature)
    check_names("outputs", outputs, spec.outputs, signature)
    return spec, split(arrays, batch_size)


def joined(answers: Sequence[dict[str, Array]]) -> dict[str, Array]:
    """Returns the answers to parts of a batch as one."""
    if len(answers) == 1:
        return answers[0]
    return {
        name: np.concatenate([answer[name] for answer in answers])
        for name in answers[0]
    }


def split(
    arrays: Mapping[str, Array], batch_size: int | None
) -> list[dict[str, Array]]:
    """Returns parts of at most so many rows.

    Raises:
        ValueError: If the size is not positive, or inputs have no rows or not
            the same number.
    """
    if batch_size is None:
        return [dict(arrays)]
    if batch_size < 1:
        raise ValueError(
            f"`batch_size` must be positive. Received: batch_size={batch_size}"
        )
    sizes = {array.shape[:1] for array in arrays.values()}
    if len(sizes) != 1 or sizes == {()}:
        raise ValueError(
            "Inputs must have the same number of rows to be split. Received: "
            f"shapes={ {name: one.shape for name, one in arrays.items()} }"
        )
    rows = int(next(iter(sizes))[0])
    return [
        {name: array[at : at + batch_size] for name, array in arrays.items()}
        for at in range(0, max(rows, 1), batch_size)
    ]


def checked(
    inputs: Mapping[str, Any], spec: SignatureSpec, signature: str
) -> dict[str, Array]:
    """Returns arrays that fit a signature.

    Raises:
        TypeError: If a type is wrong.
        ValueError: If a name or shape is wrong, or an input missing.
    """
    check_names("inputs", inputs, spec.inputs, signature)
    missing = [name for name in spec.inputs if name not in inputs]
    if missing:
        raise ValueError(
            "A request must hold every input of its signature. "
            f"Received: signature={signature}, missing={', '.join(missing)}"
        )
    return {
        name: _array(name, inputs[name], one)
        for name, one in spec.inputs.items()
    }


def check_names(
    what: str, names: Any, known: Mapping[str, Any], where: str
) -> None:
    """Refuses names that are not known, and says which is near.

    Raises:
        ValueError: If there is one.
    """
    for name in names:
        if name in known:
            continue
        raise ValueError(
            f"`{what}` must be among those of {where}, which are "
            f"{', '.join(known)}. Received: {what}={name!r}."
            f"{did_you_mean(name, known)}"
        )


def _array(name: str, value: Any, spec: TensorSpec) -> Array:
    dtype = BY_NAME.get(spec.dtype)
    is_array = isinstance(value, (np.ndarray, np.generic))
    array = np.asarray(value)
    expected = np.dtype(dtype.array) if dtype else None
    if expected is not None and not is_array and expected.kind != "O":
        array = _cast(array, expected)
    if dtype is None or of_array(array) is not dtype:
        wanted = dtype.text if dtype else spec.dtype
        raise TypeError(
            "An input must be of the type that the signature declares, "
            "because nothing is cast unseen. Received: "
            f"input={name}, dtype={array.dtype}, expected={wanted}"
        )
    if not spec.accepts(array.shape):
        sizes = spec.shape or ()
        shape = ", ".join("any" if s is None else str(s) for s in sizes)
        raise ValueError(
            "An input must be of the shape that the signature declares. "
            f"Received: input={name}, shape={array.shape}, expected=({shape})"
        )
    return array


def _cast(array: Array, expected: Any) -> Array:
    """Casts what came as a list, unless that would change values."""
    if np.can_cast(array.dtype, expected, "same_kind") or not array.size:
        return array.astype(expected)
    return array
