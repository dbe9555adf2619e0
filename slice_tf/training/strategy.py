"""Which devices a model is trained on."""

import tensorflow as tf

STRATEGIES = ("auto", "one", "mirrored")


def choose_strategy(name: str = "auto") -> tf.distribute.Strategy:
    """Returns a strategy; make and compile the model in its `scope()`.

    Args:
        name: `one` trains on one device. `mirrored` copies the model to every
            GPU, or to every logical CPU where there is no GPU, and sums their
            gradients: weights follow one device with the same global batch up
            to rounding. `auto` is `mirrored` with two GPUs or more, else
            `one`.

    Raises:
        ValueError: If there is no strategy of that name.
    """
    if name not in STRATEGIES:
        raise ValueError(
            f"`strategy` must be one of {', '.join(STRATEGIES)}. "
            f"Received: strategy={name!r}"
        )
    gpus = tf.config.list_logical_devices("GPU")
    if name == "one" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([one.name for one in devices])
