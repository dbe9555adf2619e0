"""The blocks of `docs/export.md` do what the page says."""

import shutil
import subprocess
import sys

import keras
import pytest

from documented import blocks_of
from exported_task import made
from slice_tf.data import Feature, FeatureSpec
from slice_tf.export import export_hub_module, export_saved_model
from slice_tf.models import VanillaModel, build_mlp
from slice_tf_serving.deployment.checksums import check_files

BLOCKS = blocks_of("docs/export.md")


def run(name, folder):
    program = "bash" if name.endswith(".sh") else sys.executable
    switch = "-ec" if name.endswith(".sh") else "-c"
    return subprocess.run(
        [program, switch, BLOCKS[name]],
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_signature_tells_who_wrote_the_checksums(tmp_path):
    one, path = made("vanilla"), tmp_path / "out/saved_model"
    export_saved_model(one.model, path, one.spec)
    assert run("sign.sh", tmp_path).returncode == 0
    done = run("verify.sh", tmp_path)
    assert (done.returncode, "Verified Successfully" in done.stdout) == (
        0,
        True,
    )
    check_files(path)
    sums = path / "assets.extra/SHA256SUMS"
    sums.write_text(sums.read_text().replace("a", "b", 1))
    assert run("verify.sh", tmp_path).returncode != 0


def test_module_is_called_and_built_upon(tmp_path):
    keras.utils.set_random_seed(1)
    model = VanillaModel(build_mlp({"image": ((64,), "float32")}, units=(8,)))
    spec = FeatureSpec({"image": Feature("float32", (64,))})
    export_hub_module(model, tmp_path / "out/backbone", spec)
    done = run("hub.py", tmp_path)
    assert done.stdout.splitlines() == ["(2, 8)", "2"], done.stderr
