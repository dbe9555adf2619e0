"""The blocks of `docs/data.md` do what the page says, one after the other."""

import subprocess
import sys

import pytest

from documented import blocks_of

BLOCKS = blocks_of("docs/data.md")

SLICES = """
from slice_tf import Row, slicing_function


@slicing_function(description="Has two words")
def wordy(row: Row) -> bool:
    return len(row.texts("words")) == 2
"""


def run(code, folder):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    run(BLOCKS["write.py"], folder)
    (folder / "slices.py").write_text(SLICES, encoding="utf-8")
    run(
        "from slice_tf_beam import apply_slicing_functions\n"
        'apply_slicing_functions("raw", "sliced", ["slices.py"])',
        folder,
    )
    return folder


def test_batches_have_the_features_and_targets_of_the_page(folder):
    assert run(BLOCKS["read.py"], folder) == [
        "{'image': (32, 8, 8), 'words': (32, 4)}",
        "{'label': (32,), 'membership': (32, 1), 'known': (32, 1)}",
        "3 [0.325]",
    ]


def test_another_parser_reads_sliced_records(folder):
    assert run(BLOCKS["parse.py"], folder) == ["b'0-0' (80, 1)"]
