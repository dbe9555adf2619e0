"""The signatures in a `MetaGraphDef`, read without importing TensorFlow."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from slice_tf.messages import make_messages

# What is read of TensorFlow's messages, under the numbers of its fields.
_META_GRAPH = make_messages(
    "slice_tf.export",
    {
        "Dim": {"size": (1, "int64")},
        "Shape": {"dim": (2, "Dim[]"), "unknown_rank": (3, "bool")},
        "TensorInfo": {
            "name": (1, "string"),
            "dtype": (2, "int32"),
            "shape": (3, "Shape"),
        },
        "SignatureDef": {
            "inputs": (1, "map TensorInfo"),
            "outputs": (2, "map TensorInfo"),
        },
        "MetaGraphDef": {"signature_def": (5, "map SignatureDef")},
    },
)["MetaGraphDef"]
_INIT = "__saved_model_init_op"


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One input or output of a signature.

    Args:
        name: Name of the tensor in the graph, such as `examples:0`.
        dtype: `DataType` of TensorFlow.
        shape: Sizes, `None` where any will do; `None` for any rank.
    """

    name: str
    dtype: int
    shape: tuple[int | None, ...] | None


@dataclasses.dataclass(frozen=True)
class Signature:
    """What a signature takes and gives, by name."""

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


def read_signatures(meta_graph: bytes) -> dict[str, Signature]:
    """Returns the signatures of a serialized `MetaGraphDef`, by name."""
    signatures = _META_GRAPH.FromString(meta_graph).signature_def
    return {
        name: Signature(_tensors(one.inputs), _tensors(one.outputs))
        for name, one in sorted(signatures.items())
        if name != _INIT
    }


def _tensors(infos: Mapping[str, Any]) -> dict[str, Tensor]:
    return {
        name: Tensor(one.name, one.dtype, _shape(one.shape))
        for name, one in sorted(infos.items())
    }


def _shape(shape: Any) -> tuple[int | None, ...] | None:
    if shape.unknown_rank:
        return None
    sizes = (dim.size for dim in shape.dim)
    return tuple(None if size < 0 else size for size in sizes)
