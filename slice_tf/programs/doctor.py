"""`slice-tf doctor`: does what is installed here work together?"""

import dataclasses
import importlib.metadata
import logging
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence

from packaging.requirements import Requirement

from slice_tf.programs.flags import FlagParser
from slice_tf.programs.quiet import start_tensorflow
from slice_tf.programs.tables import show_table

logger = logging.getLogger("slice_tf.doctor")

OK, MISSING, BROKEN = "ok", "not installed", "broken"

# Extras that people install by name; the others are for those who work here.
EXTRAS = ("beam", "serving", "discovery", "report", "hub", "nlp", "mlflow")
_GIB = 1 << 30


@dataclasses.dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and whether that is well."""

    what: str
    found: str
    verdict: str = OK


def main(argv: Sequence[str]) -> int:
    """Prints what was found; status 1 where something is broken."""
    FlagParser(
        "doctor",
        "Says what of slice-tf works on this machine, for you and for a bug "
        "report. Exit status: 0 all that is installed works, 1 something "
        "does not.",
    ).parse(argv)
    findings = [*_machine(), *_packages(), *_running()]
    show_table(
        ["what", "found", "verdict"],
        [[one.what, one.found, one.verdict] for one in findings],
    )
    lacking = {one.what for one in findings if one.verdict == MISSING}
    absent = sorted(lacking.intersection(EXTRAS))
    if absent:
        logger.info(
            'for what is not installed: pip install "slice-tf[%s]"',
            ",".join(absent),
        )
    return int(any(one.verdict == BROKEN for one in findings))


def _machine() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding("python", f"{version}, {sys.executable}")
    cores = os.cpu_count() or 0
    yield Finding("machine", f"{platform.platform()}, {cores} cores")
    place = tempfile.gettempdir()
    free = shutil.disk_usage(place).free / _GIB
    yield Finding("disk", f"{free:.1f} GiB free in {place}")


def _packages() -> Iterator[Finding]:
    """Yields our dependencies, and one finding for each extra."""
    texts = importlib.metadata.requires("slice-tf") or []
    needs = [Requirement(text) for text in texts]
    for need in needs:
        if need.marker is None:
            yield _package(need.name, [need])
    for extra in EXTRAS:
        of_extra = [
            need
            for need in needs
            if need.marker and need.marker.evaluate({"extra": extra})
        ]
        yield _package(extra, of_extra)


def _package(what: str, needs: Sequence[Requirement]) -> Finding:
    found, verdict = [], OK
    for need in needs:
        try:
            version = importlib.metadata.version(need.name)
        except importlib.metadata.PackageNotFoundError:
            return Finding(what, f"no {need.name}", MISSING)
        found.append(version if need.name == what else f"{need.name} {version}")
        if not need.specifier.contains(version, prereleases=True):
            found[-1] += f", needs {need.specifier}"
            verdict = BROKEN
    return Finding(what, ", ".join(found), verdict)


def _running() -> Iterator[Finding]:
    """Yields what runs, and why it does not."""
    if os.environ.get("TF_USE_LEGACY_KERAS", "0").lower() in ("1", "true"):
        told = "Keras 2, no backbone here: unset TF_USE_LEGACY_KERAS"
        yield Finding("tf.keras", told, BROKEN)
    start_tensorflow()
    yield _tried("devices", _devices)
    yield _tried("training", _train)


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, look())
    except Exception as error:  # Whatever it is, it is the finding.
        line = str(error).strip().partition("\n")[0]
        return Finding(what, f"{type(error).__name__}: {line}", BROKEN)


def _devices() -> str:
    import keras
    import tensorflow as tf

    devices = tf.config.list_logical_devices()
    names = ", ".join(one.name.removeprefix("/device:") for one in devices)
    return f"{names}; Keras runs on {keras.backend.backend()}"


def _train() -> str:
    """Trains a slice-aware model for a step."""
    import keras
    import numpy as np

    from slice_tf.models import SliceAwareModel, build_mlp
    from slice_tf.schema import SliceSchema

    backbone = build_mlp({"x": ((4,), "float32")}, units=(8,))
    model = SliceAwareModel(backbone, SliceSchema.from_names(["a", "b"]))
    model.compile("adam")
    x = np.linspace(0, 1, 32, dtype=np.float32).reshape(8, 4)
    y = {"label": np.arange(8) % 2, "membership": np.eye(8, 2)}
    loss = model.train_on_batch({"x": x}, y, return_dict=True)["loss"]
    if not np.isfinite(loss):
        raise ArithmeticError(f"the loss is {loss}")
    kind = type(keras.ops.zeros(1)).__module__.partition(".")[0]
    return f"a step of a slice-aware model, in {kind}"
