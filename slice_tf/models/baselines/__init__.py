"""What a slice-aware model is compared with, one call each."""

from slice_tf.models.baselines.registry import BASELINES, train_baseline
from slice_tf.models.baselines.task import BaselineTask

__all__ = ["BASELINES", "BaselineTask", "train_baseline"]
