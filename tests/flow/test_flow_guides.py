"""The commands of the guides run as they stand, each page after the other."""

import json
import shutil

import numpy as np
import pytest

from documented import blocks_of, run
from slice_tf.data import encode, write_records
from slice_tf.demo import digits
from slice_tf_beam import apply_slicing_functions


def shell(script, folder):
    done = run(["bash", "-e", "-c", script], folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the README leaves behind: `out/train` and `out/test`."""
    folder = tmp_path_factory.mktemp("guides")
    digits.write(folder / "raw")
    for part in ("train", "test"):
        apply_slicing_functions(
            str(folder / "raw" / part / "*.tfrecord"),
            str(folder / "out" / part),
            ["slice_tf.demo.digits_slices"],
        )
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    """What `docs/training.md` prints when it trains `model`."""
    return shell(blocks_of("docs/training.md")["one_host.sh"], folder)


def test_one_host_trains_with_the_files_the_page_names(trained, folder):
    lines = trained.splitlines()
    assert lines[0].split() == [
        "slice",
        "examples",
        "accuracy",
        "(validation",
        "data)",
    ]
    assert [line.split()[:2] for line in lines[1:-1]] == [
        ["faint", "75"],
        ["bold", "73"],
        ["off_centre", "76"],
        ["two_loops", "49"],
        ["ambiguous", "116"],
        ["scanner_b", "51"],
        ["base", "700"],
    ]
    assert lines[-1] == "model: model"
    assert {path.name for path in (folder / "run").iterdir()} == {
        "config.yaml",
        "run.json",
        "log.jsonl",
        "best.npz",
        "checkpoints",
    }


def test_backbone_of_a_file_beside_is_trained(folder):
    blocks = blocks_of("docs/backbones.md")
    (folder / "backbones.py").write_text(blocks["backbones.py"])
    said = shell(blocks["conv.sh"], folder)
    assert said.splitlines()[-1] == "model: out/conv"


def test_gate_passes_a_model_that_is_no_worse(trained, folder):
    for name in ("new", "old"):
        shutil.copytree(folder / "model", folder / "out" / name)
    shutil.copytree(folder / "out/test", folder / "out/sliced/test")
    said = shell(blocks_of("docs/evaluation.md")["gate.sh"], folder)
    assert said.splitlines()[-1] == "PASS: no slice is shown to be worse"
    assert {"new.json", "old.json", "gate.md"} <= {
        path.name for path in folder.iterdir()
    }


WORDS = np.array(["gift", "book", "lamp", "sofa", "cup"])
CUP = """
from slice_tf import slicing_function


@slicing_function
def cup(row):
    return "cup" in row.text("text")
"""


def write_reviews(path, seed, wrong):
    """Writes texts about books; of those about gifts the label may differ."""
    random, records = np.random.default_rng(seed), []
    for words in random.choice(WORDS, (400, 3)):
        text = " ".join(words)
        about = "book" in words
        records.append(
            encode(
                {
                    "text": text,
                    "length": len(text),
                    "x": [float((words == one).sum()) for one in WORDS],
                    "label": int(about != (wrong and "gift" in words)),
                }
            )
        )
    write_records(path, records)


def test_found_slice_becomes_a_function_that_is_applied(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "cup.py").write_text(CUP)
    for seed, part in enumerate(("train", "test")):
        write_reviews(tmp_path / f"data/{part}.tfrecord", seed, part == "test")
        apply_slicing_functions(
            str(tmp_path / f"data/{part}.tfrecord"),
            str(tmp_path / "sliced" / part),
            [str(tmp_path / "cup.py")],
        )
    shell(
        "slice-tf train --data sliced/train --features x=float32:5 "
        "--num-classes 2 --epochs 20 --output-dir model",
        tmp_path,
    )
    blocks = blocks_of("docs/discovery.md")
    said = shell(blocks["discover.sh"], tmp_path)
    assert "examples: 800 in 2 shards" in said
    assert {path.name for path in tmp_path.glob("*gifts.py")} == {
        "gifts.py",
        "test_gifts.py",
    }
    score = blocks["score.sh"].replace("FlinkRunner", "DirectRunner")
    assert "of 800 examples" in shell(score, tmp_path)
    scores = json.loads((tmp_path / "scores/scores.json").read_text())
    assert scores["num_examples"] == 800
