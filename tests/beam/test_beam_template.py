import importlib.util
import json
import pathlib

import pytest

import slice_tf_beam
from slice_tf.programs import apply

TEMPLATE = pathlib.Path(slice_tf_beam.__file__).parent.parent / "template"


@pytest.fixture(scope="module")
def template():
    path = TEMPLATE / "main.py"
    spec = importlib.util.spec_from_file_location("template_main", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_parameters_go_before_beam_s_flags(template):
    assert template.sort_flags(
        [
            "--runner=DataflowRunner",
            "--output_dir=gs://b/out",
            "--slices=a.b,c:D",
            "--input=gs://b/raw/*=1",
            "--project=p",
        ]
    ) == [
        *["--output-dir", "gs://b/out"],
        *["--slices", "a.b", "c:D"],
        *["--input", "gs://b/raw/*=1"],
        "--",
        "--runner=DataflowRunner",
        "--project=p",
    ]


def test_every_parameter_is_a_flag_of_the_command(template, capsys):
    with pytest.raises(SystemExit):
        apply.main(["--help"])
    usage = capsys.readouterr().out
    metadata = json.loads((TEMPLATE / "metadata.json").read_text())
    for parameter in metadata["parameters"]:
        flag = "--" + parameter["name"].replace("_", "-")
        assert f"  {flag} " in usage
        assert ("isOptional" in parameter) == (f"[{flag} " in usage)
