"""Adam in one pass over the weights."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="slice_tf")
class FusedAdam(keras.optimizers.Adam):
    """Adam whose step reads and writes every weight once.

    Keras writes a step as a dozen operations, each with a tensor as large as
    the weights; TensorFlow has one operation for them all. Weights follow the
    same equations and are the same up to rounding. It pays where weights are
    many and batches small, as with full experts of many slices, and saves the
    memory of those tensors.

    Sparse gradients (of embeddings) and `amsgrad` take Keras' way.

    Args:
        *args: As of `keras.optimizers.Adam`.
        **kwargs: As of `keras.optimizers.Adam`.
    """

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """Updates weights when all gradients are there, as Keras' does.

        A gradient that is still being computed reads weights, and TensorFlow
        would copy those rather than update what is being read.
        """
        if trainable_variables is not None and not self.built:
            self.build(trainable_variables)  # Slots wait for nothing.
        there = [one for one in grads if isinstance(one, tf.Tensor)]
        with tf.control_dependencies(there):
            return super().apply(grads, trainable_variables)

    def update_step(
        self, gradient: Any, variable: Any, learning_rate: Any
    ) -> None:
        if self.amsgrad or isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        step = self.iterations.value + 1
        decay = {
            name: tf.cast(getattr(self, name), variable.dtype)
            for name in ("beta_1", "beta_2")
        }
        powers = {
            name: tf.pow(one, tf.cast(step, variable.dtype))
            for name, one in decay.items()
        }
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=powers["beta_1"],
            beta2_power=powers["beta_2"],
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=decay["beta_1"],
            beta2=decay["beta_2"],
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
        )
