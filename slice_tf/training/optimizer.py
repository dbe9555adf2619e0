"""The optimizer that a config describes."""

from typing import Any

import keras

from slice_tf.training.config import OptimizerConfig


def make_optimizer(config: OptimizerConfig, steps: int) -> Any:
    """Returns Adam with its learning-rate schedule.

    Args:
        config: Rate, schedule and warm-up.
        steps: Number of steps of the whole training.

    Raises:
        ValueError: If the warm-up is longer than the training.
    """
    warmup = config.warmup_steps
    if warmup and warmup >= steps:
        raise ValueError(
            "The warm-up must end before training does. Received: "
            f"warmup_steps={warmup}, steps={steps}"
        )
    rate: Any = config.learning_rate
    warming = {"warmup_target": rate, "warmup_steps": warmup}
    start = 0.0 if warmup else rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            start, max(1, steps - warmup), **(warming if warmup else {})
        )
    elif config.schedule == "linear" or warmup:
        rate = WarmLinear(rate, warmup, steps, config.schedule == "linear")
    return keras.optimizers.Adam(rate)


@keras.saving.register_keras_serializable(package="slice_tf")
class WarmLinear(keras.optimizers.schedules.LearningRateSchedule):
    """Up from 0 in a line, then level, or down to 0 at the last step.

    Args:
        learning_rate: The highest rate.
        warmup_steps: Steps up.
        steps: Steps of the whole training.
        decay: Whether it goes down.
    """

    def __init__(
        self, learning_rate: float, warmup_steps: int, steps: int, decay: bool
    ) -> None:
        self.learning_rate = learning_rate
        self.warmup_steps = warmup_steps
        self.steps = steps
        self.decay = decay

    def __call__(self, step: Any) -> Any:
        done = keras.ops.cast(step, "float32")
        up = done / max(1, self.warmup_steps) if self.warmup_steps else 1.0
        down = (self.steps - done) / (self.steps - self.warmup_steps)
        limit = keras.ops.maximum(down, 0.0) if self.decay else 1.0
        return self.learning_rate * keras.ops.minimum(up, limit)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {
            "learning_rate": self.learning_rate,
            "warmup_steps": self.warmup_steps,
            "steps": self.steps,
            "decay": self.decay,
        }
