"""What a signature takes and gives, read from a `SignatureDef`."""

import dataclasses
from collections.abc import Mapping
from typing import Any

INTERNAL = "__saved_model_"

Shape = tuple[int | None, ...] | None


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """One input or output of a signature.

    Args:
        dtype: Name of its type, such as `DT_FLOAT`.
        shape: Its sizes, `None` where any is right; `None` for any rank.
        tensor: Name of the tensor in the graph.
    """

    dtype: str
    shape: Shape
    tensor: str

    def accepts(self, shape: tuple[int, ...]) -> bool:
        """Tells whether an array of that shape fits."""
        if self.shape is None:
            return True
        return len(self.shape) == len(shape) and all(
            mine in (None, theirs)
            for mine, theirs in zip(self.shape, shape, strict=True)
        )


@dataclasses.dataclass(frozen=True)
class SignatureSpec:
    """Inputs and outputs of a signature, each by name and sorted by it."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SignatureSpec":
        """Reads the JSON form of a `SignatureDef`."""
        return cls(
            _tensors(values.get("inputs", {})),
            _tensors(values.get("outputs", {})),
        )


def signatures_from_dict(
    values: Mapping[str, Any],
) -> dict[str, SignatureSpec]:
    """Reads the JSON form of a map of `SignatureDef`s."""
    return {
        name: SignatureSpec.from_dict(one)
        for name, one in sorted(values.items())
    }


def callable_signatures(
    values: Mapping[str, Any],
) -> dict[str, SignatureSpec]:
    """Reads the same, without what TensorFlow keeps there for itself."""
    signatures = signatures_from_dict(values)
    return {
        name: one
        for name, one in signatures.items()
        if not name.startswith(INTERNAL)
    }


def _tensors(values: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(
            one.get("dtype", "DT_INVALID"),
            _shape(one.get("tensor_shape", {})),
            one.get("name", ""),
        )
        for name, one in sorted(values.items())
    }


def _shape(values: Mapping[str, Any]) -> Shape:
    if values.get("unknown_rank"):
        return None
    sizes = [int(one.get("size", 0)) for one in values.get("dim", ())]
    return tuple(None if size < 0 else size for size in sizes)
