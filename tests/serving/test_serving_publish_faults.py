"""What must never reach callers: half a version, or one they cannot call."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from slice_tf.export.checksums import write_checksums
from slice_tf_serving import publish
from slice_tf_serving.deployment.checksums import check_files
from slice_tf_serving.deployment.contract_changes import find_changes
from slice_tf_serving.versions import list_versions

CONTRACT = "assets.extra/signature.json"

# Publishes, and is killed when it comes to a step for the nth time.
KILLED = """
import os, signal, sys
import slice_tf_serving.deployment.publish_local as module

source, base, name, times = sys.argv[1:]
owner, _, step = name.rpartition(".")
owner = getattr(module, owner) if owner else module
real, calls = getattr(owner, step), []


def killed(*arguments, **named):
    calls.append(1)
    if len(calls) == int(times):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **named)


setattr(owner, step, killed)
module.publish(source, base, keep=1)
"""


@pytest.fixture
def copy(exports, tmp_path):
    """A copy of an export that a test may change."""
    return shutil.copytree(exports["binary"], tmp_path / "copy")


def contract_of(export):
    return json.loads((export / CONTRACT).read_text())


def rewrite(export, contract):
    (export / CONTRACT).write_text(json.dumps(contract))
    write_checksums(export)


def numbers(base):
    return [number for number, _ in list_versions(base)]


@pytest.mark.parametrize(
    ("step", "times", "published"),
    [
        ("check_files", 1, False),
        ("shutil.copytree", 1, False),
        ("check_files", 2, False),  # Copied, not looked at.
        ("os.fsync", 1, False),
        ("os.fsync", 9, False),  # In the midst of files.
        ("_rename", 1, False),
        ("list_versions", 2, True),  # It has its name; the old one, too.
        ("shutil.rmtree", 1, True),  # The old version is hidden already.
    ],
)
def test_publisher_that_is_killed_leaves_whole_versions(
    step, times, published, exports, tmp_path
):
    publish(exports["binary"], tmp_path)
    arguments = exports["binary"], tmp_path, step, times
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, arguments)],
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    found = list_versions(tmp_path)
    assert (found[-1][0] == 2) == published
    for _, path in found:
        check_files(path)
    assert int(publish(exports["binary"], tmp_path).name) == 2 + published


def test_what_a_killed_publisher_left_is_removed_a_day_later(exports, tmp_path):
    yesterday = time.time() - 25 * 3600
    for name in (".tmp-old", ".old-1-old", ".tmp-new", ".mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("half")
        if name != ".tmp-new":
            os.utime(tmp_path / name, (yesterday, yesterday))
    publish(exports["binary"], tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {".tmp-new", ".mine", "1"}


def test_version_without_the_default_signature_is_refused(copy, tmp_path):
    contract = contract_of(copy)
    del contract["signatures"]["serving_default"]
    rewrite(copy, contract)
    message = "must have the signature `serving_default`.*signatures=classify"
    with pytest.raises(ValueError, match=message):
        publish(copy, tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_version_that_breaks_callers_is_refused_unless_they_know(
    exports, tmp_path
):
    publish(exports["binary"], tmp_path)
    message = r"explain/n: input that was not needed before.*--new-contract"
    with pytest.raises(ValueError, match=message):
        publish(exports["multi_class"], tmp_path)
    assert numbers(tmp_path) == [1]
    publish(exports["multi_class"], tmp_path, new_contract=True)
    assert numbers(tmp_path) == [1, 2]


@pytest.mark.parametrize(
    ("keys", "value", "change"),
    [
        (
            ("inputs", "x", "dtype"),
            "float64",
            "explain/x: float32[None, 2, 3] to float64[None, 2, 3]",
        ),
        (
            ("inputs", "x", "shape"),
            [None, 6],
            "explain/x: float32[None, 2, 3] to float32[None, 6]",
        ),
        (("inputs", "x", "shape"), [None, None, 3], None),
        (("inputs", "x", "shape"), None, None),
        (("outputs", "logits"), None, "explain/logits: gone"),
        (("outputs", "logits", "shape"), [2, 1], None),
        (
            ("outputs", "logits", "shape"),
            [None, None],
            "explain/logits: float32[None, 1] to float32[None, None]",
        ),
        (("outputs", "more"), {"dtype": "int64", "shape": [None]}, None),
    ],
)
def test_changes_are_those_that_callers_notice(keys, value, change, exports):
    old, new = (contract_of(exports["binary"]) for _ in range(2))
    place = new["signatures"]["explain"]
    for key in keys[:-1]:
        place = place[key]
    if value is None and keys[-1] == "logits":
        del place["logits"]
    else:
        place[keys[-1]] = value
    expected = [] if change is None else [change]
    assert list(find_changes(old, new)) == expected


def test_contract_must_be_readable(exports, tmp_path):
    version = publish(exports["binary"], tmp_path)
    (version / CONTRACT).write_text("{")
    with pytest.raises(ValueError, match=r"must hold JSON.*signature\.json"):
        publish(exports["binary"], tmp_path)


def test_slices_that_change_places_are_told(exports):
    old, new = (contract_of(exports["binary"]) for _ in range(2))
    new["slices"].reverse()
    expected = ["slices: small, large to large, small"]
    assert list(find_changes(old, new)) == expected
