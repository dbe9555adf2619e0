"""Slicing functions as a job carries them: by import path."""

import hashlib
import json
import os
import threading
from collections.abc import Sequence

from slice_tf.slicing import SlicingFunction, load

_lock = threading.Lock()


def load_functions(import_paths: Sequence[str]) -> tuple[SlicingFunction, ...]:
    """Returns the slicing functions at some import paths, in order.

    Modules are imported once a process, by one thread at a time.

    Args:
        import_paths: Each `module`, `module:attribute`, `file.py` or
            `file.py:attribute`.

    Raises:
        TypeError: If it is one string instead of a sequence of them.
        ValueError: If a path leads to no slicing function.
    """
    if isinstance(import_paths, str) or not all(
        isinstance(path, str) for path in import_paths
    ):
        raise TypeError(
            "`functions` must be a sequence of import paths, because workers "
            "import slicing functions instead of unpickling them. Received: "
            f'functions={import_paths!r}. Write ["module:attribute"].'
        )
    with _lock:
        return tuple(one for path in import_paths for one in load(path))


def load_same(
    import_paths: Sequence[str], fingerprint: str
) -> tuple[SlicingFunction, ...]:
    """Returns slicing functions, which must be those that the driver has.

    Args:
        import_paths: As of `load_functions`.
        fingerprint: Of the driver's functions.

    Raises:
        ValueError: If they are others, or a path leads to none.
    """
    functions = load_functions(import_paths)
    found = fingerprint_of(functions)
    if found != fingerprint:
        raise ValueError(
            "Workers must have the slicing functions that the driver has, "
            "because all records get the same ones. Received: "
            f"driver={fingerprint}, worker={found}. Ship the same code to both."
        )
    return functions


def portable(import_path: str) -> str:
    """Returns an import path that leads to the same file from any directory."""
    place, colon, attribute = import_path.partition(":")
    if place.endswith(".py"):
        place = os.path.abspath(place)
    return f"{place}{colon}{attribute}"


def fingerprint_of(functions: Sequence[SlicingFunction]) -> str:
    """Returns sixteen hexadecimal digits of the functions and their order."""
    facts = [(one.name, one.fingerprint) for one in functions]
    text = json.dumps(facts, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
