"""From a model's errors to the next slicing function.

A slicer finds groups of examples that a model gets wrong more often than is
usual; all have scikit-learn's methods. Needs NumPy and scikit-learn only.
"""

from slice_tf.discovery.class_mixture_slicer import ClassMixtureSlicer
from slice_tf.discovery.confusion_slicer import ConfusionSlicer
from slice_tf.discovery.domino_slicer import DominoSlicer
from slice_tf.discovery.error_clusters_slicer import ErrorClustersSlicer
from slice_tf.discovery.mixture_slicer import MixtureSlicer
from slice_tf.discovery.multiaccuracy_slicer import MultiaccuracySlicer
from slice_tf.discovery.slicer import Slicer
from slice_tf.discovery.spotlight_slicer import SpotlightSlicer

__all__ = [
    "ClassMixtureSlicer",
    "ConfusionSlicer",
    "DominoSlicer",
    "ErrorClustersSlicer",
    "MixtureSlicer",
    "MultiaccuracySlicer",
    "Slicer",
    "SpotlightSlicer",
]
