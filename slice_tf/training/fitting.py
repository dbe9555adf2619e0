"""Training with clear errors."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from slice_tf.data.dataset import translated
from slice_tf.training.watch import LogEpochs, StopOnBadLoss


def set_seed(seed: int) -> None:
    """Seeds Python, NumPy and Keras.

    On one device and CPU, the same seed and data then give the same weights
    bit for bit.

    Args:
        seed: Non-negative integer below 2 ** 32.

    Raises:
        ValueError: If the seed is out of range.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(
            "`seed` must be from 0 to 2 ** 32 - 1, because NumPy takes no "
            f"other. Received: seed={seed}"
        )
    keras.utils.set_random_seed(seed)


def fit(
    model: keras.Model,
    train: tf.data.Dataset,
    validation: tf.data.Dataset | None = None,
    *,
    epochs: int,
    verbose: int = 2,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Trains a compiled model.

    Args:
        model: A compiled model.
        train: Batches of `(features, targets)` or `(features, targets,
            sample_weight)`.
        validation: The same, scored after each epoch.
        epochs: Number of passes over `train`.
        verbose: 0 is silent, 1 is Keras' progress bar, 2 logs one line an
            epoch to the logger `slice_tf.training`.
        callbacks: Further callbacks.

    Returns:
        What each epoch logged: metric name to one number an epoch.

    Raises:
        ValueError: If there is no training example, a record is damaged, a
            number of epochs below 1, or the loss is not finite.
    """
    if epochs < 1:
        raise ValueError(
            "`epochs` must be at least 1, because a model learns from passes "
            f"over the data. Received: epochs={epochs}"
        )
    _check_not_empty(train)
    watching = [
        StopOnBadLoss(train.as_numpy_iterator),
        *([LogEpochs(epochs)] if verbose == 2 else []),
    ]
    with translated():
        history = model.fit(
            train,
            validation_data=validation,
            epochs=epochs,
            verbose=1 if verbose == 1 else 0,
            shuffle=False,  # The data set's own affair.
            callbacks=[*watching, *callbacks],
        )
    return {
        key: [float(value) for value in values]
        for key, values in history.history.items()
    }


def _check_not_empty(train: tf.data.Dataset) -> None:
    if int(train.cardinality()) == 0:
        raise ValueError(
            "The training data must hold at least one batch. "
            "Received: batches=0. A data set of fewer examples than a batch "
            "has none where `drop_remainder` is set."
        )
