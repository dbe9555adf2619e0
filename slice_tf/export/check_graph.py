"""Checks the operations of a SavedModel, without running it."""

import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

from slice_tf.export.operations import ALLOWED, PYTHON


def check_operations(
    directory: str | os.PathLike[str], allow: Sequence[str] = ()
) -> tuple[str, ...]:
    """Checks every operation of a SavedModel against the allow-list.

    The graph is looked at and so is its function library: what runs Python is
    saved without complaint and fails only when it is called elsewhere.

    Args:
        directory: A SavedModel.
        allow: Names of further operations. What runs Python is refused even
            if it is listed.

    Returns:
        The sorted names of all operations.

    Raises:
        ValueError: If there is no SavedModel, or an operation is not allowed;
            the message names the operation, its node and its function.
    """
    message = read_saved_model(pathlib.Path(directory))
    permitted = (ALLOWED | set(allow)) - PYTHON
    found, refused = set(), []
    for graph in message.meta_graphs:
        library = graph.graph_def.library.function
        own = {function.signature.name for function in library}
        for place, node in _nodes(graph.graph_def):
            if node.op in own:
                continue
            found.add(node.op)
            if node.op not in permitted:
                refused.append(f"{node.op} (node {node.name} in {place})")
    if refused:
        raise ValueError(_refusal(refused))
    return tuple(sorted(found))


def read_saved_model(directory: pathlib.Path) -> Any:
    """Returns the message of a SavedModel.

    Raises:
        ValueError: If there is none.
    """
    path = directory / "saved_model.pb"
    try:
        return saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except (FileNotFoundError, DecodeError) as error:
        raise ValueError(
            "A SavedModel must have a readable `saved_model.pb`. "
            f"Received: directory={directory}, error={error}"
        ) from error


def _nodes(graph: Any) -> Iterator[tuple[str, Any]]:
    for node in graph.node:
        yield "the graph", node
    for function in graph.library.function:
        for node in function.node_def:
            yield f"function {function.signature.name}", node


def _refusal(refused: Sequence[str]) -> str:
    listed = "; ".join(refused[:5])
    more = f"; and {len(refused) - 5} more" if len(refused) > 5 else ""
    python = any(one.partition(" ")[0] in PYTHON for one in refused)
    mend = (
        "Write what they do with TensorFlow or Keras operations; a "
        "py_function or numpy_function runs only where it was made."
        if python
        else "Name them in `allow_operations` if they only compute."
    )
    return (
        "An exported graph must consist of allowed operations, because a model "
        "server has neither your Python code nor your files. "
        f"Received: operations={listed}{more}. {mend}"
    )
