"""A SavedModel in TensorFlow's C library, as TensorFlow Serving runs it."""

import contextlib
import ctypes
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from slice_tf.export.c_library import Output, Status, load_c_library
from slice_tf.export.c_tensor import Array, CTensor, read_tensor
from slice_tf.export.signature_defs import Tensor, read_signatures

_TAG = b"serve"


class CSession:
    """A loaded SavedModel that no Python code of TensorFlow has touched.

    `TF_LoadSessionFromSavedModel` reads graph, variables, assets and
    initializer by the code that TensorFlow Serving is built on.

    Args:
        directory: A SavedModel.
        threads: Threads for operations; 0 stands for all cores.

    Attributes:
        signatures: Inputs and outputs of each signature, by name.

    Raises:
        RuntimeError: If it cannot be loaded, or TensorFlow has no such
            library.

    Example:
        with contextlib.closing(CSession("out/saved_model")) as session:
            outputs = session.run("serving_default", {"x": x})
    """

    def __init__(
        self, directory: str | os.PathLike[str], threads: int = 0
    ) -> None:
        self._library = load_c_library()
        self._status = Status()
        self._graph = self._library.TF_NewGraph()
        self._session, message = self._load(os.fspath(directory), threads)
        self.signatures = read_signatures(message)

    def run(
        self, signature: str, inputs: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Calls a signature.

        Args:
            signature: Its name.
            inputs: Arrays by name of input; strings as objects.

        Returns:
            Arrays by name of output.

        Raises:
            RuntimeError: If the graph refuses.
            ValueError: If an input or the signature is missing.
        """
        with self.bound(signature, inputs) as call:
            return call()

    @contextlib.contextmanager
    def bound(
        self, signature: str, inputs: Mapping[str, Array]
    ) -> Iterator[Callable[[], dict[str, Array]]]:
        """Yields a call whose inputs are tensors already, to be timed."""
        spec = self.signatures.get(signature)
        if spec is None or spec.inputs.keys() != inputs.keys():
            raise ValueError(
                "A signature must be there and get its inputs. Received: "
                f"signature={signature}, inputs={', '.join(inputs)}, "
                f"signatures={', '.join(self.signatures)}"
            )
        tensors = [
            CTensor(inputs[name], one.dtype)
            for name, one in spec.inputs.items()
        ]
        places = (
            self._outputs(spec.inputs.values()),
            _pointers(one.pointer for one in tensors),
            self._outputs(spec.outputs.values()),
        )
        try:
            yield lambda: dict(
                zip(spec.outputs, self._call(*places), strict=True)
            )
        finally:
            for tensor in tensors:
                tensor.close()

    def close(self) -> None:
        """Frees the model's memory."""
        for function in ("TF_CloseSession", "TF_DeleteSession"):
            getattr(self._library, function)(
                self._session, self._status.pointer
            )
        self._library.TF_DeleteGraph(self._graph)
        self._status.close()

    def _load(self, directory: str, threads: int) -> tuple[int, bytes]:
        """Returns a session and the serialized `MetaGraphDef`."""
        library, status = self._library, self._status
        options = library.TF_NewSessionOptions()
        if threads:  # `ConfigProto`: fields 2 and 5
            config = bytes([0x10, threads, 0x28, threads])
            library.TF_SetConfig(options, config, len(config), status.pointer)
        buffer = library.TF_NewBuffer()
        try:
            session = library.TF_LoadSessionFromSavedModel(
                options,
                None,
                directory.encode(),
                (ctypes.c_char_p * 1)(_TAG),
                1,
                self._graph,
                buffer,
                status.pointer,
            )
            status.check()
            content = buffer.contents
            return session, ctypes.string_at(content.data, content.length)
        finally:
            library.TF_DeleteBuffer(buffer)
            library.TF_DeleteSessionOptions(options)

    def _outputs(self, tensors: Iterable[Tensor]) -> Any:
        found = []
        for tensor in tensors:
            name, _, index = tensor.name.partition(":")
            operation = self._library.TF_GraphOperationByName(
                self._graph, name.encode()
            )
            found.append(Output(operation, int(index or 0)))
        return (Output * len(found))(*found)

    def _call(self, fed: Any, values: Any, fetched: Any) -> list[Array]:
        results = (ctypes.c_void_p * len(fetched))()
        self._library.TF_SessionRun(
            self._session,
            None,
            fed,
            values,
            len(fed),
            fetched,
            results,
            len(fetched),
            None,
            0,
            None,
            self._status.pointer,
        )
        self._status.check()
        try:
            return [read_tensor(pointer or 0) for pointer in results]
        finally:
            for pointer in results:
                self._library.TF_DeleteTensor(pointer)


def _pointers(values: Iterable[int]) -> Any:
    found = list(values)
    return (ctypes.c_void_p * len(found))(*found)
