"""Going on where a run was stopped."""

import logging
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from slice_tf.training.checkpoints import Checkpoints
from slice_tf.training.hooks import Hooks
from slice_tf.training.progress import Progress

logger = logging.getLogger("slice_tf.training")


class Resume:
    """Saves and restores all that a run needs to go on as if never stopped.

    That is weights, the optimizer, seeds, metrics so far, the position in the
    data, and the state of callbacks.

    Args:
        checkpoints: Where checkpoints are.
        every: Steps between checkpoints within an epoch, or 0 for none; there
            is always one at the end of an epoch.
        identity: What must not change between runs, such as slices, seed and
            batch size, as plain JSON values.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        every: int = 0,
        identity: Mapping[str, Any] | None = None,
    ) -> None:
        self.every = every
        self._checkpoints = checkpoints
        self._identity = dict(identity or {})

    def save(
        self, model: keras.Model, progress: Progress, hooks: Hooks, steps: int
    ) -> None:
        """Writes a checkpoint; all workers call it.

        Args:
            model: The model in training.
            progress: How far it has come.
            hooks: Callbacks.
            steps: Steps in an epoch.
        """
        with model.distribute_strategy.scope():
            metrics = [
                tf.convert_to_tensor(one.value).numpy().tolist()
                for one in model.metrics_variables
            ]
        state = {
            "identity": self._identity,
            "progress": progress.to_dict(),
            "callbacks": hooks.get_state(),
            "metrics": metrics,
        }
        number = progress.epoch * steps + progress.step
        self._checkpoints.save(number, _values(model), state)

    def restore(self, model: keras.Model) -> tuple[Progress, dict[str, Any]]:
        """Restores the newest good checkpoint, if there is one.

        Returns:
            How far training had come, and the state of callbacks.

        Raises:
            ValueError: If it is of another model, or something that must not
                change has.
        """
        state = self._checkpoints.restore(
            lambda: _values(model), self._check_identity
        )
        if state is None:
            return Progress(), {}
        _assign_metrics(model, state["metrics"])
        progress = Progress.from_dict(state["progress"])
        logger.info(
            "going on after epoch %d, step %d", progress.epoch, progress.step
        )
        return progress, state["callbacks"]

    def _check_identity(self, state: Mapping[str, Any]) -> None:
        saved = state["identity"]
        changed = [
            f"{key}={self._identity.get(key)!r} (checkpoint: {saved[key]!r})"
            for key in saved
            if saved[key] != self._identity.get(key)
        ]
        if changed:
            raise ValueError(
                "A run must go on as it began, because its checkpoint counts "
                f"on it. Received: {', '.join(changed)}. Train into a new "
                "directory to change it."
            )


def _values(model: keras.Model) -> tf.train.Checkpoint:
    return tf.train.Checkpoint(
        variables=[one.value for one in model.variables],
        optimizer=[one.value for one in model.optimizer.variables],
    )


def _assign_metrics(model: keras.Model, values: list[Any]) -> None:
    """Gives the first replica all that was counted, the others nothing.

    Metrics are sums over replicas. TensorFlow would share a restored sum out
    equally, and cut counts that cannot be.
    """
    variables = model.metrics_variables

    def assign() -> None:
        context = tf.distribute.get_replica_context()
        first = context.replica_id_in_sync_group == 0
        for variable, value in zip(variables, values, strict=True):
            whole = tf.constant(np.asarray(value, variable.dtype))
            nothing = tf.zeros_like(whole)
            variable.value.assign(tf.where(first, whole, nothing))

    model.distribute_strategy.run(tf.function(assign))
