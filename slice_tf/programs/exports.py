"""Flags that send results elsewhere, too: TensorBoard, MLflow."""

import argparse
import importlib.util
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slice_tf.programs.flags import whole_number

if TYPE_CHECKING:
    from slice_tf.evaluation import Results

logger = logging.getLogger("slice_tf.evaluation")


def add_export_flags(parser: argparse.ArgumentParser) -> None:
    """Adds `--tensorboard`, `--mlflow` and `--step`."""
    add = parser.add_argument
    add(
        "--tensorboard",
        metavar="DIR",
        help="write all metrics as scalars there, too",
    )
    add(
        "--mlflow",
        metavar="EXPERIMENT",
        help="log metrics and results to a run of this experiment, too; needs "
        "slice-tf[mlflow]",
    )
    add(
        "--step",
        type=whole_number,
        default=0,
        help="step of those metrics, such as the number of a release",
    )


def check_exports(flags: argparse.Namespace) -> None:
    """Refuses what cannot be sent, before work is done.

    Raises:
        ValueError: If MLflow is asked for and not installed.
    """
    if flags.mlflow and importlib.util.find_spec("mlflow") is None:
        raise ValueError(
            "`--mlflow` needs MLflow: `pip install 'slice-tf[mlflow]'`. "
            f"Received: mlflow={flags.mlflow}"
        )


def export(results: Sequence["Results"], flags: argparse.Namespace) -> None:
    """Sends results where the flags say, each of several labels as a run."""
    if flags.tensorboard:
        from slice_tf.programs.quiet import start_tensorflow

        start_tensorflow()
        from slice_tf.evaluation.to_tensorboard import write_for_tensorboard

        for one in results:
            # Brackets in a path would be a pattern to TensorBoard.
            label = one.data.label.replace("[", "_").rstrip("]")
            run = f"/{label}" if len(results) > 1 else ""
            write_for_tensorboard(one, flags.tensorboard + run, flags.step)
        logger.info("wrote scalars to %s", flags.tensorboard)
    if flags.mlflow:
        from slice_tf.evaluation.to_mlflow import log_to_mlflow

        for one in results:
            name = log_to_mlflow(one, flags.mlflow, flags.step)
            logger.info("logged to run %s of %s", name, flags.mlflow)
