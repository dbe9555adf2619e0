"""Where a job reads from and writes to, and what it refuses."""

import re

import pytest

from beam_job import (
    KEYWORDS,
    apply,
    files_in,
    functions_in,
    read_shards,
    sliced_by_keywords,
    write_raw,
)
from slice_tf_beam import apply_slicing_functions


def slice_all(source, output_dir, functions=KEYWORDS, **options):
    return apply_slicing_functions(
        str(source), str(output_dir), [functions], **options
    )


def sliced(shards):
    return {
        name: [sliced_by_keywords(record) for record in records]
        for name, records in shards.items()
    }


@pytest.mark.parametrize("pattern", ["", "/", "/*", "/train-*", "/train-[01]"])
def test_input_is_a_directory_or_a_pattern(tmp_path, pattern):
    shards = write_raw(tmp_path / "raw", [3, 4])
    for name in ("_SUCCESS", ".hidden", "slices.json", "errors.jsonl", "a.tmp"):
        (tmp_path / "raw" / name).write_text("no record")
    (tmp_path / "raw" / "deeper").mkdir()
    (tmp_path / "raw" / "deeper" / "train-9").write_text("no record")
    slice_all(f"{tmp_path}/raw{pattern}", tmp_path / "out")
    assert read_shards(tmp_path / "out") == sliced(shards)


def test_input_is_one_file(tmp_path):
    shards = write_raw(tmp_path / "raw", [3, 4])
    slice_all(tmp_path / "raw" / "train-1", tmp_path / "out")
    del shards["train-0"]
    assert read_shards(tmp_path / "out") == sliced(shards)


def test_an_input_directory_may_have_a_name_that_looks_like_a_pattern(
    tmp_path,
):
    shards = write_raw(tmp_path / "raw [1]*", [3])
    slice_all(tmp_path / "raw [1]*", tmp_path / "out")
    assert read_shards(tmp_path / "out") == sliced(shards)


@pytest.mark.parametrize(
    ("name", "output"), [("train-0", "out [2]"), ("train-?", "out")]
)
def test_beam_would_remove_by_a_name_that_looks_like_a_pattern(
    tmp_path, name, output
):
    write_raw(tmp_path / "raw", [3])
    (tmp_path / "raw" / "train-0").rename(tmp_path / "raw" / name)
    path = f"{tmp_path}/{output}/{name}"
    with pytest.raises(ValueError, match=re.escape(f"path={path}")):
        slice_all(tmp_path / "raw", tmp_path / output)
    assert not (tmp_path / output).exists()


def test_relative_paths_are_of_the_working_directory(tmp_path, monkeypatch):
    shards = write_raw(tmp_path / "raw", [3])
    monkeypatch.chdir(tmp_path)
    slice_all("raw", "out")
    assert read_shards(tmp_path / "out") == sliced(shards)
    slice_all(tmp_path / "raw", tmp_path / "out")


