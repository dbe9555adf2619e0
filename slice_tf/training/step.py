"""One step of training on every replica."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


class TrainStep:
    """Moves a model along the gradient of a global batch.

    Called on every replica with its part of the batch. Examples of all parts
    weigh the same, however unequal the parts are, and so does each of the
    `accumulate` pieces that a part is computed in: weights follow one device
    that computes the whole batch at once. (Keras, on several devices, weighs
    parts the same.)

    Args:
        model: A compiled model, built. Its loss must be a mean over the
            examples of a batch, besides regularizers.
        accumulate: Number of pieces of a replica's part that are computed one
            after the other, to save memory. Batch normalization sees pieces.
        jit_compile: Whether XLA compiles the gradients.
    """

    def __init__(
        self,
        model: keras.Model,
        accumulate: int = 1,
        jit_compile: bool = False,
    ) -> None:
        self._model = model
        self._accumulate = accumulate
        self._variables = list(model.trainable_variables)
        # The optimizer stays outside: XLA cannot sum over devices that tie
        # their gradients together in one process.
        self._gradients = tf.function(
            self._piece_gradients, jit_compile=jit_compile, autograph=False
        )

    def __call__(self, batch: Any) -> None:
        x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
        inputs = (x, y) if weights is None else (x, y, weights)
        size = _size(inputs)
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        total = context.all_reduce("sum", size) if replicas > 1 else size
        if self._accumulate == 1:
            gradients = self._gradients(inputs, size, total)
        else:
            gradients = self._accumulated(inputs, size, total)
        if replicas > 1 and _reads_gradients(self._model.optimizer):
            gradients = _gathered(gradients, context)
        self._model.optimizer.apply_gradients(
            zip(gradients, self._variables, strict=True)
        )

    def _accumulated(self, inputs: Any, size: Any, total: Any) -> Any:
        """Returns gradients summed over pieces, one after the other."""

        def body(piece: Any, sums: Any) -> Any:
            start, stop = (
                size * (piece + i) // self._accumulate for i in (0, 1)
            )
            part = tf.nest.map_structure(lambda one: one[start:stop], inputs)
            gradients = self._gradients(part, stop - start, total)
            added = [
                one + tf.convert_to_tensor(gradient)
                for one, gradient in zip(sums, gradients, strict=True)
            ]
            return piece + 1, added

        zeros = [tf.zeros(one.shape, one.dtype) for one in self._variables]
        _, sums = tf.while_loop(
            lambda piece, _: piece < self._accumulate,
            body,
            (0, zeros),
            parallel_iterations=1,
        )
        return sums

    def _piece_gradients(self, inputs: Any, size: Any, total: Any) -> Any:
        """Returns the gradients of a piece's part of the global loss."""
        x, y, weights = (*inputs, None)[:3]
        model = self._model
        replicas = tf.distribute.get_replica_context().num_replicas_in_sync
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            loss = model.compute_loss(x, y, outputs, weights, training=True)
            goal = model.optimizer.scale_loss(
                self._share_of_global(loss, size, total, replicas)
            )
        gradients = tape.gradient(goal, self._variables)
        loss_tracker(model).update_state(loss * replicas, sample_weight=size)
        model.compute_metrics(x, y, outputs, weights)
        return [
            tf.zeros(one.shape, one.dtype) if gradient is None else gradient
            for one, gradient in zip(self._variables, gradients, strict=True)
        ]

    def _share_of_global(
        self, loss: Any, size: Any, total: Any, replicas: int
    ) -> Any:
        """Returns what this piece adds to the loss of the global batch.

        Keras has divided the mean of this piece, and regularizers, by the
        number of replicas. The mean counts by the piece's examples; all
        pieces of a replica together count its regularizers once.
        """
        if replicas == self._accumulate == 1:
            return loss
        share = tf.cast(size * replicas, loss.dtype) / tf.cast(
            total, loss.dtype
        )
        regularizers = _sum(self._model.losses, loss.dtype) / replicas
        return share * loss + (1 / self._accumulate - share) * regularizers


def _reads_gradients(optimizer: Any) -> bool:
    """Tells whether an optimizer decides by the gradients' values.

    It does where it clips them, or leaves out a step that overflowed.
    """
    return hasattr(optimizer, "inner_optimizer") or any(
        getattr(optimizer, name, None)
        for name in ("clipnorm", "global_clipnorm", "clipvalue")
    )


def _gathered(gradients: Sequence[Any], context: Any) -> list[Any]:
    """Returns the sum over replicas on the first of them, zeros on others.

    Keras would decide on each replica by its own part, and sum up what became
    of the parts. What is not finite is not finite on any.
    """
    is_first = context.replica_id_in_sync_group == 0
    sums = context.all_reduce("sum", list(map(tf.convert_to_tensor, gradients)))
    return [one * tf.cast(is_first, one.dtype) for one in sums]


def loss_tracker(model: keras.Model) -> Any:
    """Returns the metric that Keras logs as `loss`."""
    return next(one for one in model.metrics if one.name == "loss")


def _size(inputs: Any) -> Any:
    return tf.shape(tf.nest.flatten(inputs)[0])[0]


def _sum(losses: Sequence[Any], dtype: Any) -> Any:
    return sum(
        (tf.cast(tf.reduce_sum(one), dtype) for one in losses),
        tf.zeros((), dtype),
    )
