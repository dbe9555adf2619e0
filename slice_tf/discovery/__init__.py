"""From a model's errors to the next slicing function.

A slicer finds groups of examples that a model gets wrong more often than is
usual; all have scikit-learn's methods. `discover` measures what is found on
rows that did not help to find it, and `accept` writes it as a slicing
function. Names are looked up when used: what a slicing function loads,
`slice_tf.discovery.regions`, needs NumPy alone.
"""

import importlib
from typing import Any

_HOME = {
    "ClassMixtureSlicer": "class_mixture_slicer",
    "Condition": "condition",
    "ConfusionSlicer": "confusion_slicer",
    "Discovery": "found",
    "DominoSlicer": "domino_slicer",
    "ErrorClustersSlicer": "error_clusters_slicer",
    "FoundSlice": "found",
    "MixtureSlicer": "mixture_slicer",
    "MultiaccuracySlicer": "multiaccuracy_slicer",
    "Phrase": "phrases",
    "PlantedScore": "benchmark",
    "Regions": "regions",
    "Rule": "rule",
    "Separation": "rule",
    "Slicer": "slicer",
    "SpotlightSlicer": "spotlight_slicer",
    "accept": "propose",
    "accept_rule": "propose",
    "discover": "held_out",
    "induce_correlation": "induce",
    "induce_noisy_labels": "induce",
    "induce_rare": "induce",
    "load_discovery": "discovered",
    "load_regions": "regions",
    "planted_score": "benchmark",
    "save_discovery": "discovered",
    "split_slice": "splitting",
    "with_examples": "look",
    "with_phrases": "phrases",
    "with_rules": "describe",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'slice_tf.discovery' has no attribute '{name}'"
        )
    home = importlib.import_module(f"slice_tf.discovery.{_HOME[name]}")
    return getattr(home, name)
