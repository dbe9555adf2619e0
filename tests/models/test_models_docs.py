"""The first block of `docs/models.md` does what the page says."""

import subprocess
import sys

from documented import blocks_of


def test_slices_are_added_to_a_model_that_is_there(tmp_path):
    code = blocks_of("docs/models.md")["yours.py"]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "val_accuracy/faint" in done.stdout
    shapes = {
        "probabilities": (2, 10),
        "class_ids": (2,),
        "slice_probabilities": (2, 2),
        "attention": (2, 3),
        "logits": (2, 10),
        "contributions": (2, 3, 10),
    }
    assert done.stdout.splitlines()[-1] == str(shapes)
    assert (tmp_path / "model.keras").is_file()
