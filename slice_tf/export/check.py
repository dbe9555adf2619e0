"""Proves that an exported model needs nothing but TensorFlow."""

import concurrent.futures
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

from slice_tf.export import clean_process
from slice_tf.export import signatures as names
from slice_tf.export.c_library import find_c_library
from slice_tf.export.c_tensor import Array
from slice_tf.export.calls import Calls, read_calls, write_calls
from slice_tf.export.check_graph import check_operations, read_saved_model
from slice_tf.export.probe import Probe
from slice_tf.export.proof import (
    calls_of,
    check_answers,
    differences,
    zero_features,
)
from slice_tf.export.signature_defs import Signature, read_signatures

TOLERANCE = 1e-5
RUNTIMES = ("python", "c")

_TIMEOUT_SECONDS = 600
# By its name as well as its path: it must find what it shares with us.
_C_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from slice_tf.export.c_process import run; run()"
)


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """What a check of an export found.

    Args:
        operations: Sorted names of the operations in the graph.
        signatures: Sorted names of the signatures that were called.
        runtimes: What called them: `python`, TensorFlow's Python package in a
            process of its own, and `c`, its C library.
        differences: By `<signature>/<output>`, the largest difference to the
            Keras model; empty if that was not asked.
    """

    operations: tuple[str, ...]
    signatures: tuple[str, ...]
    runtimes: tuple[str, ...]
    differences: dict[str, float]

    @property
    def largest_difference(self) -> float:
        """The largest of them."""
        return max(self.differences.values(), default=0.0)


def check_saved_model(
    directory: str | os.PathLike[str],
    allow_operations: Sequence[str] = (),
    *,
    probe: Probe | None = None,
    tolerance: float | None = TOLERANCE,
    runtimes: Sequence[str] = RUNTIMES,
) -> ExportReport:
    """Checks the graph, then loads and calls the model in clean processes.

    One imports TensorFlow and nothing of slice-tf; one imports no TensorFlow
    at all and calls its C library, the code that TensorFlow Serving is built
    on. In both, every signature is called with one and with several examples.

    Args:
        directory: A SavedModel.
        allow_operations: Names of further operations the graph may hold.
        probe: Examples, and what is to be answered; see `make_probe`. Three
            examples of zeros by default, whose answers are not compared.
        tolerance: How far answers may be from the probe's, relative to what
            is above 1; `None` only measures.
        runtimes: Which of the two to ask. `c` alone answers within a second;
            it is left out where TensorFlow comes without the library.

    Raises:
        ValueError: If there is no such runtime, the graph holds an operation
            that is not allowed, a signature cannot be called, an output is
            not as declared, or not what the probe says.
    """
    path = pathlib.Path(directory)
    operations = check_operations(path, allow_operations)
    signatures = _signatures(path)
    calls = calls_of(signatures, _features(signatures, probe))
    measured: dict[str, float] = {}
    programs = _programs(runtimes)
    for answers in _all_answers(programs, path, calls):
        check_answers(signatures, calls, answers)
        if probe is not None:
            for key, one in differences(signatures, answers, probe).items():
                measured[key] = max(one, measured.get(key, 0.0))
    _check_tolerance(measured, tolerance)
    return ExportReport(
        operations, tuple(signatures), tuple(programs), measured
    )


def _check_tolerance(
    measured: Mapping[str, float], tolerance: float | None
) -> None:
    if tolerance is None:
        return
    off = {key: one for key, one in measured.items() if not one <= tolerance}
    if off:
        worst = max(off, key=lambda key: off[key])
        raise ValueError(
            "An exported model must answer what the Keras model does. "
            f"Received: outputs={', '.join(off)}, tolerance={tolerance}, "
            f"largest difference={off[worst]:.3g} ({worst})"
        )


def _signatures(path: pathlib.Path) -> dict[str, Signature]:
    message = read_saved_model(path).meta_graphs[0]
    signatures = read_signatures(message.SerializeToString())
    if names.SERVING_DEFAULT not in signatures:
        raise ValueError(
            f"A SavedModel must have `{names.SERVING_DEFAULT}`, because that "
            "is what servers ask. Received: "
            f"signatures={', '.join(signatures) or 'none'}"
        )
    return signatures


def _features(
    signatures: Mapping[str, Signature], probe: Probe | None
) -> dict[str, Array]:
    if probe is not None:
        return probe.features
    return zero_features(signatures[names.SERVING_DEFAULT])


def _programs(runtimes: Sequence[str]) -> dict[str, list[str]]:
    """Returns the programs that call a model, by name of runtime."""
    root = str(pathlib.Path(__file__).parents[2])
    programs = {
        "python": [sys.executable, "-I", clean_process.__file__],
        "c": [sys.executable, "-I", "-c", _C_PROGRAM, root],
    }
    if not runtimes or not set(runtimes) <= set(RUNTIMES):
        raise ValueError(
            f"`runtimes` must be of {', '.join(RUNTIMES)}. "
            f"Received: runtimes={', '.join(runtimes) or 'none'}"
        )
    if find_c_library() is None:
        del programs["c"]
    return {name: one for name, one in programs.items() if name in runtimes}


def _all_answers(
    programs: Mapping[str, Sequence[str]], path: pathlib.Path, calls: Calls
) -> list[Calls]:
    """Returns what each answers; they run at the same time."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        started = [
            pool.submit(_answers, name, program, path, calls)
            for name, program in programs.items()
        ]
        return [one.result() for one in started]


def _answers(
    runtime: str, program: Sequence[str], path: pathlib.Path, calls: Calls
) -> Calls:
    """Returns what a model answers in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="slice_tf") as root:
        files = [f"{root}/calls.npz", f"{root}/answers.npz"]
        write_calls(files[0], calls)
        done = subprocess.run(
            [*program, os.fspath(path), *files],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        )
        if done.returncode:
            raise ValueError(
                "An exported model must run in a process that has only "
                f"TensorFlow. Received: directory={path}, runtime={runtime}, "
                f"error={_last_line(done.stderr)}"
            )
        return read_calls(files[1])


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no output"
