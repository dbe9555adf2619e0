"""Training: fit, the loop for many devices, and a trained model's directory."""

from slice_tf.training.batches import Batches, DatasetBatches
from slice_tf.training.checkpoints import Checkpoints
from slice_tf.training.fit import fit, set_seed
from slice_tf.training.loop import train
from slice_tf.training.model_directory import (
    load_model_directory,
    save_model_directory,
)
from slice_tf.training.resume import Resume
from slice_tf.training.strategy import choose_strategy

__all__ = [
    "Batches",
    "Checkpoints",
    "DatasetBatches",
    "Resume",
    "choose_strategy",
    "fit",
    "load_model_directory",
    "save_model_directory",
    "set_seed",
    "train",
]
