"""The supervisor, over small programs that fail in every way."""

import logging
import os
import signal
import subprocess
import sys

import pytest

from slice_tf.training.supervisor import supervise

FAIL_ONCE = """
import os, sys
if not os.path.exists("tried"):
    open("tried", "w").close()
    print("step 3", file=sys.stderr)
    print("E0000 00:00:17.8 28 some.cc:6] log", file=sys.stderr, flush=True)
    os.kill(os.getpid(), 9)
"""
LAST_WORKER_FAILS = """
import json, os, sys, time
task = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
if task == 1:
    sys.exit("no more memory")
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def python(text):
    return [sys.executable, "-c", text]


def test_a_killed_process_is_started_again(caplog):
    assert supervise(python(FAIL_ONCE), restarts=1) == 0
    assert "(killed by SIGKILL, after it said: step 3)" in caplog.text


@pytest.mark.parametrize(
    ("program", "workers"),
    [("import sys; sys.exit('no more memory')", 1), (LAST_WORKER_FAILS, 2)],
)
def test_it_gives_up_with_the_first_cause(caplog, program, workers):
    with caplog.at_level(logging.WARNING):
        assert supervise(python(program), 2, workers) == 1
    assert caplog.messages[-1] == (
        "gave up after 2 restarts; first cause: no more memory"
    )


def test_a_usage_error_is_not_tried_again(caplog):
    program = "import sys; open('tried', 'a').write('x'); sys.exit(2)"
    assert supervise(python(program), restarts=3) == 2
    with open("tried", encoding="utf-8") as file:
        assert file.read() == "x"


def test_one_after_a_death_is_and_a_traceback_is_told_by_its_error(caplog):
    program = (
        "import os, sys; open('tried', 'a').write('x')\n"
        "tries = os.path.getsize('tried')\n"
        "def told(kind, error, trace):\n"
        "    print('Traceback (most recent call last):', file=sys.stderr)\n"
        "    print('E0000 00:00:17.8 28 some.cc:6] log', file=sys.stderr)\n"
        "    print(f'{kind.__name__}: {error}', file=sys.stderr)\n"
        "sys.excepthook = told\n"
        "if tries == 1: raise RuntimeError('worker 1 died\\nask its log')\n"
        "sys.exit(2 if tries == 2 else 0)"
    )
    assert supervise(python(program), restarts=2) == 0
    assert caplog.messages == [
        "a worker ended with status 1 (RuntimeError: worker 1 died); "
        "starting again, 1 of 2",
        "a worker ended with status 2 (status 2); starting again, 2 of 2",
    ]


def test_a_process_that_is_always_killed_ends_as_in_a_shell():
    assert supervise(python("import os; os.kill(os.getpid(), 9)")) == 137


@pytest.mark.parametrize("handler", ["lambda *_: sys.exit(143)", "0"])
def test_sigterm_is_handed_on_and_ends_it(handler):
    child = (
        "import signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, {handler})\n"
        "open('ready', 'w').close(); time.sleep(600)"
    )
    parent = (
        "import sys; from slice_tf.training.supervisor import supervise\n"
        f"sys.exit(supervise([sys.executable, '-c', {child!r}], 3))"
    )
    process = subprocess.Popen(python(parent))
    while not os.path.exists("ready"):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 143
