"""The how-to page says what is so: its code runs, in order."""

import pathlib
import re
import sys

import numpy as np

from slice_tf.data import encode, write_records

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "slicing_functions.md"


def test_the_code_of_the_page_runs(tmp_path, monkeypatch, capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    # Loading a file makes its directory importable; not for other tests.
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "slices.py").write_text(blocks[0])
    (tmp_path / "raw").mkdir()
    records = [
        encode({"review": "Bad", "stars": 1}),
        encode({"review": "Good " * 20, "stars": 5}),
    ]
    write_records(tmp_path / "raw" / "part-0.tfrecord", records)
    names = {"labels": ["bad", "good"], "gold": np.array([[1, 1], [0, -1]])}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    tests = [names[name] for name in sorted(names) if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
    printed = capsys.readouterr().out.splitlines()
    summary = [
        "slice  size  coverage, %  unknown",
        "short     1         50.0        0",
        "angry     1         50.0        0",
    ]
    assert (printed[:3], printed[3:7]) == (summary, [*summary, "[]"])
    assert "slices `short` and `angry` are nearly one" in printed[10]
