"""What `slice-tf train` says of data, configs and disks that cannot work."""

import json

import pytest

from full_disk import full_disk
from slice_tf.programs.train import main
from slice_tf.schema import SliceSchema
from sliced_data import sliced_record
from sliced_data import write_sliced as write_shards
from sliced_task import FEATURES, SCHEMA, TARGETS, write_sliced

OTHER = SliceSchema.from_names(["small"])
ABSENT = [row for row in range(64) if not TARGETS["membership"][row, 0]]


@pytest.fixture
def flags(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_sliced(tmp_path / "data")
    return [
        *("--data", "data", "--features", "x=float32:6", "--epochs", "1"),
        *("--output-dir", "model", "--batch-size", "16"),
    ]


def test_a_shard_without_labels_is_named(flags, tmp_path):
    x = FEATURES["x"][0].tolist()
    whole = sliced_record({"x": x, "label": 1}, [0, 1])
    shards = {
        "part-0": [whole] * 150,
        "part-1": [sliced_record({"x": x}, [0, 1])],
    }
    data = write_shards(tmp_path / "half", SCHEMA, shards)
    summary = {"num_examples": 151, "slices": []}
    summary["slices"] = [{"name": name, "size": 9} for name in SCHEMA.names]
    summary["format_version"] = 1
    (data / "summary.json").write_text(json.dumps(summary))
    message = "part-1: record 0: .*every feature.*feature='label'"
    with pytest.raises(ValueError, match=message):
        main([*flags, "--data", "half"])
    assert not (tmp_path / "model").exists()


def test_validation_must_have_the_slices_of_training(flags, tmp_path):
    write_sliced(tmp_path / "other", schema=OTHER)
    with pytest.raises(ValueError, match=r"other.*small.*small, large"):
        main([*flags, "--validation", "other"])


def test_validation_must_hold_an_example(flags, tmp_path):
    write_sliced(tmp_path / "nothing", rows=[])
    with pytest.raises(ValueError, match="validation data must hold at least"):
        main([*flags, "--validation", "nothing"])


def test_a_run_does_not_go_on_with_other_slices(flags, tmp_path):
    write_sliced(tmp_path / "other", schema=OTHER)
    main([*flags, "--run-dir", "run"])
    again = [*flags, "--run-dir", "run", "--data", "other"]
    message = r"slices=\['small'\] \(checkpoint: \['small', 'large'\]\)"
    with pytest.raises(ValueError, match=message):
        main([*again, "--output-dir", "again"])


def test_a_slice_that_only_validation_has_is_warned_of(
    flags, tmp_path, caplog, capsys
):
    write_sliced(tmp_path / "without", rows=ABSENT)
    assert main([*flags, "--data", "without", "--validation", "data"]) == 0
    assert caplog.messages[0] == (
        "no training example is in these slices, whose experts learn "
        "nothing: small"
    )
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    members = TARGETS["membership"][:, 0].sum()
    assert rows[1][:2] == ["small", f"{members:.0f}"]


def test_strings_cannot_be_compiled_by_xla(flags):
    message = r"XLA has no strings. Received: features=text\. Leave it out"
    with pytest.raises(ValueError, match=message):
        main(
            [
                *flags,
                "--features",
                "x=float32:6",
                "text=string",
                "--jit-compile",
            ]
        )


def test_a_disk_that_is_full_at_the_end_leaves_no_model(flags, tmp_path):
    with (
        full_disk(4096),
        pytest.raises(OSError, match=r"disk full.*=model, error"),
    ):
        main(flags)
    assert not (tmp_path / "model").exists()
