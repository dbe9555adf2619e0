"""`slice-tf export`: a model as a SavedModel."""

import argparse
import importlib.util
import logging
import pathlib
from collections.abc import Callable, Sequence

from slice_tf.programs.flags import FlagParser

logger = logging.getLogger("slice_tf.export")


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

    import tensorflow as tf

    from slice_tf.export import check_saved_model, export_saved_model
    from slice_tf.training import load_model_directory

    tf.get_logger().setLevel(logging.WARNING)
    model, spec, _ = load_model_directory(flags.model)
    add_warmup = _warmup_writer()

    def finish(staging: pathlib.Path) -> None:
        if add_warmup is not None:
            add_warmup(staging)
        logger.info("calling every signature in a process without slice_tf")
        check_saved_model(staging, flags.allow_op)

    path = export_saved_model(
        model,
        flags.output_dir,
        spec,
        overwrite=flags.overwrite,
        allow_operations=flags.allow_op,
        finish=finish,
    )
    print(f"saved model: {path}")  # noqa: T201 - results go to stdout
    return 0


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
        "--allow-op",
        action="append",
        default=[],
        metavar="NAME",
        help="a further TensorFlow operation the graph may hold; repeatable",
    )
    return parser.parse(argv)


def _warmup_writer() -> Callable[[pathlib.Path], object] | None:
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
