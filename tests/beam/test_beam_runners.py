"""One job on every runner that this machine has: the same bytes.

Runners that need a download are skipped where they are not there:
`SLICE_TF_PRISM` names Beam's `prism` program, `SLICE_TF_FLINK_JAR` a Flink job
server's jar; Dask is a package. `beam_jobs/README.md` says how to get them.
"""

import contextlib
import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import pytest

from beam_job import KEYWORDS, apply, files_in, write_raw

SIZES = [300, 0, 1, 40]
# Small enough to cut the first shard.
OWN = ["--split-bytes", "9000"]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Returns raw shards and what is made of them in one process."""
    directory = tmp_path_factory.mktemp("runners")
    write_raw(directory / "raw", SIZES)
    done = apply(directory / "raw", directory / "out", KEYWORDS)
    assert done.returncode == 0, done.stderr
    return directory


def check_same(reference, output_dir, *beam_flags):
    done = apply(
        reference / "raw", output_dir, KEYWORDS, *OWN, "--", *beam_flags
    )
    assert done.returncode == 0, done.stderr
    assert files_in(output_dir) == files_in(reference / "out")


@pytest.mark.parametrize(
    "beam_flags",
    [
        ["--runner=FnApiRunner"],
        ["--runner=BundleBasedDirectRunner"],
        ["--direct_running_mode=multi_threading", "--direct_num_workers=2"],
        ["--direct_running_mode=multi_processing", "--direct_num_workers=2"],
    ],
    ids=["FnApiRunner", "BundleBasedDirectRunner", "threads", "processes"],
)
def test_runners_on_this_machine(reference, tmp_path, beam_flags):
    check_same(reference, tmp_path, *beam_flags)


def free_port():
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(log, *words):
    """Yields while a server runs."""
    # The worker pool starts what is called `python`.
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    with log.open("w") as stream:
        server = subprocess.Popen(
            words,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": path},
        )
        try:
            yield
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for(port, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            socket.create_connection(("localhost", port), 1).close()
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on port {port}")


@contextlib.contextmanager
def worker_pool(tmp_path):
    """Yields the flags that lead to a pool of worker processes."""
    port = free_port()
    words = ["-m", "apache_beam.runners.worker.worker_pool_main"]
    log = tmp_path / "worker-pool.log"
    with running(log, sys.executable, *words, f"--service_port={port}"):
        wait_for(port)
        yield [
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{port}",
        ]


@contextlib.contextmanager
def job_service(tmp_path):
    """Yields the flags that lead to Beam's job service in Python."""
    port = free_port()
    words = ["-m", "apache_beam.runners.portability.local_job_service_main"]
    log = tmp_path / "job-service.log"
    with running(log, sys.executable, *words, f"--job_port={port}"):
        wait_for(port)
        yield ["--runner=PortableRunner", f"--job_endpoint=localhost:{port}"]


def test_a_job_service_and_an_external_worker_pool(reference, tmp_path):
    with worker_pool(tmp_path) as workers, job_service(tmp_path) as service:
        check_same(reference, tmp_path / "out", *service, *workers)


def test_a_job_service_and_workers_in_the_driver(reference, tmp_path):
    with job_service(tmp_path) as service:
        flags = [*service, "--environment_type=LOOPBACK"]
        check_same(reference, tmp_path / "out", *flags)


def test_prism(reference, tmp_path):
    prism = os.environ.get("SLICE_TF_PRISM") or shutil.which("prism")
    if prism is None:
        pytest.skip("no prism: set SLICE_TF_PRISM to Beam's prism program")
    flags = [
        "--runner=PrismRunner",
        f"--prism_location={prism}",
        "--environment_type=LOOPBACK",
    ]
    check_same(reference, tmp_path / "out", *flags)


def test_dask(reference, tmp_path):
    if importlib.util.find_spec("distributed") is None:
        pytest.skip("no Dask: pip install 'dask[distributed]'")
    runner = "apache_beam.runners.dask.dask_runner.DaskRunner"
    check_same(reference, tmp_path / "out", f"--runner={runner}")


def test_flink(reference, tmp_path):
    jar = os.environ.get("SLICE_TF_FLINK_JAR")
    if jar is None:
        pytest.skip("no Flink: set SLICE_TF_FLINK_JAR to a job server's jar")
    if shutil.which("java") is None:
        pytest.skip("no Flink: there is no java on the PATH")
    flags = [
        "--runner=FlinkRunner",
        f"--flink_job_server_jar={jar}",
        "--flink_master=[local]",
        "--parallelism=2",
    ]
    with worker_pool(tmp_path) as workers:
        check_same(reference, tmp_path / "out", *flags, *workers)
