"""Training: fit, strategy, and the directory of a trained model."""

from slice_tf.training.fit import fit, set_seed
from slice_tf.training.model_directory import (
    load_model_directory,
    save_model_directory,
)
from slice_tf.training.strategy import choose_strategy

__all__ = [
    "choose_strategy",
    "fit",
    "load_model_directory",
    "save_model_directory",
    "set_seed",
]
