"""Training: fit, the loop for many devices, and a trained model's directory.

Each public name is looked up when it is first used: reading a config loads
neither TensorFlow nor Keras.
"""

import importlib
from typing import Any

_HOME = {
    "Batches": "batches",
    "Checkpoints": "checkpoints",
    "DatasetBatches": "batches",
    "FusedAdam": "fused_adam",
    "KeepBest": "best",
    "LogToMlflow": "log_mlflow",
    "Resume": "resume",
    "StopEarly": "watch",
    "TrainConfig": "config",
    "WatchWorstSlices": "worst_slices",
    "WriteLog": "write_log",
    "choose_strategy": "strategy",
    "fit": "fitting",
    "load_model_directory": "model_directory",
    "save_model_directory": "model_directory",
    "set_seed": "fitting",
    "train": "loop",
}

__all__ = [
    "Batches",
    "Checkpoints",
    "DatasetBatches",
    "FusedAdam",
    "KeepBest",
    "LogToMlflow",
    "Resume",
    "StopEarly",
    "TrainConfig",
    "WatchWorstSlices",
    "WriteLog",
    "choose_strategy",
    "fit",
    "load_model_directory",
    "save_model_directory",
    "set_seed",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'slice_tf.training' has no attribute '{name}'"
        )
    home = importlib.import_module(f"slice_tf.training.{_HOME[name]}")
    globals()[name] = getattr(home, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(__all__)
