"""The blocks of a page that a test runs, by the name above each."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent
BIN = pathlib.Path(sys.executable).parent
BLOCK = re.compile(r"<!-- test: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


def blocks_of(page):
    """Returns the code of each block that is marked, by its name."""
    return dict(BLOCK.findall((ROOT / page).read_text(encoding="utf-8")))


def run(command, directory):
    """Runs a command; what it leaves in the background ends with it."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    output = directory / "output.txt", directory / "errors.txt"
    with output[0].open("w") as stdout, output[1].open("w") as stderr:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, "PATH": path},
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            process.wait(timeout=300)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    texts = [file.read_text() for file in output]
    for file in output:
        file.unlink()
    return subprocess.CompletedProcess(command, process.returncode, *texts)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
