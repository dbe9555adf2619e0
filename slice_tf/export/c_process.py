"""Calls a SavedModel through TensorFlow's C library: a program of its own.

`check_saved_model` runs it where Python has not imported TensorFlow. Calls
and answers lie in files as `slice_tf.export.calls` writes them.
"""

import contextlib
import sys
from collections.abc import Sequence

from slice_tf.export.c_session import CSession
from slice_tf.export.calls import read_calls, write_calls


def run() -> None:
    """Answers the calls that the command line names, or ends with an error."""
    try:
        main(sys.argv[1:])
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")


def main(arguments: Sequence[str]) -> None:
    """Answers all calls."""
    directory, calls, answers = arguments
    with contextlib.closing(CSession(directory)) as session:
        results = {
            call: session.run(call.partition("/")[2], inputs)
            for call, inputs in read_calls(calls).items()
        }
    loaded = sorted({"tensorflow", "keras"} & set(sys.modules))
    if loaded:
        raise ImportError(f"Python imported {', '.join(loaded)}")
    write_calls(answers, results)
