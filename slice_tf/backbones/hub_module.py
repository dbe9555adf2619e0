"""SavedModels of TensorFlow Hub, found and loaded."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

_TF1_MARKER = "tfhub_module.pb"


class Described(NamedTuple):
    """A variable of a SavedModel; `path` leads to it from the root."""

    path: str
    name: str
    shape: tuple[int, ...]
    dtype: str
    trainable: bool


def find_module(handle: str) -> pathlib.Path:
    """Returns the directory of a module.

    Args:
        handle: A local directory, or a URL that TensorFlow Hub resolves: a
            page of a hub, an archive such as `https://host/module.tar.gz`, or
            a directory of another file system. What it downloads it caches
            below `TFHUB_CACHE_DIR`.

    Raises:
        FileNotFoundError: If there is no such directory.
        ImportError: If a URL is given and `tensorflow_hub` is not installed.
        ValueError: If TensorFlow Hub cannot resolve the URL.
    """
    if "://" in handle:
        return pathlib.Path(_resolve(handle))
    if not os.path.isdir(handle):
        raise FileNotFoundError(
            "A hub module must be a local directory or a URL. "
            f"Received: handle={handle}"
        )
    return pathlib.Path(handle)


def _resolve(handle: str) -> str:
    try:
        import tensorflow_hub
    except ImportError as error:
        raise ImportError(
            "A module that is named by a URL needs TensorFlow Hub to resolve "
            f"it. Received: handle={handle}. Install it with "
            "`pip install 'slice-tf[hub]'`, or pass a local directory."
        ) from error
    try:
        return str(tensorflow_hub.resolve(handle))
    except Exception as error:  # Whatever the transport raises.
        raise ValueError(
            "A module's URL must lead to a module. Received: "
            f"handle={handle}, error={type(error).__name__}: {error}"
        ) from error


def describe_variables(directory: pathlib.Path) -> list[Described]:
    """Returns the variables of a SavedModel, without loading it.

    Those are trainable that the module lists as `trainable_variables`, as
    reusable SavedModels do; without such a list, each says so itself.

    Raises:
        ValueError: If it is in TF1 Hub format, or no TF2 SavedModel.
    """
    nodes = _object_graph(directory)
    paths = _paths(nodes)
    children = {one.local_name: one.node_id for one in nodes[0].children}
    listed = None
    if "trainable_variables" in children:
        members = nodes[children["trainable_variables"]].children
        listed = {one.node_id for one in members}
    return [
        Described(
            path,
            nodes[node].variable.name,
            tuple(size.size for size in nodes[node].variable.shape.dim),
            tf.as_dtype(nodes[node].variable.dtype).name,
            nodes[node].variable.trainable
            if listed is None
            else node in listed,
        )
        for node, path in paths.items()
        if nodes[node].WhichOneof("kind") == "variable"
    ]


def _object_graph(directory: pathlib.Path) -> Any:
    if (directory / _TF1_MARKER).exists():
        raise ValueError(
            "A hub module must be a TF2 SavedModel, because one in TF1 Hub "
            "format cannot be trained or called in TensorFlow 2. Received: "
            f"directory={directory}. Take its TF2 version."
        )
    path = directory / "saved_model.pb"
    try:
        message = saved_model_pb2.SavedModel.FromString(path.read_bytes())
        nodes = message.meta_graphs[0].object_graph_def.nodes
    except (OSError, DecodeError, IndexError) as error:
        raise ValueError(
            "A hub module must be a SavedModel. "
            f"Received: directory={directory}, error={error}"
        ) from error
    if not nodes:
        raise ValueError(
            "A hub module must be a TF2 SavedModel, because only those say "
            f"what their variables are. Received: directory={directory}"
        )
    return nodes


def _paths(nodes: Any) -> dict[int, str]:
    """Returns a way to each node from the root, the shortest first."""
    paths = {0: "root"}
    for node in (queue := [0]):
        for child in nodes[node].children:
            if child.node_id not in paths:
                paths[child.node_id] = f"{paths[node]}.{child.local_name}"
                queue.append(child.node_id)
    return paths


def load_module(
    directory: pathlib.Path, variables: Mapping[str, tf.Variable]
) -> Any:
    """Loads a SavedModel that computes with variables which are there.

    Args:
        directory: A TF2 SavedModel.
        variables: Path to variable, for all that `describe_variables` lists.
            They get the values that the module was saved with.
    """
    wanted = {"root": None, **variables}
    loaded = tf.__internal__.saved_model.load_partial(str(directory), wanted)
    return loaded["root"]


def function_of(module: Any, signature: str | None, handle: str) -> Any:
    """Returns what is called: the module itself, or a signature of it.

    Raises:
        ValueError: If it has no such signature, or cannot be called.
    """
    names = ", ".join(sorted(module.signatures)) or "none"
    if signature is not None:
        if signature not in module.signatures:
            raise ValueError(
                "`signature` must be one that the module has. Received: "
                f"handle={handle}, signature={signature}, has={names}"
            )
        return module.signatures[signature]
    if not callable(module):
        raise ValueError(
            "A hub module must be callable, or `signature` must say what to "
            f"call. Received: handle={handle}, signatures={names}"
        )
    return module.__call__


def takes_training(function: Any) -> bool:
    """Tells whether a module behaves otherwise while it is trained."""
    found = getattr(function, "concrete_functions", ())
    return any("training" in one.function_type.parameters for one in found)


def resources_of(module: Any) -> list[Any]:
    """Returns lookup tables and the like."""
    kind = tf.saved_model.experimental.TrackableResource
    parts = tf.train.TrackableView(module).descendants()
    return [one for one in parts if isinstance(one, kind)]
