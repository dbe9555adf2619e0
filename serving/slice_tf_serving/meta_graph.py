"""The graph for serving in a `saved_model.pb`, read without loading it."""

import os
import pathlib
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from slice_tf_serving.specs import SignatureSpec, signatures_from_dict

_TAG = "serve"


def read_meta_graph(directory: str | os.PathLike[str]) -> Any:
    """Returns the `MetaGraphDef` that is tagged for serving.

    Raises:
        ValueError: If there is no such SavedModel.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    path = pathlib.Path(directory)
    try:
        content = (path / "saved_model.pb").read_bytes()
        message = saved_model_pb2.SavedModel.FromString(content)
    except (OSError, DecodeError) as error:
        raise ValueError(
            "A SavedModel must hold a readable `saved_model.pb`. "
            f"Received: directory={path}, error={error}"
        ) from error
    for meta_graph in message.meta_graphs:
        if _TAG in meta_graph.meta_info_def.tags:
            return meta_graph
    tags = [list(one.meta_info_def.tags) for one in message.meta_graphs]
    raise ValueError(
        f"A SavedModel must hold a graph tagged `{_TAG}`. "
        f"Received: directory={path}, tags={tags}"
    )


def signatures_of(meta_graph: Any) -> dict[str, SignatureSpec]:
    """Returns what each signature takes and gives, by name."""
    return signatures_from_dict(
        {
            name: json_format.MessageToDict(
                one, preserving_proto_field_name=True
            )
            for name, one in meta_graph.signature_def.items()
        }
    )
