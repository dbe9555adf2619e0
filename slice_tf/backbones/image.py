"""Backbones for images, from their bytes on."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="slice_tf")
class DecodeImages(keras.layers.Layer):
    """Turns JPEG or PNG bytes into pixels, inside the graph.

    An empty string is a black image. Bytes that are no image are an error of
    the whole batch.

    Args:
        height: Of the pixels, to which images are resized.
        width: The same across.

    Call arguments:
        encoded: Bytes, of shape `[batch]`.

    Returns:
        Values from 0 to 255, float32 of shape `[batch, height, width, 3]`.

    Raises:
        ValueError: If a size is not positive.
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if height < 1 or width < 1:
            raise ValueError(
                "`height` and `width` must be positive, because images are "
                f"resized to them. Received: height={height}, width={width}"
            )
        self.height, self.width = height, width

    def call(self, encoded: Any) -> Any:
        size = [self.height, self.width]

        def decode(one: Any) -> Any:
            image = tf.io.decode_image(one, 3, expand_animations=False)
            return tf.ensure_shape(tf.image.resize(image, size), (*size, 3))

        def pixels(one: Any) -> Any:
            return tf.cond(
                tf.strings.length(one) > 0,
                lambda: decode(one),
                lambda: tf.zeros((*size, 3)),
            )

        return tf.map_fn(pixels, encoded, fn_output_signature=tf.float32)

    def compute_output_spec(self, encoded: Any) -> Any:
        shape = (encoded.shape[0], self.height, self.width, 3)
        return keras.KerasTensor(shape, "float32")

    def get_config(self) -> dict[str, Any]:
        size = {"height": self.height, "width": self.width}
        return {**super().get_config(), **size}


def build_image(
    feature: str, network: keras.Model, *, encoded: bool = True
) -> keras.Model:
    """Returns a backbone that reads images with a network.

    Args:
        feature: Name of the feature.
        network: From pixels, of values 0 to 255 and shape `[batch, height,
            width, 3]`, to anything; maps of features are averaged. Put its
            preprocessing in front, such as `Rescaling(1 / 127.5, -1)`.
        encoded: Whether the feature holds the bytes of a JPEG or PNG file, a
            string, or else pixels, int64 of the network's shape.

    Returns:
        A model from a dict of images to `z`, of shape `[batch, dim]`.

    Raises:
        ValueError: If the network does not take images of one size.
    """
    shape = tuple(network.input_shape)[1:]
    if len(shape) != 3 or None in shape or shape[2] != 3:
        raise ValueError(
            "`network` must take images of one size and three colours, "
            f"because a batch is dense. Received: input_shape={shape}"
        )
    if encoded:
        image = keras.Input((), dtype="string", name=feature)
        pixels = DecodeImages(shape[0], shape[1])(image)
    else:
        image = keras.Input(shape, dtype="int64", name=feature)
        pixels = keras.ops.cast(image, "float32")
    z = network(pixels)
    if len(z.shape) == 4:
        z = keras.layers.GlobalAveragePooling2D()(z)
    return keras.Model({feature: image}, z, name="image_network")
