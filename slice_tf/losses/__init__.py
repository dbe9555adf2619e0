"""Losses of the base task, the indicators and the experts."""

from slice_tf.losses.base_loss import base_loss
from slice_tf.losses.cross_entropy import binary_cross_entropy, cross_entropy
from slice_tf.losses.expert_loss import expert_loss
from slice_tf.losses.indicator_loss import indicator_loss
from slice_tf.losses.prediction_loss import prediction_loss
from slice_tf.losses.recipe import DEFAULT, PAPER, Recipe, recipe_of
from slice_tf.losses.slice_aware_loss import SliceAwareLoss

__all__ = [
    "DEFAULT",
    "PAPER",
    "Recipe",
    "SliceAwareLoss",
    "base_loss",
    "binary_cross_entropy",
    "cross_entropy",
    "expert_loss",
    "indicator_loss",
    "prediction_loss",
    "recipe_of",
]
