"""Gives a running server another `models.config`."""

from typing import Any

from slice_tf_serving.client.errors import failure
from slice_tf_serving.client.grpc_transport import GrpcTransport
from slice_tf_serving.client.server_url import ServerUrl
from slice_tf_serving.client.target import Target
from slice_tf_serving.client.transport import Call
from slice_tf_serving.codes import Code

_PATH = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"


def reload_models(
    url: str, config: Any, target: Target, timeout: float = 60.0
) -> None:
    """Replaces what a server serves, and waits until it has.

    TensorFlow Serving lets everyone do so who reaches its gRPC port; ours
    only with `allow_reload`.

    Args:
        url: `grpc://host:port` or `grpcs://host:port`.
        config: A `ModelServerConfig`, which replaces all of the one before.
        target: Who asks.
        timeout: Seconds it may take.

    Raises:
        ConnectionError: If the server cannot be reached.
        RequestError: If the server refuses the configuration.
        TimeoutError: If the answer does not come in time.
        ValueError: If the URL is not one of gRPC.
    """
    from tensorflow_serving.apis import model_management_pb2

    server = ServerUrl.of(url)
    if not server.is_grpc:
        raise ValueError(
            "A configuration can be given over gRPC only. "
            f"Received: url={url!r}"
        )
    body = model_management_pb2.ReloadConfigRequest(config=config)
    read = model_management_pb2.ReloadConfigResponse.FromString
    call = Call(_PATH, body.SerializeToString(), read)
    transport = GrpcTransport(server, target)
    try:
        status = transport.send(call, timeout).status
    finally:
        transport.close()
    if status.error_code:
        code = Code.of_number(status.error_code)
        raise failure(code, url, status.error_message)
