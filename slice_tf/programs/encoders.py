"""Models that a flag names, as functions from features to arrays."""

import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

# From features by name, arrays `[batch, ...]`, to `[batch, ...]`.
Encoder = Callable[[Mapping[str, Any]], Any]


def load_encoder(place: str) -> Encoder:
    """Returns a model as a function from features to an array.

    A model of one input is given the one feature; one of several, the
    features by name. What it returns may be an array, or a dict of which
    `embeddings`, `probabilities` or `logits` is meant, or which has one value.

    Args:
        place: A `.keras` file; a SavedModel's directory; the address of a
            module of TensorFlow Hub; or `module:function`, which returns a
            callable or one of Beam's model handlers.

    Raises:
        ValueError: If there is no such model.
    """
    path = pathlib.Path(place)
    if path.suffix == ".keras" and path.is_file():
        return _of_keras(place)
    if (path / "saved_model.pb").is_file():
        return _of_saved_model(place)
    if place.startswith(("https://", "http://", "gs://")):
        return _of_hub(place)
    if ":" in place and not os.path.exists(place):
        return _of_function(place)
    raise ValueError(
        "A model must be a .keras file, a SavedModel's directory, an address "
        f"of TensorFlow Hub, or module:function. Received: model={place}"
    )


def _of_keras(place: str) -> Encoder:
    import keras

    model = keras.models.load_model(place)
    by_name = isinstance(model.input, dict)

    def encode(features: Mapping[str, Any]) -> Any:
        if not by_name:
            return _array(model(_only(features), training=False))
        given = {name: features[name] for name in model.input}
        return _array(model(given, training=False))

    return encode


def _of_saved_model(place: str) -> Encoder:
    import tensorflow as tf

    loaded = tf.saved_model.load(place)
    if "serving_default" in loaded.signatures:
        signature = loaded.signatures["serving_default"]
        names = list(signature.structured_input_signature[1])

        def encode(features: Mapping[str, Any]) -> Any:
            if len(names) == 1 and names[0] not in features:
                return _array(signature(**{names[0]: _tensor(_only(features))}))
            return _array(
                signature(**{name: _tensor(features[name]) for name in names})
            )

        return encode
    return lambda features: _array(loaded(_tensor(_only(features))))


def _of_hub(place: str) -> Encoder:
    try:
        import tensorflow_hub as hub
    except ImportError as error:
        raise ImportError(
            "An address needs TensorFlow Hub, which resolves it. Received: "
            f"model={place}. Run `pip install 'slice-tf[hub]'`."
        ) from error

    module = hub.load(place)
    return lambda features: _array(module(_tensor(_only(features))))


def _of_function(place: str) -> Encoder:
    from slice_tf.slicing.modules import attribute_of

    model = attribute_of(place)()
    if not hasattr(model, "run_inference"):
        return lambda features: _array(model(_only_or_all(features)))
    loaded = model.load_model()

    def encode(features: Mapping[str, Any]) -> Any:
        batch = list(_only(features))
        results = model.run_inference(batch, loaded)
        return np.stack([getattr(one, "inference", one) for one in results])

    return encode


def _tensor(values: Any) -> Any:
    import tensorflow as tf

    return tf.convert_to_tensor(values)


def _only_or_all(features: Mapping[str, Any]) -> Any:
    return _only(features) if len(features) == 1 else features


def _only(features: Mapping[str, Any]) -> Any:
    if len(features) != 1:
        raise ValueError(
            "A model that names no inputs must be given one feature. "
            f"Received: features={', '.join(features)}"
        )
    return next(iter(features.values()))


def _array(output: Any) -> Any:
    if isinstance(output, Mapping):
        for name in ("embeddings", "probabilities", "logits"):
            if name in output:
                return np.asarray(output[name])
        output = _only(output)
    return np.asarray(output)
