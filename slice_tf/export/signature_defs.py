"""The signatures in a `MetaGraphDef`, read without importing TensorFlow."""

import dataclasses
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
)

# What is read of TensorFlow's messages, under the numbers of its fields. In a
# pool of its own, so that TensorFlow may register the originals besides.
_FIELDS = """
name: "slice_tf/meta_graph.proto" package: "slice_tf" syntax: "proto3"
message_type {
  name: "Shape"
  nested_type {
    name: "Dim"
    field { name: "size" number: 1 type: TYPE_INT64 }
  }
  field {
    name: "dim" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE
    type_name: ".slice_tf.Shape.Dim"
  }
  field { name: "unknown_rank" number: 3 type: TYPE_BOOL }
}
message_type {
  name: "TensorInfo"
  field { name: "name" number: 1 type: TYPE_STRING }
  field { name: "dtype" number: 2 type: TYPE_INT32 }
  field {
    name: "shape" number: 3 type: TYPE_MESSAGE type_name: ".slice_tf.Shape"
  }
}
message_type {
  name: "Named"
  field { name: "key" number: 1 type: TYPE_STRING }
  field {
    name: "value" number: 2 type: TYPE_MESSAGE
    type_name: ".slice_tf.TensorInfo"
  }
}
message_type {
  name: "SignatureDef"
  field {
    name: "inputs" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE
    type_name: ".slice_tf.Named"
  }
  field {
    name: "outputs" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE
    type_name: ".slice_tf.Named"
  }
}
message_type {
  name: "MetaGraphDef"
  nested_type {
    name: "Signature"
    field { name: "key" number: 1 type: TYPE_STRING }
    field {
      name: "value" number: 2 type: TYPE_MESSAGE
      type_name: ".slice_tf.SignatureDef"
    }
  }
  field {
    name: "signature_def" number: 5 label: LABEL_REPEATED type: TYPE_MESSAGE
    type_name: ".slice_tf.MetaGraphDef.Signature"
  }
}
"""
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
    message = _MetaGraphDef.FromString(meta_graph)
    return {
        one.key: Signature(
            _tensors(one.value.inputs), _tensors(one.value.outputs)
        )
        for one in sorted(message.signature_def, key=lambda one: one.key)
        if one.key != _INIT
    }


def _tensors(named: Any) -> dict[str, Tensor]:
    return {
        one.key: Tensor(one.value.name, one.value.dtype, _shape(one.value))
        for one in sorted(named, key=lambda one: one.key)
    }


def _shape(info: Any) -> tuple[int | None, ...] | None:
    if info.shape.unknown_rank:
        return None
    sizes = (dim.size for dim in info.shape.dim)
    return tuple(None if size < 0 else size for size in sizes)


def _build() -> Any:
    file = text_format.Parse(_FIELDS, descriptor_pb2.FileDescriptorProto())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("slice_tf.MetaGraphDef")
    )


_MetaGraphDef = _build()
