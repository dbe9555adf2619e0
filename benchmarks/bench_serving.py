"""Claim: the embedded server spends little beyond its transport.

A small model, one row a request, many callers. Beside each front an empty
handler on the same stack takes and gives the same bytes, and beside REST
another on uvicorn, a general server, if that is installed; all are measured in
turns in one run, so that ratios hold on a busy machine. Then two worker
processes beside one, with requests of one row and of many, and what a client
costs that does not import TensorFlow.
"""

import argparse
import asyncio
import contextlib
import functools
import json
import multiprocessing
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

CALLERS = 32
ROUNDS = 5
SECONDS = 2.0
FEATURES = 32
MANY_ROWS = 128
WARM_SECONDS = 0.5
MODEL, ECHO = "model", "echo"
UVICORN = "echo, uvicorn"


def main(argv=None):
    """Prints a table for each claim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=CALLERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    flags = parser.parse_args(argv)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as root:
        # Apart, because the first use of TensorFlow in a process decides how
        # many threads its operations get.
        publisher = context.Process(target=published, args=(root,))
        publisher.start()
        publisher.join()
        queue, stop = context.Queue(), context.Event()
        server = context.Process(target=serve, args=(root, queue, stop))
        server.start()
        ports = queue.get(timeout=300)
        try:
            for name, load in (("REST", rest_load), ("gRPC", grpc_load)):
                compare(name, load, ports[name], [server.pid], flags)
        finally:
            stop.set()
            server.join()
        compare_workers(pathlib.Path(root) / "m", flags)
    print_slim_client()


def compare(name, load, ports, pids, flags):
    """Measures a front and its empty twins in turns."""
    runs = {kind: [] for kind in ports}
    for port in ports.values():
        asyncio.run(load(port, flags.callers, WARM_SECONDS))
    for _ in range(flags.rounds):
        for kind, port in ports.items():
            runs[kind].append(measured(load, port, pids, flags))
    print(f"{name}, {flags.callers} callers, median of {flags.rounds} rounds")
    print_table(runs)
    for kind in ports:
        if kind != MODEL:
            by_rate = statistics.median(
                model[0] / empty[0]
                for model, empty in zip(runs[MODEL], runs[kind], strict=True)
            )
            by_cost = statistics.median(
                empty[1] / model[1]
                for model, empty in zip(runs[MODEL], runs[kind], strict=True)
            )
            print(
                f"model / {kind}: {by_rate:.2f} by rate, {by_cost:.2f} by "
                "server CPU (goal 0.60)"
            )
    print(flush=True)


def compare_workers(base_dir, flags):
    """Measures two worker processes beside one, in turns, over REST.

    Callers are on the same cores; requests of many rows leave more to servers.
    """
    from slice_tf_serving.model_config import ModelConfig
    from slice_tf_serving.workers import Workers

    models = [ModelConfig("m", base_dir)]
    with Workers(models, 1) as one, Workers(models, 2) as two:
        kinds = {"one worker": one, "two workers": two}
        for rows in (1, MANY_ROWS):
            load = functools.partial(in_processes, rows=rows)
            runs = {kind: [] for kind in kinds}
            for workers in kinds.values():
                asyncio.run(load(workers.rest_port, flags.callers, 1.0))
            for _ in range(flags.rounds):
                for kind, workers in kinds.items():
                    port, pids = workers.rest_port, workers.pids
                    runs[kind].append(measured(load, port, pids, flags))
            print(f"REST, {rows} rows a request, callers in two processes")
            print_table(runs)
            gain = statistics.median(
                two[0] / one[0] for one, two in zip(*runs.values(), strict=True)
            )
            print(f"two workers / one: {gain:.2f} by rate\n", flush=True)


def measured(load, port, pids, flags):
    """Returns requests a second, CPU us a request, and the latencies."""
    began = sum(map(cpu_seconds, pids))
    times = asyncio.run(load(port, flags.callers, flags.seconds))
    spent = sum(map(cpu_seconds, pids)) - began
    return len(times) / flags.seconds, 1e6 * spent / len(times), times


def print_table(runs):
    """Prints medians of rounds, and quantiles of all latencies."""
    print("| | requests/s | server CPU, us | p50, ms | p99, ms | p99 / p50 |")
    print("|---|---:|---:|---:|---:|---:|")
    for kind, rounds in runs.items():
        rate = statistics.median(one[0] for one in rounds)
        cost = statistics.median(one[1] for one in rounds)
        times = np.concatenate([one[2] for one in rounds])
        p50, p99 = 1e3 * np.percentile(times, [50, 99])
        print(
            f"| {kind} | {rate:.0f} | {cost:.0f} | {p50:.1f} | {p99:.1f} | "
            f"{p99 / p50:.1f} |"
        )


def print_slim_client():
    """Prints what a client over HTTP and gRPC takes to be there."""
    code = (
        "import time; began = time.perf_counter(), time.process_time();"
        "from slice_tf_serving.client import Client;"
        "client = Client({url!r}, 'm');"
        "now = time.perf_counter(), time.process_time();"
        "status = open('/proc/self/status').read();"
        "size = status.split('VmHWM:')[1].split()[0];"
        "print(now[0] - began[0], now[1] - began[1], size)"
    )
    print("| slim client | seconds | CPU seconds | resident, MB |")
    print("|---|---:|---:|---:|")
    for url in ("http://127.0.0.1:1", "grpc://127.0.0.1:1"):
        rounds = []
        for _ in range(5):
            command = [sys.executable, "-c", code.format(url=url)]
            output = subprocess.run(
                command, capture_output=True, text=True, check=True
            ).stdout
            rounds.append([float(one) for one in output.split()])
        wall, spent, size = np.median(rounds, axis=0)
        print(f"| {url[:4]} | {wall:.2f} | {spent:.2f} | {size / 1024:.0f} |")
    print("goal: 0.3 seconds, 60 MB")


def cpu_seconds(pid):
    """Returns what a process has spent, of Linux."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def published(root):
    """Publishes a small model; returns its base directory."""
    from slice_tf.data import Feature, FeatureSpec
    from slice_tf.export import export_saved_model
    from slice_tf.models import SliceAwareModel, build_mlp
    from slice_tf.schema import SliceSchema
    from slice_tf_serving import publish

    backbone = build_mlp({"x": ((FEATURES,), "float32")}, units=(128, 128))
    schema = SliceSchema.from_names([f"s{one}" for one in range(5)])
    model = SliceAwareModel(backbone, schema)
    spec = FeatureSpec({"x": Feature("float32", (FEATURES,))})
    saved = export_saved_model(model, pathlib.Path(root) / "saved", spec)
    return publish(saved, pathlib.Path(root) / "m").parent