@pytest.mark.parametrize("pattern", ["nothing-*", "nothing", "empty", "hidden"])
def test_no_input_is_an_error(tmp_path, pattern):
    (tmp_path / "empty").mkdir()
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / ".train-0").touch()
    matches = 1 if pattern == "hidden" else 0
    message = (
        f"must match at least one TFRecord file. Received: "
        f"input={tmp_path}/{pattern}, files that match={matches}"
    )
    with pytest.raises(ValueError, match=message.replace("*", r"\*")):
        slice_all(tmp_path / pattern, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_shards_of_one_name_are_refused(tmp_path):
    for part in ("a", "b"):
        write_raw(tmp_path / part, [1])
    message = f"name=train-0, paths={tmp_path}/a/train-0, {tmp_path}/b/train-0"
    with pytest.raises(ValueError, match=message):
        slice_all(tmp_path / "*" / "train-*", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_output_directory_is_created_with_those_above_it(tmp_path):
    shards = write_raw(tmp_path / "raw", [3])
    slice_all(tmp_path / "raw", tmp_path / "new" / "deeper" / "out")
    assert read_shards(tmp_path / "new" / "deeper" / "out") == sliced(shards)


def test_the_output_may_lie_in_the_input_s_directory(tmp_path):
    shards = write_raw(tmp_path, [3])
    for _ in range(2):
        slice_all(tmp_path, tmp_path / "out")
        assert read_shards(tmp_path / "out") == sliced(shards)


@pytest.mark.parametrize("link", [False, True])
def test_the_output_must_not_hold_the_input(tmp_path, link):
    write_raw(tmp_path / "raw", [3])
    before = files_in(tmp_path / "raw")
    output_dir = tmp_path / "raw"
    if link:
        output_dir = tmp_path / "link"
        output_dir.symlink_to(tmp_path / "raw")
    message = f"must not hold the input.*Received: output_dir={output_dir}"
    for flags in ({}, {"overwrite": True}):
        with pytest.raises(ValueError, match=message):
            slice_all(tmp_path / "raw", output_dir, **flags)
    assert files_in(tmp_path / "raw") == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_files_of_others_are_never_touched(tmp_path, overwrite):
    write_raw(tmp_path / "raw", [3])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("ten years")
    message = f"output_dir={tmp_path}/out, files=thesis.txt"
    with pytest.raises(ValueError, match=message):
        slice_all(tmp_path / "raw", tmp_path / "out", overwrite=overwrite)
    assert files_in(tmp_path / "out") == {"thesis.txt": b"ten years"}


def test_files_of_others_are_not_touched_beside_ours(tmp_path):
    write_raw(tmp_path / "raw", [3])
    slice_all(tmp_path / "raw", tmp_path / "out")
    for number in range(7):
        (tmp_path / "out" / f"mine-{number}").touch()
    before = files_in(tmp_path / "out")
    message = "files=mine-0, mine-1, mine-2, mine-3, mine-4 and 2 more"
    with pytest.raises(ValueError, match=message):
        slice_all(tmp_path / "raw", tmp_path / "out", overwrite=True)
    assert files_in(tmp_path / "out") == before


@pytest.mark.parametrize("place", ["file/out", "file"])
def test_an_output_that_cannot_be_is_named(tmp_path, place):
    write_raw(tmp_path / "raw", [3])
    (tmp_path / "file").write_text("no directory")
    message = f"written to. Received: output_dir={tmp_path}/{place}, error="
    with pytest.raises(OSError, match=message):
        slice_all(tmp_path / "raw", tmp_path / place)
    assert (tmp_path / "file").read_text() == "no directory"


def test_a_read_only_output_is_named(tmp_path):
    write_raw(tmp_path / "raw", [3])
    done = apply(tmp_path / "raw", "/proc/slices", KEYWORDS)
    assert (done.returncode, done.stdout) == (2, "")
    start = "slice-tf apply: error: The output directory must be one that can "
    start += "be written to. Received: output_dir=/proc/slices, error="
    assert done.stderr.startswith(start)
    assert done.stderr.count("\n") == 1


def test_a_finished_job_run_again_changes_nothing(tmp_path, caplog):
    write_raw(tmp_path / "raw", [3, 4])
    first = slice_all(tmp_path / "raw", tmp_path / "out")
    before = files_in(tmp_path / "out")
    caplog.set_level("INFO", logger="slice_tf")
    again = slice_all(tmp_path / "raw", tmp_path / "out")
    assert files_in(tmp_path / "out") == before
    assert again == first
    assert "2 of 2 shards are done already" in caplog.text


def test_another_job_s_output_is_refused_or_overwritten(tmp_path):
    write_raw(tmp_path / "raw", [3, 4, 5])
    slice_all(tmp_path / "raw", tmp_path / "out")
    before = files_in(tmp_path / "out")
    message = (
        f"output_dir={tmp_path}/out, functions: [0-9a-f]{{16}}, now "
        "[0-9a-f]{16}. `--overwrite` removes the earlier run first."
    )
    night = f"{KEYWORDS}:night"
    with pytest.raises(ValueError, match=message):
        slice_all(tmp_path / "raw", tmp_path / "out", night)
    assert files_in(tmp_path / "out") == before

    (tmp_path / "raw" / "train-2").unlink()
    slice_all(tmp_path / "raw", tmp_path / "out", night, overwrite=True)
    slice_all(tmp_path / "raw", tmp_path / "fresh", night)
    assert files_in(tmp_path / "out") == files_in(tmp_path / "fresh")


def test_a_shard_that_left_the_input_is_no_part_of_the_job(tmp_path):
    write_raw(tmp_path / "raw", [3, 4])
    slice_all(tmp_path / "raw", tmp_path / "out")
    (tmp_path / "raw" / "train-1").unlink()
    message = "shard train-1: not in the input now"
    with pytest.raises(ValueError, match=message):
        slice_all(tmp_path / "raw", tmp_path / "out")


def test_a_shard_that_joined_the_input_is_added(tmp_path):
    write_raw(tmp_path / "raw", [3])
    slice_all(tmp_path / "raw", tmp_path / "out")
    write_raw(tmp_path / "more", [3, 4])
    (tmp_path / "more" / "train-1").replace(tmp_path / "raw" / "train-1")
    slice_all(tmp_path / "raw", tmp_path / "out")
    slice_all(tmp_path / "raw", tmp_path / "fresh")
    assert files_in(tmp_path / "out") == files_in(tmp_path / "fresh")


@pytest.mark.parametrize(
    "harm",
    [
        lambda out: (out / "train-0").unlink(),
        lambda out: (out / "train-0").write_bytes(b"cut short"),
        lambda out: (out / "manifest.json").unlink(),
        lambda out: [
            (out / name).unlink()
            for name in ("slices.json", "summary.json", "errors.jsonl")
        ],
    ],
    ids=["shard", "cut", "manifest", "reports"],
)
def test_what_is_missing_is_made_again(tmp_path, harm):
    write_raw(tmp_path / "raw", [3, 4])
    slice_all(tmp_path / "raw", tmp_path / "out")
    before = files_in(tmp_path / "out")
    harm(tmp_path / "out")
    slice_all(tmp_path / "raw", tmp_path / "out")
    assert files_in(tmp_path / "out") == before


def test_a_shard_without_its_sidecar_is_not_taken_for_ours(tmp_path):
    write_raw(tmp_path / "raw", [3, 4])
    slice_all(tmp_path / "raw", tmp_path / "out")
    (tmp_path / "out" / "train-0.stats.json").unlink()
    with pytest.raises(ValueError, match=r"files=train-0\. Name another"):
        slice_all(tmp_path / "raw", tmp_path / "out", overwrite=True)


def test_temporary_files_of_dead_attempts_are_removed(tmp_path):
    write_raw(tmp_path / "raw", [3])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".tmp-train-0-0123").write_text("half")
    slice_all(tmp_path / "raw", tmp_path / "out")
    slice_all(tmp_path / "raw", tmp_path / "fresh")
    assert files_in(tmp_path / "out") == files_in(tmp_path / "fresh")


def test_a_sidecar_that_is_none_is_named(tmp_path):
    write_raw(tmp_path / "raw", [3])
    slice_all(tmp_path / "raw", tmp_path / "out")
    sidecar = tmp_path / "out" / "train-0.stats.json"
    for text, message in [
        ("{", "must hold JSON. Received: file="),
        ("{}", "KeyError: 'format_version'"),
        ('{"format_version": 9}', "format_version=9"),
        ("[]", "TypeError"),
    ]:
        sidecar.write_text(text)
        with pytest.raises(ValueError, match=message) as caught:
            slice_all(tmp_path / "raw", tmp_path / "out")
        assert "`--overwrite` starts afresh" in str(caught.value)
    slice_all(tmp_path / "raw", tmp_path / "out", overwrite=True)


def test_functions_are_found_by_module_too(tmp_path, monkeypatch):
    write_raw(tmp_path / "raw", [4])
    monkeypatch.syspath_prepend(functions_in(""))
    summary = slice_all(tmp_path / "raw", tmp_path / "out", "keywords:rain")
    assert [(one.name, one.size) for one in summary.slices] == [("rain", 2)]
