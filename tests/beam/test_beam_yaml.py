import json
import pathlib
import subprocess
import sys

import pytest

import slice_tf_beam
from beam_job import KEYWORDS, read_shards, sliced_by_keywords, write_raw
from slice_tf_beam import ApplySlicingFunctions

PIPELINE = pathlib.Path(slice_tf_beam.__file__).parent.parent / "pipeline.yaml"


def test_constructor_arguments_survive_json():
    arguments = json.loads(json.dumps({"functions": [KEYWORDS]}))
    assert ApplySlicingFunctions(**arguments).schema.names == ("rain", "night")


def test_the_sample_pipeline_slices(tmp_path):
    pytest.importorskip(
        "apache_beam.yaml.yaml_transform",
        reason='no Beam YAML: pip install "apache-beam[yaml]"',
        exc_type=ImportError,
    )
    shards = write_raw(tmp_path / "raw", [30, 20])
    (tmp_path / "slices.py").write_text(pathlib.Path(KEYWORDS).read_text())
    (tmp_path / "sliced").mkdir()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "apache_beam.yaml.main",
            f"--yaml_pipeline_file={PIPELINE}",
            "--runner=FnApiRunner",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    written = [
        record
        for records in read_shards(tmp_path / "sliced").values()
        for record in records
    ]
    expected = [
        sliced_by_keywords(record)
        for records in shards.values()
        for record in records
    ]
    assert sorted(written) == sorted(expected)
