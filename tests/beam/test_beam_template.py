import importlib.metadata
import importlib.util
import json
import pathlib
import re
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

import slice_tf_beam
from slice_tf.data import encode, write_records
from slice_tf.programs import apply

BEAM_JOBS = pathlib.Path(slice_tf_beam.__file__).parent.parent
TEMPLATE = BEAM_JOBS / "template"
APPLY = """
import sys
for name in sys.argv.pop().split(","):
    sys.modules[name] = None
from slice_tf.cli import main
sys.exit(main(sys.argv[1:]))
"""


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


def needs_of(distribution):
    needs = map(Requirement, importlib.metadata.requires(distribution))
    return {
        one.name.replace("-", "_")
        for one in needs
        if not one.marker or one.marker.evaluate({"extra": ""})
    }


def test_worker_image_holds_what_a_job_imports(tmp_path):
    image = (BEAM_JOBS / "Dockerfile").read_text(encoding="utf-8")
    named = re.findall(r'"([\w-]+)>=', image)
    installed = {name.replace("-", "_") for name in named}
    absent = needs_of("slice-tf") - needs_of("apache-beam") - installed
    assert absent >= {"keras", "tensorflow", "rich"}
    write_records(tmp_path / "raw", [encode({"text": "a"})])
    (tmp_path / "slices.py").write_text(
        "from slice_tf import slicing_function\n"
        "@slicing_function\n"
        "def short(row):\n    return True\n"
    )
    flags = ["--input", "raw", "--slices", "slices.py"]
    flags += ["--output-dir", "sliced"]
    done = subprocess.run(
        [sys.executable, "-c", APPLY, "apply", *flags, ",".join(absent)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sliced" / "manifest.json").is_file()
