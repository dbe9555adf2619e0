"""`slice-tf export`: a model as a SavedModel."""

import argparse
import hashlib
import importlib.util
import itertools
import json
import logging
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from slice_tf.programs.flags import FlagParser, positive_int
from slice_tf.programs.quiet import start_tensorflow

logger = logging.getLogger("slice_tf.export")

_MAX_SAMPLES = 1024
_PROBED = 3  # Samples whose answers are compared with Keras'.


def main(argv: Sequence[str]) -> int:
    """Exports a model directory, checks the export and prints its path."""
    flags = _parse(argv)
    if not flags.model.is_dir():
        raise FileNotFoundError(
            "`--model` must be a directory that `slice-tf train` wrote. "
            f"Received: model={flags.model}"
        )

    from slice_tf.export.staging import check_target

    check_target(flags.output_dir, flags.overwrite)
    results = _results(flags.results, flags.model)

    start_tensorflow()
    import tensorflow as tf

    from slice_tf.export import export_hub_module, export_saved_model
    from slice_tf.training import load_model_directory

    tf.get_logger().setLevel(logging.WARNING)
    model, spec, _ = load_model_directory(flags.model)
    if flags.hub:
        path = export_hub_module(
            model,
            flags.output_dir,
            spec,
            flags.hub,
            overwrite=flags.overwrite,
        )
        print(f"hub module: {path}")  # noqa: T201 - results go to stdout
        return 0
    samples = _samples(flags.samples, spec)
    heads = flags.slice_heads
    path = export_saved_model(
        model,
        flags.output_dir,
        spec,
        overwrite=flags.overwrite,
        fold=not flags.no_fold,
        weights=flags.weights,
        samples=samples,
        results=results,
        slice_heads=model.schema.names if heads == [] else heads or (),
        allow_operations=flags.allow_op,
        finish=_finisher(flags, model, spec, samples),
    )
    print(f"saved model: {path}")  # noqa: T201 - results go to stdout
    return 0


def _finisher(
    flags: argparse.Namespace, model: Any, spec: Any, samples: Any
) -> Callable[[pathlib.Path], None]:
    """Returns what adds warm-up requests, then proves the export."""
    from slice_tf.export import check_saved_model, make_probe
    from slice_tf.export.probe import zero_features

    asked = (
        {name: one[:_PROBED] for name, one in samples.items()}
        if samples
        else zero_features(spec)
    )
    add_warmup = _warmup_writer()

    def finish(staging: pathlib.Path) -> None:
        if add_warmup is not None:
            add_warmup(staging, flags.batch_sizes)
        logger.info("calling every signature in a process without slice_tf")
        report = check_saved_model(
            staging,
            flags.allow_op,
            probe=make_probe(model, spec, asked),
            tolerance=flags.tolerance if _is_exact(model, flags) else None,
        )
        logger.info(
            "answers differ from Keras' by %.1e at most",
            report.largest_difference,
        )

    return finish


def _is_exact(model: Any, flags: argparse.Namespace) -> bool:
    """Tells whether all is computed in float32, as Keras computes it."""
    return flags.weights == "float32" and all(
        layer.compute_dtype == "float32" for layer in model._flatten_layers()
    )


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = FlagParser(
        "export",
        "Writes a trained model as a SavedModel that needs no slicing "
        "function and no code but TensorFlow's.",
    )
    add = parser.add_argument
    add(
        "--model",
        required=True,
        type=pathlib.Path,
        help="directory that `slice-tf train` wrote",
    )
    add(
        "--output-dir",
        required=True,
        type=pathlib.Path,
        help="the SavedModel; must be new or empty",
    )
    add(
        "--overwrite",
        action="store_true",
        help="replace a SavedModel in --output-dir",
    )
    add(
        "--slice-heads",
        nargs="*",
        metavar="SLICE",
        help="slices that get signatures of their own, indicator_<slice> and "
        "expert_<slice>, for MultiInference; alone, all slices",
    )
    add(
        "--weights",
        default="float32",
        choices=("float32", "float16", "bfloat16"),
        help="type to store matrices in; the smaller ones halve the file, "
        "make a call slower, and come with a report of what they change",
    )
    add(
        "--no-fold",
        action="store_true",
        help="keep the linear maps of slices apart: larger and slower, for "
        "comparisons",
    )
    add(
        "--samples",
        type=pathlib.Path,
        help="TFRecords of examples on which answers are compared with those "
        "of the trained model",
    )
    add(
        "--results",
        type=pathlib.Path,
        help="what `slice-tf evaluate` wrote; sizes and metrics of slices go "
        "into the model card",
    )
    add(
        "--batch-sizes",
        nargs="+",
        type=positive_int,
        default=[1],
        metavar="SIZE",
        help="batch sizes of the warm-up requests: those the server allows",
    )
    add(
        "--tolerance",
        type=float,
        default=1e-5,
        help="how far answers may be from those of the trained model",
    )
    add(
        "--hub",
        choices=("backbone", "model"),
        help="write that part for `hub.load` instead, so that other models "
        "can be built upon it",
    )
    add(
        "--allow-op",
        action="append",
        default=[],
        metavar="NAME",
        help="a further TensorFlow operation the graph may hold; repeatable",
    )
    return parser.parse(argv)


def _results(path: pathlib.Path | None, model: pathlib.Path) -> Any:
    """Returns what an evaluation of this very model found."""
    if path is None:
        return None

    from slice_tf.evaluation import Results

    found = Results.load(path)
    content = (model / "model.keras").read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    if found.model.fingerprint not in ("", digest):
        raise ValueError(
            "Results must be of the model that is exported, because its card "
            f"shows them. Received: results={path} of the model "
            f"{found.model.fingerprint}, model={model}, which is {digest}"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def _samples(path: pathlib.Path | None, spec: Any) -> Any:
    """Returns features of the first records of a file."""
    if path is None:
        return None

    from slice_tf.data import read_records
    from slice_tf.export.probe import read_samples

    records = list(itertools.islice(read_records(path), _MAX_SAMPLES))
    return read_samples(records, spec)


def _warmup_writer() -> Callable[[pathlib.Path, Sequence[int]], object] | None:
    """Returns what writes warm-up requests, if it is installed."""
    if importlib.util.find_spec("tensorflow_serving") is None:
        logger.warning(
            "no warm-up requests are written, because the package "
            "tensorflow-serving-api is not installed; "
            'pip install "slice-tf[serving]"'
        )
        return None
    from slice_tf_serving import write_warmup

    return write_warmup
