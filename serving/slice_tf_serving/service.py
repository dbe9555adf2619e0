"""Answers requests for a model, whatever way they came."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from slice_tf.export.signatures import SERVING_DEFAULT
from slice_tf_serving.codes import ApiError, Code, invalid
from slice_tf_serving.dtypes import Array
from slice_tf_serving.engine import Engine
from slice_tf_serving.limits import Limits
from slice_tf_serving.specs import SignatureSpec
from slice_tf_serving.tensors import decode
from slice_tf_serving.warmup import read_warmup


class Service:
    """One version of one model, loaded and warm.

    Args:
        name: Name of the model.
        version: Number of the version.
        directory: Its SavedModel.
        limits: How large a request may be.

    Raises:
        ValueError: If the version cannot be loaded, or fails a warm-up
            request.
    """

    def __init__(
        self, name: str, version: int, directory: pathlib.Path, limits: Limits
    ) -> None:
        self.name = name
        self.version = version
        self.limits = limits
        self.engine = Engine(directory)
        try:
            self.num_warmup_requests = self._replay(directory)
        except BaseException:
            self.engine.close()
            raise

    def find(
        self, name: str, version: int | None = None, label: str = ""
    ) -> Engine:
        """Returns the engine of a model's version.

        Raises:
            ApiError: If there is none; in TensorFlow Serving's words.
        """
        if not name:
            raise invalid("ModelSpec has no name specified.")
        if label:
            raise invalid(f"Unrecognized servable version label: {label}")
        wanted = (
            f"Latest({name})"
            if version is None
            else f"Specific({name}, {version})"
        )
        if name != self.name or version not in (None, self.version):
            raise ApiError(
                Code.NOT_FOUND, f"Servable not found for request: {wanted}"
            )
        return self.engine

    def signature(self, engine: Engine, name: str) -> SignatureSpec:
        """Returns a signature for a request that came as JSON.

        Raises:
            ApiError: If there is none; JSON and gRPC differ here.
        """
        name = name or SERVING_DEFAULT
        if name not in engine.signatures:
            raise invalid(
                f'Serving signature name: "{name}" not found in signature def'
            )
        return engine.signatures[name]

    def predict(
        self,
        engine: Engine,
        signature: str,
        inputs: Mapping[str, Array],
        outputs: Sequence[str] = (),
    ) -> dict[str, Array]:
        """Runs a signature.

        Args:
            engine: What `find` returned.
            signature: Name of the signature; empty for the default.
            inputs: Arrays by name.
            outputs: Names of the outputs wanted; none stands for all.

        Raises:
            ApiError: If there is no such signature, or the request does not
                fit it.
        """
        name = signature or SERVING_DEFAULT
        if name not in engine.signatures:
            raise ApiError(
                Code.FAILED_PRECONDITION,
                f'Serving signature key "{name}" not found.',
            )
        return engine.run(name, inputs, outputs)

    def check_known(self, name: str, version: int | None) -> None:
        """Refuses a question for the status of what is not here.

        Raises:
            ApiError: If the model or its version is unknown.
        """
        if name != self.name:
            raise ApiError(
                Code.NOT_FOUND, f"Could not find any versions of model {name}"
            )
        if version not in (None, self.version):
            raise ApiError(
                Code.NOT_FOUND,
                f"Could not find version {version} of model {name}",
            )

    def decoded(self, inputs: Mapping[str, Any]) -> dict[str, Array]:
        """Returns arrays of tensor protos.

        Raises:
            ApiError: If one is malformed or too large.
        """
        return {
            name: decode(proto, name, self.limits.elements)
            for name, proto in inputs.items()
        }

    def close(self) -> None:
        """Frees the model's memory."""
        self.engine.close()

    def _replay(self, directory: pathlib.Path) -> int:
        """Runs the version's warm-up requests and returns their number."""
        requests = read_warmup(directory)
        for position, request in enumerate(requests):
            signature = request.model_spec.signature_name
            try:
                inputs = self.decoded(request.inputs)
                self.predict(self.engine, signature, inputs)
            except ApiError as error:
                raise ValueError(
                    "A version must answer its warm-up requests to be served. "
                    f"Received: version={directory}, request={position}, "
                    f"signature={signature or SERVING_DEFAULT}, "
                    f"error={error.text}"
                ) from error
        return len(requests)
