"""A module of TensorFlow Hub as a layer of Keras 3."""

import os
import pathlib
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from slice_tf.backbones import hub_module as hub

_MODULE = "module"


@keras.saving.register_keras_serializable(package="slice_tf")
class HubLayer(keras.layers.Layer):
    """Calls a SavedModel, whose variables are trained with the model.

    A `.keras` file holds the whole module, and an exported model what it
    needs of it: neither looks for the handle again. Needs the TensorFlow
    backend. Computes in the dtype that the module was saved with.

    Args:
        handle: A local directory, or a URL that TensorFlow Hub resolves.
        trainable: Whether to fine-tune. Otherwise the module also behaves as
            it does when it predicts.
        signature: The signature to call; `None` calls the module itself, as
            TF2 modules allow.
        output_key: Which of several outputs is wanted.
        dim: Width of the output, where the module does not say.
        contents: What `get_config` wrote. Leave it out.

    Call arguments:
        inputs: A tensor, or a dict of them, as the module takes it.

    Returns:
        The module's output, mostly of shape `[batch, dim]`.

    Raises:
        FileNotFoundError: If there is no such module.
        ImportError: If a URL is given and `tensorflow_hub` is not installed.
        ValueError: If it is no TF2 SavedModel, or signature, inputs or output
            are not as said.
    """

    def __init__(
        self,
        handle: str | os.PathLike[str],
        *,
        trainable: bool = False,
        signature: str | None = None,
        output_key: str | None = None,
        dim: int | None = None,
        contents: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(trainable=trainable, **kwargs)
        self.handle = os.fspath(handle)
        self.signature, self.output_key, self.dim = signature, output_key, dim
        self._directory: pathlib.Path | None = None
        self._module: Any = None
        self.resources: list[Any] = []
        directory = None
        if contents is None:
            directory = hub.find_module(self.handle)
            variables = hub.describe_variables(directory)
            contents = {"variables": variables, "output": None}
        self._contents = dict(contents)
        self._add_variables()
        if directory is not None:
            self._load(directory)

    def _add_variables(self) -> None:
        described = [hub.Described(*one) for one in self._contents["variables"]]
        self._held = {
            one.path: self.add_weight(
                shape=one.shape,
                initializer="zeros",
                dtype=one.dtype,
                trainable=one.trainable,
                name=one.name.replace("/", "_"),
            )
            for one in described
        }

    def _load(self, directory: pathlib.Path) -> None:
        """Loads the module, which computes with this layer's variables."""
        values = {path: one.numpy() for path, one in self._held.items()}
        module = hub.load_module(
            directory, {path: one.value for path, one in self._held.items()}
        )
        hub.function_of(module, self.signature, self.handle)
        # A layer that was made from its config holds zeros, until weights
        # are loaded or set; then these win over the module's.
        if any(np.any(value) for value in values.values()):
            for path, value in values.items():
                self._held[path].assign(value)
        self._directory, self._module = directory, module
        self.resources = hub.resources_of(module)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if self._module is None:
            with tf.init_scope():
                self._load(hub.find_module(self.handle))
        function = hub.function_of(self._module, self.signature, self.handle)
        arguments: dict[str, Any] = {}
        if hub.takes_training(function):
            arguments["training"] = bool(training and self.trainable)
        output = self._chosen(self._ask(function, inputs, arguments))
        for loss in getattr(self._module, "regularization_losses", ()):
            if self.trainable:
                self.add_loss(loss())
        return output

    def _ask(self, function: Any, inputs: Any, more: dict[str, Any]) -> Any:
        try:
            if self.signature is None:
                return function(inputs, **more)
            if not isinstance(inputs, Mapping):
                (name,) = function.structured_input_signature[1]
                inputs = {name: inputs}
            return function(**inputs)
        except (TypeError, ValueError) as error:
            received = keras.tree.map_structure(
                lambda one: f"{one.dtype.name}{one.shape}", inputs
            )
            raise ValueError(
                "Inputs must be what the hub module takes. Received: "
                f"handle={self.handle}, inputs={received}, error={error}"
            ) from error

    def _chosen(self, outputs: Any) -> Any:
        if isinstance(outputs, Mapping):
            keys = sorted(outputs)
            key = self.output_key or (keys[0] if len(keys) == 1 else None)
            if key not in outputs:
                raise ValueError(
                    "`output_key` must name an output of the hub module. "
                    f"Received: handle={self.handle}, "
                    f"output_key={self.output_key}, has={', '.join(keys)}"
                )
            outputs = outputs[key]
        if self.dim is not None:
            self._check_dim(outputs)
            return tf.ensure_shape(outputs, [None, self.dim])
        if outputs.shape.rank is None or outputs.shape[-1] is None:
            raise ValueError(
                "The hub module must say how wide its output is, because "
                "layers after it have as many weights. Received: "
                f"handle={self.handle}, shape={outputs.shape}. Pass `dim`."
            )
        return outputs

    def _check_dim(self, output: Any) -> None:
        if not output.shape.is_compatible_with([None, self.dim]):
            raise ValueError(
                "The output of the hub module must be of shape [batch, dim]. "
                f"Received: handle={self.handle}, dim={self.dim}, "
                f"shape={output.shape}"
            )

    def compute_output_spec(
        self, inputs: Any, training: bool | None = None
    ) -> Any:
        if self._module is None and self._contents["output"] is not None:
            shape, dtype = self._contents["output"]
            return keras.KerasTensor(shape, dtype)
        spec = super().compute_output_spec(inputs, training=training)
        self._contents["output"] = [list(spec.shape), spec.dtype]
        return spec

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "handle": self.handle,
            "signature": self.signature,
            "output_key": self.output_key,
            "dim": self.dim,
            "contents": self._contents,
        }

    def save_assets(self, inner_path: str) -> None:
        if self._directory is None:
            self._directory = hub.find_module(self.handle)
        shutil.copytree(self._directory, pathlib.Path(inner_path) / _MODULE)

    def load_assets(self, inner_path: str) -> None:
        # The archive goes when it is read; the vocabulary files in it are
        # copied once more when the model is exported.
        home = tempfile.mkdtemp(prefix="slice_tf_hub_")
        weakref.finalize(self, shutil.rmtree, home, ignore_errors=True)
        directory = pathlib.Path(home) / _MODULE
        shutil.copytree(pathlib.Path(inner_path) / _MODULE, directory)
        self._load(directory)
