"""The whole job on paths that no call of `os` understands."""

import pathlib

import pytest

import fake_object_store
from beam_job import KEYWORDS, files_in, write_raw
from slice_tf_beam import apply_slicing_functions, paths

SIZES = [3, 5]
RAW = "fake://bucket/deep/raw"
OUT = "fake://bucket/deep/out"


@pytest.fixture
def local(tmp_path):
    """Returns raw shards and what the job makes of them on a disk."""
    write_raw(tmp_path / "raw", SIZES)
    slice_all(tmp_path / "raw", tmp_path / "out")
    return tmp_path


@pytest.fixture
def store(local, monkeypatch):
    """Returns a store that holds the raw shards."""
    store = fake_object_store.Store()
    monkeypatch.setattr(fake_object_store, "STORE", store)
    for path in (local / "raw").iterdir():
        store.put(f"{RAW}/{path.name}", path.read_bytes())
    return store


def slice_all(raw, output_dir, **options):
    return apply_slicing_functions(
        str(raw), str(output_dir), [KEYWORDS], **options
    )


def objects_in(store, directory):
    """Returns dict of name to bytes, without costs, as `files_in`."""
    return {
        path.removeprefix(f"{directory}/"): data
        for path, (data, _) in store.objects.items()
        if path.startswith(f"{directory}/") and "costs.json" not in path
    }


def expected_files(local):
    """Returns what must stand in the store, sidecars with its paths."""
    raw = str(local / "raw").encode()
    return {
        name: data.replace(raw, RAW.encode())
        for name, data in files_in(local / "out").items()
    }


@pytest.mark.parametrize("pattern", [RAW, f"{RAW}/", f"{RAW}/train-*"])
@pytest.mark.parametrize("output_dir", [OUT, f"{OUT}/"])
def test_the_store_holds_what_a_disk_would(
    local, store, pattern, output_dir, monkeypatch
):
    monkeypatch.chdir(local)
    summary = slice_all(pattern, output_dir)
    assert summary.num_examples == sum(SIZES)
    assert objects_in(store, OUT) == expected_files(local)
    assert {path.name for path in local.iterdir()} == {"raw", "out"}
    assert not pathlib.Path("fake:").exists()


def test_a_finished_job_is_not_done_again(local, store):
    slice_all(RAW, OUT)
    before = dict(store.objects)
    slice_all(RAW, OUT)
    for name in ("train-0", "train-0.stats.json", "train-1"):
        assert store.objects[f"{OUT}/{name}"] == before[f"{OUT}/{name}"]


def test_the_output_must_not_hold_the_input(store):
    for output_dir in (RAW, f"{RAW}/"):
        with pytest.raises(ValueError, match="must not hold the input"):
            slice_all(RAW, output_dir)


def test_an_earlier_run_is_overwritten(local, store):
    slice_all(RAW, OUT)
    store.put(f"{OUT}/train-0", b"cut")
    slice_all(RAW, OUT, overwrite=True)
    assert objects_in(store, OUT) == expected_files(local)


def test_no_input_is_an_error(store):
    for pattern in ("fake://bucket/other", "fake://bucket/deep/raw/x-*"):
        with pytest.raises(ValueError, match="at least one TFRecord file"):
            slice_all(pattern, OUT)
    assert objects_in(store, OUT) == {}


def test_wherever_a_job_is_cut_off_nothing_is_half_done_and_it_continues(
    local, store
):
    """After so many operations the store is gone, as by `kill -9`."""
    raw = dict(store.objects)
    expected = expected_files(local)
    store.operations = 0
    slice_all(RAW, OUT)
    num_operations = store.operations
    assert num_operations > 30
    for gone_after in range(0, num_operations, 3):
        store.objects = dict(raw)
        store.operations, store.gone_after = 0, gone_after
        with pytest.raises((OSError, ValueError, RuntimeError)):
            slice_all(RAW, OUT)
        store.gone_after = None
        left = objects_in(store, OUT)
        for name, data in left.items():
            if not paths.is_temporary(name):
                assert data == expected[name], (gone_after, name)
        assert "manifest.json" not in left or set(expected) <= set(left)
        slice_all(RAW, OUT)
        assert objects_in(store, OUT) == expected, gone_after
