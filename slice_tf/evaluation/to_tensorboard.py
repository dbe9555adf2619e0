"""Writes results for TensorBoard."""

import os

import tensorflow as tf

from slice_tf.evaluation.columns import to_scalars
from slice_tf.evaluation.results import Results

_SCALAR = 1  # SummaryMetadata's DATA_CLASS_SCALAR


def write_for_tensorboard(
    results: Results, log_dir: str | os.PathLike[str], step: int = 0
) -> None:
    """Writes results as scalars that `tensorboard --logdir` shows.

    Needs TensorFlow only; TensorBoard itself need not be installed here.

    Args:
        results: Of an evaluation.
        log_dir: Directory of the run; curves run over its steps.
        step: Of the scalars, such as the number of the release.
    """
    writer = tf.summary.create_file_writer(os.fspath(log_dir))
    # Not `tf.summary.scalar`, which TensorBoard brings.
    metadata = tf.compat.v1.SummaryMetadata(
        plugin_data={"plugin_name": "scalars"}, data_class=_SCALAR
    )
    with writer.as_default(step):
        for tag, value in to_scalars(results).items():
            tensor = tf.constant(value, tf.float32)
            tf.summary.write(tag, tensor, metadata=metadata)
    writer.close()
