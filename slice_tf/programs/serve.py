"""`slice-tf serve`: TensorFlow Serving's API on one host."""

import argparse
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slice_tf.programs.flags import read_token
from slice_tf.programs.quiet import start_tensorflow
from slice_tf.programs.serve_flags import parse

if TYPE_CHECKING:
    from slice_tf_serving import ModelServer
    from slice_tf_serving.model_config import ModelConfig
    from slice_tf_serving.workers import Workers


def main(argv: Sequence[str]) -> int:
    """Serves models until SIGTERM or Ctrl-C."""
    flags = parse(argv)

    from slice_tf_serving.model_config import ModelConfig, read_models_config
    from slice_tf_serving.versions import newest_version

    models = (
        read_models_config(flags.models_config)
        if flags.models_config
        else [ModelConfig(flags.name, flags.base_dir)]
    )
    for model in models:
        newest_version(model.base_dir)  # Fails before TensorFlow is loaded.
    options = _options(flags)

    with _server(models, flags.workers, options) as server:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.request_stop())
        _announce(flags, server, [model.name for model in models])
        server.wait()
    return 0


def _server(
    models: Sequence["ModelConfig"], workers: int, options: dict[str, Any]
) -> "ModelServer | Workers":
    if workers > 1:  # This process then needs no TensorFlow.
        from slice_tf_serving.workers import Workers

        return Workers(models, workers, **options)
    start_tensorflow()
    from slice_tf_serving import ModelServer

    return ModelServer.of_models(models, **options)


def _options(flags: argparse.Namespace) -> dict[str, Any]:
    from slice_tf_serving.request_log import LogSettings
    from slice_tf_serving.security import Tls

    options = {
        name: getattr(flags, name)
        for name in (
            "rest_port",
            "grpc_port",
            "host",
            "poll_seconds",
            "watch_slices",
            "model_threads",
        )
    }
    options["config_file"] = flags.models_config
    options["config_poll_seconds"] = flags.models_config_poll_seconds
    if flags.tls_key is not None:
        options["tls"] = Tls(
            flags.tls_key, flags.tls_certificate, flags.tls_client_ca
        )
    if flags.token_file is not None:
        options["token"] = read_token(flags.token_file)
    if flags.log_dir is not None:
        inputs = tuple(flags.log_input)
        options["log"] = LogSettings(flags.log_dir, flags.log_rate, inputs)
    return options


def _announce(
    flags: argparse.Namespace,
    server: "ModelServer | Workers",
    names: Sequence[str],
) -> None:
    secure = "s" if flags.tls_key is not None else ""
    host = f"[{flags.host}]" if ":" in flags.host else flags.host
    for name in names:
        rest = f"http{secure}://{host}:{server.rest_port}/v1/models/{name}"
        print(f"REST ready: {rest}", flush=True)  # noqa: T201
    grpc = f"grpc{secure}://{host}:{server.grpc_port}"
    print(f"gRPC ready: {grpc}", flush=True)  # noqa: T201
