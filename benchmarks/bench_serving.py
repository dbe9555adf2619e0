"""Claim: the embedded server spends little beyond its transport.

A small model, one row a request, many callers. Beside each front an empty
handler on the same stack takes and gives the same bytes; both are measured in
turns in one run, so that the ratio holds on a busy machine.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import pathlib
import socket
import statistics
import tempfile
import threading
import time

import numpy as np

CALLERS = 32
ROUNDS = 5
SECONDS = 2.0
FEATURES = 32


def main(argv=None):
    """Prints a table for REST and one for gRPC."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=CALLERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    flags = parser.parse_args(argv)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as root:
        ports = context.Queue()
        stop = context.Event()
        arguments = (root, ports, stop)
        server = context.Process(target=serve, args=arguments)
        server.start()
        rest, grpc, echo_rest, echo_grpc = ports.get(timeout=300)
        flags.server = server.pid
        try:
            for name, load, ours, echo in (
                ("REST", rest_load, rest, echo_rest),
                ("gRPC", grpc_load, grpc, echo_grpc),
            ):
                compare(name, load, ours, echo, flags)
        finally:
            stop.set()
            server.join()


def compare(name, load, ours, echo, flags):
    """Measures a front and its empty twin in turns."""
    rates = {"model": [], "echo": []}
    latencies = {"model": [], "echo": []}
    costs = {"model": [], "echo": []}
    for _ in range(flags.rounds):
        for kind, port in (("echo", echo), ("model", ours)):
            began = cpu_seconds(flags.server)
            times = asyncio.run(load(port, flags.callers, flags.seconds))
            spent = cpu_seconds(flags.server) - began
            costs[kind].append(1e6 * spent / len(times))
            rates[kind].append(len(times) / flags.seconds)
            latencies[kind] += times
    ratios = [
        model / empty
        for model, empty in zip(rates["model"], rates["echo"], strict=True)
    ]
    print(f"{name}, {flags.callers} callers, median of {flags.rounds} rounds")
    print("| | requests/s | server CPU, us | p50, ms | p99, ms | p99 / p50 |")
    print("|---|---:|---:|---:|---:|---:|")
    for kind in ("echo", "model"):
        p50, p99 = 1e3 * np.percentile(latencies[kind], [50, 99])
        rate = statistics.median(rates[kind])
        cost = statistics.median(costs[kind])
        print(
            f"| {kind} | {rate:.0f} | {cost:.0f} | {p50:.1f} | {p99:.1f} | "
            f"{p99 / p50:.1f} |"
        )
    by_cost = statistics.median(costs["echo"]) / statistics.median(
        costs["model"]
    )
    print(
        f"model / echo: {statistics.median(ratios):.2f} by rate, "
        f"{by_cost:.2f} by server CPU (goal 0.60)\n"
    )


def cpu_seconds(pid):
    """Returns what a process has spent, of Linux."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def serve(root, ports, stop):
    """Runs the model server and both empty ones in one process."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from slice_tf.data import Feature, FeatureSpec
    from slice_tf.export import export_saved_model
    from slice_tf.models import SliceAwareModel, build_mlp
    from slice_tf.schema import SliceSchema
    from slice_tf_serving import ModelServer, publish

    backbone = build_mlp({"x": ((FEATURES,), "float32")}, units=(128, 128))
    schema = SliceSchema.from_names([f"s{one}" for one in range(5)])
    model = SliceAwareModel(backbone, schema)
    spec = FeatureSpec({"x": Feature("float32", (FEATURES,))})
    root = pathlib.Path(root)
    publish(export_saved_model(model, root / "saved", spec), root / "m")
    with ModelServer(root / "m", "m") as server:
        answer = server_answers(server)
        found = concurrent_echo(*answer)
        ports.put((server.rest_port, server.grpc_port, *found))
        stop.wait()


def server_answers(server):
    """Returns the bytes that the model server answers with."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port)
    connection.request("POST", PATH, rest_body())
    rest = connection.getresponse().read()
    connection.close()
    import grpc

    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        return rest, channel.unary_unary(METHOD)(grpc_body())


def concurrent_echo(rest_answer, grpc_answer):
    """Starts both empty servers in a thread; returns their ports."""
    started = threading.Event()
    found = []

    def run():
        asyncio.run(echo(rest_answer, grpc_answer, found, started))

    threading.Thread(target=run, daemon=True).start()
    started.wait()
    return found


async def echo(rest_answer, grpc_answer, found, started):
    """Serves fixed bytes on both stacks."""
    import grpc
    import uvicorn

    async def app(scope, receive, send):
        more = True
        while more:
            more = (await receive()).get("more_body", False)
        length = str(len(rest_answer)).encode()
        headers = [(b"content-length", length)]
        start = "http.response.start"
        await send({"type": start, "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": rest_answer})

    async def handler(request, context):
        return grpc_answer

    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    server = grpc.aio.server()
    service, _, name = METHOD.strip("/").rpartition("/")
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                service, {name: grpc.unary_unary_rpc_method_handler(handler)}
            )
        ]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    found += [listener.getsockname()[1], port]
    started.set()
    await uvicorn.Server(config).serve([listener])


PATH = "/v1/models/m:predict"
METHOD = "/tensorflow.serving.PredictionService/Predict"


def rest_body():
    """Returns a request of one row as JSON."""
    row = np.linspace(-1, 1, FEATURES).round(3).tolist()
    return json.dumps({"instances": [{"x": row}]}).encode()


def grpc_body():
    """Returns a request of one row as a message."""
    from tensorflow_serving.apis import predict_pb2

    from slice_tf_serving.dtypes import BY_NAME
    from slice_tf_serving.tensors import fill

    request = predict_pb2.PredictRequest()
    request.model_spec.name = "m"
    row = np.linspace(-1, 1, FEATURES, dtype=np.float32)[None]
    fill(request.inputs["x"], row, BY_NAME["DT_FLOAT"], content=True)
    return request.SerializeToString()


async def rest_load(port, callers, seconds):
    """Sends one request after another on each connection."""
    body = rest_body()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: a\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    request, times = head.encode() + body, []
    deadline = time.perf_counter() + seconds

    async def call():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < deadline:
            began = time.perf_counter()
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(
                answer.lower().split(b"content-length: ")[1].split()[0]
            )
            await reader.readexactly(length)
            times.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(call() for _ in range(callers)))
    return times


async def grpc_load(port, callers, seconds):
    """Sends one request after another on each channel."""
    import grpc

    request, times = grpc_body(), []
    deadline = time.perf_counter() + seconds

    async def call():
        options = [("grpc.use_local_subchannel_pool", 1)]
        address = f"127.0.0.1:{port}"
        async with grpc.aio.insecure_channel(address, options) as channel:
            predict = channel.unary_unary(METHOD)
            while time.perf_counter() < deadline:
                began = time.perf_counter()
                await predict(request)
                times.append(time.perf_counter() - began)

    await asyncio.gather(*(call() for _ in range(callers)))
    return times


if __name__ == "__main__":
    main()
