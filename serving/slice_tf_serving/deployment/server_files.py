"""The files that TensorFlow Serving's flags name, written and checked.

Each writer returns text for a file; `check_*` reads one back and refuses what
the server would refuse when it starts, or take and do badly by.
"""

import pathlib
from collections.abc import Sequence
from typing import Any

from slice_tf.messages import make_messages
from slice_tf_serving.metrics import PATH

# The stubs lack these three. In text, names and types are all that counts.
_MESSAGES = make_messages(
    "slice_tf.serving",
    {
        "Int64Value": {"value": (1, "int64")},
        "StringValue": {"value": (1, "string")},
        "BatchingParameters": {
            "max_batch_size": (1, "Int64Value"),
            "batch_timeout_micros": (2, "Int64Value"),
            "max_enqueued_batches": (3, "Int64Value"),
            "num_batch_threads": (4, "Int64Value"),
            "thread_pool_name": (5, "StringValue"),
            "allowed_batch_sizes": (6, "int64[]"),
            "pad_variable_length_inputs": (7, "bool"),
        },
        "PrometheusConfig": {"enable": (1, "bool"), "path": (2, "string")},
        "MonitoringConfig": {"prometheus_config": (1, "PrometheusConfig")},
        "SSLConfig": {
            "server_key": (1, "string"),
            "server_cert": (2, "string"),
            "custom_ca": (3, "string"),
            "client_verify": (4, "bool"),
        },
    },
)


def batching_parameters(
    batch_sizes: Sequence[int],
    num_batch_threads: int = 1,
    batch_timeout_micros: int = 0,
    max_enqueued_batches: int = 100,
) -> str:
    """Returns a file for `--batching_parameters_file`.

    Args:
        batch_sizes: Sizes that batches are padded to, rising; the last is the
            largest. Write warm-up requests of the same sizes.
        num_batch_threads: Batches that run at once. Well below the number of
            cores: more only wait for one another.
        batch_timeout_micros: How long to wait for a batch to fill. 0 lets a
            lone request pass at once.
        max_enqueued_batches: Batches that may wait; more are refused with
            RESOURCE_EXHAUSTED.

    Raises:
        ValueError: If a number is out of range.
    """
    message = _MESSAGES["BatchingParameters"]()
    sizes = list(batch_sizes)
    if sizes:
        message.max_batch_size.value = sizes[-1]
    message.batch_timeout_micros.value = batch_timeout_micros
    message.max_enqueued_batches.value = max_enqueued_batches
    message.num_batch_threads.value = num_batch_threads
    message.allowed_batch_sizes.extend(sizes)
    return check_batching(_text(message))


def check_batching(text: str) -> str:
    """Returns a batching file as it is.

    Raises:
        ValueError: If a field is unknown, or a number out of range.
    """
    message = _parsed(text, "BatchingParameters")
    sizes = list(message.allowed_batch_sizes)
    largest = message.max_batch_size.value
    if sizes != sorted(set(sizes)) or not sizes or sizes[0] < 1:
        raise ValueError(
            "Allowed batch sizes must be positive and rise. "
            f"Received: allowed_batch_sizes={sizes}"
        )
    if largest != sizes[-1]:
        raise ValueError(
            "The last allowed batch size must be the maximum, or the server "
            f"does not start. Received: max_batch_size={largest}, "
            f"allowed_batch_sizes={sizes}"
        )
    for name in ("num_batch_threads", "max_enqueued_batches"):
        if getattr(message, name).value < 1:
            raise ValueError(
                f"`{name}` must be positive. "
                f"Received: {name}={getattr(message, name).value}"
            )
    if message.batch_timeout_micros.value < 0:
        raise ValueError(
            "`batch_timeout_micros` must not be negative. "
            f"Received: {message.batch_timeout_micros.value}"
        )
    return text


def monitoring_config(path: str = PATH) -> str:
    """Returns a file for `--monitoring_config_file`.

    Args:
        path: Where Prometheus finds the metrics on the REST port.
    """
    message = _MESSAGES["MonitoringConfig"]()
    message.prometheus_config.enable = True
    message.prometheus_config.path = path
    return check_monitoring(_text(message))


def check_monitoring(text: str) -> str:
    """Returns a monitoring file as it is.

    Raises:
        ValueError: If a field is unknown, or the path is none.
    """
    path = _parsed(text, "MonitoringConfig").prometheus_config.path
    if not path.startswith("/"):
        raise ValueError(
            f"A path of metrics must begin with '/'. Received: path={path!r}"
        )
    return text


def ssl_config(
    key: pathlib.Path,
    certificate: pathlib.Path,
    client_ca: pathlib.Path | None = None,
) -> str:
    """Returns a file for `--ssl_config_file`; keep it as secret as the key.

    It holds the PEM texts themselves. The server speaks TLS over gRPC only:
    REST needs a proxy.

    Args:
        key: The private key.
        certificate: The certificate.
        client_ca: The authority of clients' certificates; where it is given,
            only clients with one are answered.

    Raises:
        ValueError: If a file is no PEM.
    """
    message = _MESSAGES["SSLConfig"](
        server_key=key.read_text(encoding="ascii"),
        server_cert=certificate.read_text(encoding="ascii"),
        client_verify=client_ca is not None,
    )
    if client_ca is not None:
        message.custom_ca = client_ca.read_text(encoding="ascii")
    return check_ssl(_text(message))


def check_ssl(text: str) -> str:
    """Returns a TLS file as it is.

    Raises:
        ValueError: If a field is unknown, what should be PEM is not, or
            clients are to be verified by no authority.
    """
    message = _parsed(text, "SSLConfig")
    for name in ("server_key", "server_cert"):
        if not getattr(message, name).startswith("-----BEGIN "):
            raise ValueError(
                f"`{name}` must hold PEM text, and not the name of a file."
            )
    if message.client_verify and not message.custom_ca:
        raise ValueError(
            "`client_verify` needs `custom_ca`, because clients' certificates "
            "are checked against it."
        )
    return text


def _text(message: Any) -> str:
    from google.protobuf import text_format

    text: str = text_format.MessageToString(message)
    return text


def _parsed(text: str, name: str) -> Any:
    from google.protobuf import text_format

    try:
        return text_format.Parse(text, _MESSAGES[name]())
    except text_format.ParseError as error:
        raise ValueError(
            f"The file must be a {name} that TensorFlow Serving takes. "
            f"Received: error={error}"
        ) from error
