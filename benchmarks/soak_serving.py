"""Claim: a server answers every request while versions come and go.

REST and gRPC callers ask without a pause; every few seconds a version is
published and the one before is deleted. Each answer is compared with what the
model gives. The server's memory is looked at all the while. `make bench` does
not run this: it takes minutes.
"""

import argparse
import asyncio
import collections
import itertools
import json
import multiprocessing
import os
import pathlib
import shutil
import tempfile
import time

import bench_serving
import numpy as np

REQUESTS = 500_000
SWAP_SECONDS = 3.0
SETTLE = 0.25  # part of the run after which memory must be flat
ROWS = 4  # of a gRPC request
TOLERANCE = 1e-5  # Batches of other sizes add up in another order.


def main(argv=None):
    """Prints counts, rates and memory; fails if a request has failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--rest-callers", type=int, default=32)
    parser.add_argument("--grpc-callers", type=int, default=8)
    parser.add_argument("--max-seconds", type=float, default=340.0)
    flags = parser.parse_args(argv)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as root:
        queue, stop = context.Queue(), context.Event()
        server = context.Process(target=serve, args=(root, queue, stop))
        server.start()
        try:
            ports = queue.get(timeout=300)
            soak = Soak(pathlib.Path(root) / "m", server.pid, ports, flags)
            asyncio.run(soak.run())
        finally:
            stop.set()
            server.join()
    soak.report()
    return 1 if soak.failures else 0


def serve(root, queue, stop):
    """Runs the server; in a process of its own."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from slice_tf_serving import ModelServer

    base_dir = bench_serving.published(pathlib.Path(root))
    with ModelServer(base_dir, "m", poll_seconds=0.5) as server:
        queue.put((server.rest_port, server.grpc_port))
        stop.wait()


class Soak:
    """Asks, publishes and looks at memory until enough has been asked."""

    def __init__(self, base_dir, pid, ports, flags):
        self.base_dir, self.pid, self.flags = base_dir, pid, flags
        self.rest_port, self.grpc_port = ports
        self.counts = collections.Counter()
        self.versions = collections.Counter()
        self.failures, self.sizes = [], []
        self.swaps = 0
        self.is_over = False

    async def run(self):
        """Runs everything side by side."""
        self.began = time.monotonic()
        callers = [self.call_rest() for _ in range(self.flags.rest_callers)]
        callers += [self.call_grpc() for _ in range(self.flags.grpc_callers)]
        await asyncio.gather(*callers, self.swap(), self.watch())
        self.seconds = time.monotonic() - self.began

    async def call_rest(self):
        """Asks for one row again and again, on one connection."""
        request, expected = bench_serving.rest_request(), None
        address = "127.0.0.1", self.rest_port
        reader, writer = await asyncio.open_connection(*address)
        while not self.is_over:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split()[0])
            body = await reader.readexactly(length)
            try:
                given = json.loads(body)["predictions"][0]["probabilities"]
                expected = expected or given
                if np.abs(np.subtract(given, expected)).max() > TOLERANCE:
                    raise ValueError(f"Expected: {expected}")
            except (KeyError, ValueError) as error:
                self.failures.append((head, body, error))
            self.counts["REST"] += 1
        writer.close()

    async def call_grpc(self):
        """Asks for several rows again and again, with the client."""
        from slice_tf_serving.client import AsyncClient

        rows = np.random.default_rng(0).normal(size=(ROWS, 32))
        inputs, expected = {"x": rows.astype("float32")}, None
        url = f"grpc://127.0.0.1:{self.grpc_port}"
        async with AsyncClient(url, "m", retries=0, timeout=60) as client:
            while not self.is_over:
                try:
                    given = (await client.predict(inputs))["probabilities"]
                    expected = given if expected is None else expected
                    if np.abs(given - expected).max() > TOLERANCE:
                        raise ValueError(f"{given}. Expected: {expected}")
                except (OSError, RuntimeError, ValueError) as error:
                    self.failures.append(error)
                self.counts["gRPC"] += 1

    async def swap(self):
        """Publishes the model once more, and deletes the version before."""
        for version in itertools.count(2):
            await asyncio.sleep(SWAP_SECONDS)
            if self.is_over:
                return
            await asyncio.to_thread(self.publish, version)
            self.swaps += 1

    def publish(self, version):
        """Makes a version of the one before; keeps two."""
        before = self.base_dir / str(version - 1)
        staged = self.base_dir / f".tmp-{version}"
        shutil.copytree(before, staged)
        staged.rename(self.base_dir / str(version))
        shutil.rmtree(self.base_dir / str(version - 2), ignore_errors=True)

    async def watch(self):
        """Looks at the server's memory, and ends it all."""
        while not self.is_over:
            await asyncio.sleep(1.0)
            self.sizes.append(resident_mb(self.pid))
            self.is_over = (
                sum(self.counts.values()) >= self.flags.requests
                or time.monotonic() - self.began > self.flags.max_seconds
            )

    def report(self):
        """Prints what came of it."""
        total = sum(self.counts.values())
        start = int(SETTLE * len(self.sizes))
        settled = np.array(self.sizes[start:])
        quarter = max(1, len(settled) // 4)
        first = np.median(settled[:quarter])
        last = np.median(settled[-quarter:])
        for failure in self.failures[:5]:
            print(f"failed: {failure!r:.500}")
        print("| requests | REST | gRPC | seconds | versions | failed |")
        print("|---:|---:|---:|---:|---:|---:|")
        print(
            f"| {total:,} | {self.counts['REST']:,} | "
            f"{self.counts['gRPC']:,} | {self.seconds:.0f} | {self.swaps} | "
            f"{len(self.failures)} |"
        )
        print("resident MB, every tenth of the run:", self.tenths())
        print(
            f"last / first quarter, after the first {SETTLE:.0%}: "
            f"{last / first:.3f} (goal 1.10)"
        )

    def tenths(self):
        """Returns the memory over the run, as text."""
        parts = np.array_split(self.sizes, min(10, len(self.sizes)))
        return " ".join(f"{np.median(part):.0f}" for part in parts)


def resident_mb(pid):
    """Returns the memory of a process, of Linux."""
    pages = pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    raise SystemExit(main())
