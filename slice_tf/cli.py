"""The `slice-tf` command: a table of programs, each loaded when called."""

import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence

import slice_tf
from slice_tf.near_miss import did_you_mean

# Command: (module:function, what it does).
PROGRAMS = {
    "demo": ("slice_tf.programs.demo:main", "the whole way on real data"),
    "apply": ("slice_tf.programs.apply:main", "slicing functions on TFRecords"),
    "train": ("slice_tf.programs.train:main", "a model on sliced TFRecords"),
    "evaluate": ("slice_tf.programs.evaluate:main", "metrics per slice"),
    "gate": ("slice_tf.programs.gate:main", "may a candidate replace a model"),
    "export": ("slice_tf.programs.export:main", "a model as a SavedModel"),
    "publish": ("slice_tf.programs.publish:main", "a SavedModel for serving"),
    "canary": ("slice_tf.programs.canary:main", "step by step to a version"),
    "serve": ("slice_tf.programs.serve:main", "TF Serving's API on one host"),
    "predict": ("slice_tf.programs.predict:main", "ask a running server"),
    "monitor": ("slice_tf.programs.monitor:main", "slices in request logs"),
    "discover": ("slice_tf.programs.discover:main", "slices in its errors"),
    "report": ("slice_tf.programs.report:main", "results as one HTML page"),
    "ui": ("slice_tf.programs.ui:main", "results in a browser, to review"),
    "doctor": ("slice_tf.programs.doctor:main", "what works on this machine"),
}

USAGE_ERROR = 2
INTERRUPTED = 130

# What a user's input can cause. Anything else is a bug and shows a traceback.
_USER_ERRORS = (ValueError, TypeError, OSError, ModuleNotFoundError)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one program and returns its exit status.

    Args:
        argv: Command and flags, without the program's name.

    Returns:
        0 done or passed, 1 gate failed, 2 usage or data error, 3 not enough
        data, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())  # noqa: T201 - results go to stdout
        return 0 if arguments else USAGE_ERROR
    if arguments[0] == "--version":
        print(f"slice-tf {slice_tf.__version__}")  # noqa: T201
        return 0
    command, *rest = arguments
    if command not in PROGRAMS:
        return _fail("slice-tf", _unknown(command))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    _log_to_stderr()
    return _run(command, rest)


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("slice_tf").setLevel(logging.INFO)
    # Beam says this at import where Google Cloud's clients are not installed.
    logging.getLogger().addFilter(
        lambda record: "apitools not found" not in record.getMessage()
    )


def _run(command: str, arguments: list[str]) -> int:
    name = f"slice-tf {command}"
    try:
        return _load(PROGRAMS[command][0])(arguments)
    except KeyboardInterrupt:
        _fail(name, "interrupted; nothing half-written got its final name")
        return INTERRUPTED
    except _USER_ERRORS as error:
        if os.environ.get("SLICE_TF_DEBUG") or _is_ours(error):
            raise
        return _fail(name, _one_line(error))


def _load(target: str) -> Callable[[list[str]], int]:
    module, _, attribute = target.partition(":")
    program: Callable[[list[str]], int] = getattr(
        importlib.import_module(module), attribute
    )
    return program


def _fail(name: str, message: str) -> int:
    sys.stderr.write(f"{name}: error: {message}\n")
    return USAGE_ERROR


def _is_ours(error: Exception) -> bool:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return (missing or "").startswith("slice_tf")


def _one_line(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError):
        return (
            f"this command needs the package `{error.name}`, which is not "
            'installed. Install it with: pip install "slice-tf[all]"'
        )
    return " ".join(str(error).split()) or type(error).__name__


def _unknown(command: str) -> str:
    return (
        f"there is no command of that name. Received: command={command!r}."
        f"{did_you_mean(command, PROGRAMS)} Commands: {', '.join(PROGRAMS)}"
    )


def _help() -> str:
    rows = [f"  {name:<10} {text}" for name, (_, text) in PROGRAMS.items()]
    return "\n".join(
        [
            "usage: slice-tf COMMAND [flags]",
            "",
            "Slice-based learning for TensorFlow, from raw TFRecords to a "
            "served model.",
            "",
            "commands:",
            *rows,
            "",
            "`slice-tf COMMAND --help` lists a command's flags. Exit status: "
            "0 done, 1 gate failed,",
            "2 usage or data error, 3 not enough data. SLICE_TF_DEBUG=1 shows "
            "tracebacks.",
        ]
    )
