"""Runs one version of a model."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.dtypes import BY_NAME, Array, of_array
from slice_tf_serving.meta_graph import read_meta_graph, signatures_of
from slice_tf_serving.specs import SignatureSpec

_INIT = ("__saved_model_init_op", "legacy_init_op", "main_op")


class Engine:
    """A loaded SavedModel.

    It is loaded as TensorFlow Serving loads it: graph, variables, assets and
    initializer into a session, without the Python objects of
    `tf.saved_model.load`. A call is several times faster so, and errors of
    the graph read the same.

    Args:
        directory: A SavedModel, such as a version of a base directory.
        threads: Threads that one operation may use; 0 stands for all cores.
            One is the fastest for small models. It holds for the process,
            unless something has run in TensorFlow there before.

    Attributes:
        signatures: What each signature takes and gives, by name.
        signature_defs: The same as messages.

    Raises:
        ValueError: If it cannot be loaded.
    """

    def __init__(
        self, directory: str | os.PathLike[str], threads: int = 1
    ) -> None:
        path = pathlib.Path(directory)
        meta_graph = read_meta_graph(path)
        self.signature_defs = dict(meta_graph.signature_def)
        self.signatures = signatures_of(meta_graph)
        self._callables: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._session = _session(meta_graph, path, threads)

    def run(
        self,
        name: str,
        inputs: Mapping[str, Array],
        outputs: Sequence[str] = (),
    ) -> dict[str, Array]:
        """Calls a signature.

        Args:
            name: Name of the signature.
            inputs: Arrays by name; strings as objects.
            outputs: Names of the outputs to compute; none stands for all.

        Returns:
            Arrays by name.

        Raises:
            ApiError: If a name or type is wrong, or the graph refuses.
        """
        self.check(name, inputs, outputs)
        return self.run_checked(name, inputs, outputs)

    def run_checked(
        self,
        name: str,
        inputs: Mapping[str, Array],
        outputs: Sequence[str] = (),
    ) -> dict[str, Array]:
        """Calls a signature like `run`, with what `check` has let through."""
        spec = self.signatures[name]
        wanted = tuple(outputs) or tuple(spec.outputs)
        try:
            call = self._callable(name, spec, wanted)
            values = call(*(inputs[key] for key in spec.inputs))
        except tf.errors.OpError as error:
            code = Code.of_number(error.error_code)
            raise ApiError(code, error.message) from error
        except UnicodeDecodeError as error:
            # TensorFlow's message quotes an input that is no UTF-8.
            text = bytes(error.object).decode(errors="replace")
            raise invalid(text) from error
        return {
            # Of a lone string TensorFlow returns the string.
            name: np.array(one, object) if isinstance(one, bytes) else one
            for name, one in zip(wanted, values, strict=True)
        }

    def check(
        self, name: str, inputs: Mapping[str, Array], outputs: Sequence[str]
    ) -> None:
        """Refuses wrong names and types, before anything is run.

        Raises:
            ApiError: If an input is missing, unknown or of another type, or
                an output unknown or named twice.
        """
        spec = self.signatures[name]
        check_names(spec, inputs)
        _check_outputs(spec, outputs)
        _check_dtypes(spec, inputs)

    def close(self) -> None:
        """Frees the model's memory."""
        self._callables.clear()
        self._session.close()

    def _callable(
        self, name: str, spec: SignatureSpec, wanted: tuple[str, ...]
    ) -> Any:
        """Returns a function from arrays, in order, to a list of arrays.

        `Session.run` would look at types again and cast some silently, at
        seven times the cost.
        """
        key = (name, wanted)
        if key not in self._callables:
            options = config_pb2.CallableOptions(
                # In the caller's thread: handing each operation to another
                # costs more than a small model.
                run_options=config_pb2.RunOptions(inter_op_thread_pool=-1),
                feed=[one.tensor for one in spec.inputs.values()],
                fetch=[spec.outputs[output].tensor for output in wanted],
            )
            make = self._session._make_callable_from_options
            self._callables[key] = make(options)
        return self._callables[key]


def check_names(spec: SignatureSpec, inputs: Mapping[str, Any]) -> None:
    """Refuses wrong names, in TensorFlow Serving's words.

    Raises:
        ApiError: If an input is missing or unknown.
    """
    if inputs.keys() == spec.inputs.keys():
        return
    sent, needed = set(inputs), set(spec.inputs)
    if len(sent) != len(needed):
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(needed)} "
            f"len({{{_joined(sent)}}}) != len({{{_joined(needed)}}}). "
            f"Sent extra: {{{_joined(sent - needed)}}}. "
            f"Missing but required: {{{_joined(needed - sent)}}}."
        )
    for name in sorted(needed - sent):
        raise invalid(
            f"Signature input alias: {name}(feed name: "
            f"{spec.inputs[name].tensor}) not found in request and no default "
            "value provided. Inputs expected to be in the request "
            f"{{{_joined(sent)}}}, or default input alias set: "
        )


def _check_dtypes(spec: SignatureSpec, inputs: Mapping[str, Array]) -> None:
    for position, (name, one) in enumerate(spec.inputs.items()):
        received, expected = of_array(inputs[name]), BY_NAME.get(one.dtype)
        if received is None or received is not expected:
            raise invalid(
                f"Expects arg[{position}] to be "
                f"{expected.text if expected else one.dtype} but "
                f"{received.text if received else 'invalid'} is provided"
            )


def _check_outputs(spec: SignatureSpec, wanted: Sequence[str]) -> None:
    for position, name in enumerate(wanted):
        if name not in spec.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} Outputs "
                f"expected to be in the set {{{_joined(spec.outputs)}}}."
            )
        if name in wanted[:position]:
            raise invalid(f"duplicate output tensor alias: {name}")


def _joined(names: Any) -> str:
    return ",".join(sorted(names))


def _session(meta_graph: Any, path: pathlib.Path, threads: int) -> Any:
    """Returns a session with variables restored and tables filled."""
    graph = tf.Graph()
    options = config_pb2.ConfigProto(intra_op_parallelism_threads=threads)
    session = tf.compat.v1.Session(graph=graph, config=options)
    try:
        with graph.as_default():
            tf.graph_util.import_graph_def(meta_graph.graph_def, name="")
        assets = _assets(meta_graph, path)
        saver = meta_graph.saver_def
        if saver.restore_op_name:
            prefix = str(path / "variables" / "variables")
            session.run(
                saver.restore_op_name,
                {saver.filename_tensor_name: prefix, **assets},
            )
        for initializer in _initializers(meta_graph):
            session.run(initializer, assets)
    except (tf.errors.OpError, ValueError, KeyError) as error:
        session.close()
        raise ValueError(
            "A version must be whole to be loaded. "
            f"Received: version={path}, error={error}. Publish it again."
        ) from error
    return session


def _assets(meta_graph: Any, path: pathlib.Path) -> dict[str, str]:
    return {
        asset.tensor_info.name: str(path / "assets" / asset.filename)
        for asset in meta_graph.asset_file_def
    }


def _initializers(meta_graph: Any) -> list[str]:
    """Returns names of the operations that make a loaded graph ready."""
    signature = meta_graph.signature_def.get(_INIT[0])
    if signature is not None:
        return [one.name for one in signature.outputs.values()]
    for key in _INIT[1:]:
        if key in meta_graph.collection_def:
            return list(meta_graph.collection_def[key].node_list.value)
    return []
