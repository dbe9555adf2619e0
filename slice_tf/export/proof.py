"""Compares what an exported model answers with what it must answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from slice_tf.data.examples import encode
from slice_tf.export import signatures as names
from slice_tf.export.c_tensor import DTYPES, STRING, Array
from slice_tf.export.calls import Calls
from slice_tf.export.probe import Probe
from slice_tf.export.signature_defs import Signature, Tensor

BATCH_SIZES = (1, 3)


def calls_of(
    signatures: Mapping[str, Signature], features: Mapping[str, Array]
) -> Calls:
    """Returns a call of every signature with one, and with all examples.

    Args:
        signatures: Of a SavedModel.
        features: Arrays by name, of shape `[batch, ...]`.
    """
    rows = len(next(iter(features.values())))
    calls: Calls = {}
    for name, signature in signatures.items():
        for size in dict.fromkeys((1, rows)):
            few = {key: one[:size] for key, one in features.items()}
            if name not in names.DENSE:
                few = {next(iter(signature.inputs)): _serialized(few, size)}
            calls[f"{len(calls)}/{name}"] = few
    return calls


def zero_features(serving_default: Signature) -> dict[str, Array]:
    """Returns three examples of zeros."""
    return {
        name: np.full(
            (BATCH_SIZES[-1], *(size or 1 for size in (one.shape or ())[1:])),
            b"" if one.dtype == STRING else 0,
            DTYPES[one.dtype],
        )
        for name, one in serving_default.inputs.items()
    }


def check_answers(
    signatures: Mapping[str, Signature],
    calls: Calls,
    answers: Mapping[str, Mapping[str, Array]],
) -> None:
    """Checks that all outputs are as the signatures declare, and finite.

    Raises:
        ValueError: If one is not.
    """
    for call, outputs in answers.items():
        name = call.partition("/")[2]
        rows = len(next(iter(calls[call].values())))
        for key, tensor in signatures[name].outputs.items():
            fault = _fault(tensor, outputs[key], rows)
            if fault:
                raise ValueError(
                    "An exported model must answer as its signatures declare. "
                    f"Received: output={name}/{key}, {fault}"
                )


def differences(
    signatures: Mapping[str, Signature],
    answers: Mapping[str, Mapping[str, Array]],
    probe: Probe,
) -> dict[str, float]:
    """Returns how far answers are from what must be answered.

    Args:
        signatures: Of the SavedModel.
        answers: By call, outputs by name.
        probe: What must be answered.

    Returns:
        For each `<signature>/<output>` the largest difference: of numbers
        above 1 as a share of them; of classes by how much the one named is
        less likely than the best; of texts 0 or 1.
    """
    result: dict[str, float] = {}
    for call, outputs in answers.items():
        name = call.partition("/")[2]
        expected = dict(_expected(name, signatures, probe))
        for key, want in expected.items():
            got = outputs[key]
            rows = slice(len(got))
            if key == names.CLASS_IDS:
                apart = _regret(got, expected[names.PROBABILITIES][rows])
            else:
                apart = _apart(got, want[rows])
            label = f"{name}/{key}"
            result[label] = max(apart, result.get(label, 0.0))
    return result


def _expected(
    name: str, signatures: Mapping[str, Signature], probe: Probe
) -> Iterator[tuple[str, Array]]:
    """Yields expected outputs; a view's are those of what it views."""
    outputs = signatures[name].outputs
    if name in probe.outputs:
        said = probe.outputs[name]
        yield from ((key, said[key]) for key in outputs)
    elif names.HEADS in signatures:
        heads = signatures[names.HEADS].outputs
        places = {tensor.name: key for key, tensor in heads.items()}
        for key, tensor in outputs.items():
            yield key, probe.outputs[names.HEADS][places[tensor.name]]


def _fault(tensor: Tensor, array: Array, rows: int) -> str:
    dtype = DTYPES.get(tensor.dtype)
    if array.dtype != dtype:
        return f"dtype={array.dtype}, declared={dtype}"
    if not _fits(array.shape, tensor.shape) or array.shape[:1] != (rows,):
        return f"shape={array.shape}, declared={tensor.shape}, rows={rows}"
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return f"values that are not finite: {array.ravel()[:8].tolist()}"
    return ""


def _fits(shape: Sequence[int], declared: Sequence[int | None] | None) -> bool:
    return declared is None or (
        len(shape) == len(declared)
        and all(
            want in (None, size)
            for size, want in zip(shape, declared, strict=True)
        )
    )


def _regret(classes: Array, probabilities: Array) -> float:
    named = np.take_along_axis(probabilities, classes[:, None], axis=1)
    return float(np.max(probabilities.max(axis=1) - named[:, 0], initial=0))


def _apart(got: Array, want: Array) -> float:
    if got.dtype == object:
        return float(got.tolist() != want.tolist())
    scale = np.maximum(1, np.abs(want))
    return float(np.max(np.abs(got - want) / scale, initial=0))


def _serialized(features: Mapping[str, Any], rows: int) -> Array:
    records = [
        encode({name: one[row] for name, one in features.items()})
        for row in range(rows)
    ]
    return np.array([*records, None], object)[:-1]