def serve(root, ports, stop):
    """Runs the model server and the empty ones in one process."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # see docs/serving.md
    from slice_tf_serving import ModelServer

    with ModelServer(pathlib.Path(root) / "m", "m") as server:
        echoes = concurrent_echo(*server_answers(server))
        ports.put(
            {
                "REST": {MODEL: server.rest_port, **echoes["REST"]},
                "gRPC": {MODEL: server.grpc_port, **echoes["gRPC"]},
            }
        )
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
    """Starts the empty servers in a thread; returns their ports."""
    started = threading.Event()
    found = {}

    async def run():
        found["REST"] = {ECHO: await front_echo(rest_answer)}
        found["gRPC"] = {ECHO: await grpc_echo(grpc_answer)}
        with contextlib.suppress(ImportError):
            found["REST"][UVICORN] = uvicorn_echo(rest_answer)
        started.set()
        await asyncio.Event().wait()

    threading.Thread(target=asyncio.run, args=(run(),), daemon=True).start()
    started.wait()
    return found


async def front_echo(body):
    """Serves fixed bytes on the front of the model server."""
    from slice_tf_serving.limits import Limits
    from slice_tf_serving.rest.front import HttpFront
    from slice_tf_serving.rest.messages import HttpAnswer

    class Empty:
        def admit(self, request):
            pass

        def answer(self, request, connection):
            connection.reply(HttpAnswer(200, body))

    listener = listening()
    await HttpFront(Empty(), Limits()).start(listener)
    return listener.getsockname()[1]


async def grpc_echo(answer):
    """Serves a fixed message on the stack of the model server."""
    import grpc

    async def handler(request, context):
        return answer

    server = grpc.aio.server()
    service, _, name = METHOD.strip("/").rpartition("/")
    methods = {name: grpc.unary_unary_rpc_method_handler(handler)}
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, methods)]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    KEPT.append(server)
    return port


def uvicorn_echo(body):
    """Serves fixed bytes on uvicorn, with its fastest parser."""
    import uvicorn

    async def app(scope, receive, send):
        more = True
        while more:
            more = (await receive()).get("more_body", False)
        headers = [(b"content-length", str(len(body)).encode())]
        start = "http.response.start"
        await send({"type": start, "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listener = listening()
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    serving = uvicorn.Server(config).serve([listener])
    KEPT.append(asyncio.ensure_future(serving))
    return listener.getsockname()[1]


def listening():
    """Returns a socket that listens at a free port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


KEPT = []  # What would be gone without a name.
PATH = "/v1/models/m:predict"
METHOD = "/tensorflow.serving.PredictionService/Predict"


def rest_body(rows=1):
    """Returns a request of some rows as JSON."""
    row = np.linspace(-1, 1, FEATURES).round(3).tolist()
    return json.dumps({"instances": [{"x": row}] * rows}).encode()


def rest_request(rows=1):
    """Returns the same with its head."""
    body = rest_body(rows)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: a\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


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


async def rest_load(port, callers, seconds, rows=1):
    """Sends one request after another on each connection."""
    request, times = rest_request(rows), []
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


async def in_processes(port, callers, seconds, rows):
    """Sends requests over REST from two processes, and adds up."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    halves = [
        context.Process(
            target=load_half, args=(queue, port, callers // 2, seconds, rows)
        )
        for _ in range(2)
    ]
    for one in halves:
        one.start()
    times = [queue.get() for _ in halves]
    for one in halves:
        one.join()
    return times[0] + times[1]


def load_half(queue, *load):
    """Runs in a process of its own."""
    queue.put(asyncio.run(rest_load(*load)))


if __name__ == "__main__":
    main()
