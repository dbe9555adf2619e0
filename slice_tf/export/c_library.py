"""TensorFlow's C library, found in the package without importing it."""

import ctypes
import functools
import importlib.util
import pathlib
from typing import Any

# Beyond Linux the library has other endings, or none of its own.
_PATTERN = "libtensorflow_cc*"

_POINTER = ctypes.c_void_p
_POINTERS = ctypes.POINTER(_POINTER)
_TEXT, _INT, _SIZE = ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
_SIZES = ctypes.POINTER(ctypes.c_int64)


class Output(ctypes.Structure):
    """`TF_Output`: one output of an operation."""

    _fields_ = [("operation", _POINTER), ("index", _INT)]


class Buffer(ctypes.Structure):
    """`TF_Buffer`: bytes that the library owns."""

    _fields_ = [
        ("data", _POINTER),
        ("length", _SIZE),
        ("deallocator", _POINTER),
    ]


_OUTPUTS = ctypes.POINTER(Output)
_BUFFER = ctypes.POINTER(Buffer)

# Function: what it returns, and what it takes.
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "TF_Version": (_TEXT, ()),
    "TF_NewStatus": (_POINTER, ()),
    "TF_DeleteStatus": (None, (_POINTER,)),
    "TF_GetCode": (_INT, (_POINTER,)),
    "TF_Message": (_TEXT, (_POINTER,)),
    "TF_NewBuffer": (_BUFFER, ()),
    "TF_DeleteBuffer": (None, (_BUFFER,)),
    "TF_NewGraph": (_POINTER, ()),
    "TF_DeleteGraph": (None, (_POINTER,)),
    "TF_GraphOperationByName": (_POINTER, (_POINTER, _TEXT)),
    "TF_NewSessionOptions": (_POINTER, ()),
    "TF_DeleteSessionOptions": (None, (_POINTER,)),
    "TF_SetConfig": (None, (_POINTER, _TEXT, _SIZE, _POINTER)),
    "TF_LoadSessionFromSavedModel": (
        _POINTER,
        (
            _POINTER,  # options
            _POINTER,  # run options
            _TEXT,  # directory
            ctypes.POINTER(_TEXT),  # tags
            _INT,
            _POINTER,  # graph
            _BUFFER,  # of the `MetaGraphDef`
            _POINTER,  # status
        ),
    ),
    "TF_SessionRun": (
        None,
        (
            _POINTER,  # session
            _POINTER,  # run options
            _OUTPUTS,  # inputs
            _POINTERS,
            _INT,
            _OUTPUTS,  # outputs
            _POINTERS,
            _INT,
            _POINTERS,  # targets
            _INT,
            _POINTER,  # run metadata
            _POINTER,  # status
        ),
    ),
    "TF_CloseSession": (None, (_POINTER, _POINTER)),
    "TF_DeleteSession": (None, (_POINTER, _POINTER)),
    "TF_AllocateTensor": (_POINTER, (_INT, _SIZES, _INT, _SIZE)),
    "TF_DeleteTensor": (None, (_POINTER,)),
    "TF_TensorData": (_POINTER, (_POINTER,)),
    "TF_TensorByteSize": (_SIZE, (_POINTER,)),
    "TF_TensorType": (_INT, (_POINTER,)),
    "TF_NumDims": (_INT, (_POINTER,)),
    "TF_Dim": (ctypes.c_int64, (_POINTER, _INT)),
    "TF_StringInit": (None, (_POINTER,)),
    "TF_StringCopy": (None, (_POINTER, _TEXT, _SIZE)),
    "TF_StringDealloc": (None, (_POINTER,)),
    "TF_StringGetDataPointer": (_POINTER, (_POINTER,)),
    "TF_StringGetSize": (_SIZE, (_POINTER,)),
}


def find_c_library() -> pathlib.Path | None:
    """Returns the library's path, or `None` where TensorFlow has none."""
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.origin is None:
        return None
    found = sorted(pathlib.Path(spec.origin).parent.glob(_PATTERN))
    return found[0] if found else None


@functools.cache
def load_c_library() -> Any:
    """Returns the library, with every function that is used declared.

    Raises:
        RuntimeError: If TensorFlow has none.
    """
    path = find_c_library()
    if path is None:
        raise RuntimeError(
            "TensorFlow's C library must be part of its package. "
            f"Received: no {_PATTERN} beside tensorflow/__init__.py"
        )
    library = ctypes.CDLL(str(path))
    for name, (returned, taken) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = returned, taken
    return library


class Status:
    """`TF_Status`: whether the last call went well."""

    def __init__(self) -> None:
        self._library = load_c_library()
        self.pointer = self._library.TF_NewStatus()

    def check(self) -> None:
        """Raises what the library said of the last call.

        Raises:
            RuntimeError: If it did not go well.
        """
        if self._library.TF_GetCode(self.pointer):
            text = self._library.TF_Message(self.pointer).decode()
            raise RuntimeError(" ".join(text.split()))

    def close(self) -> None:
        """Frees it."""
        self._library.TF_DeleteStatus(self.pointer)
