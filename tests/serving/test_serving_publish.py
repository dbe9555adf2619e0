import shutil
import threading

import pytest

from exported_task import made
from slice_tf.export import export_saved_model
from slice_tf_serving import publish
from slice_tf_serving.versions import list_versions
from slice_tf_serving.warmup import read_warmup


def files(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def copy(exports, tmp_path):
    """A copy of an export that a test may damage."""
    return shutil.copytree(exports["binary"], tmp_path / "copy")


def test_version_holds_the_whole_export(exports, tmp_path):
    path = publish(exports["binary"], tmp_path / "base")
    assert path == tmp_path / "base" / "1"
    assert files(path) == files(exports["binary"])
    assert list((tmp_path / "base").iterdir()) == [path]


def test_versions_rise(exports, tmp_path):
    (tmp_path / "007").mkdir()
    (tmp_path / ".tmp-9").mkdir()
    (tmp_path / "old").mkdir()
    (tmp_path / "8").write_text("a file in the way")
    numbers = [
        publish(exports["binary"], tmp_path, version).name
        for version in (None, 20, None)
    ]
    assert numbers == ["9", "20", "21"]


@pytest.mark.parametrize("version", [3, 2])
def test_version_must_be_greater_than_all(version, exports, tmp_path):
    publish(exports["binary"], tmp_path, 3)
    message = f"Received: version={version}, newest=3, base_dir={tmp_path}"
    with pytest.raises(FileExistsError, match=message):
        publish(exports["binary"], tmp_path, version)
    assert [one for one, _ in list_versions(tmp_path)] == [3]


@pytest.mark.parametrize("version", [0, -1, 2**63])
def test_version_must_be_a_number_servers_know(version, exports, tmp_path):
    with pytest.raises(ValueError, match=f"Received: version={version}"):
        publish(exports["binary"], tmp_path, version)


@pytest.mark.parametrize(
    "name",
    [
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        "assets/slices.json",
        "assets.extra/tf_serving_warmup_requests",
    ],
)
def test_half_a_copy_is_refused(name, copy, tmp_path):
    (copy / name).unlink()
    with pytest.raises(ValueError, match=f"missing={name}"):
        publish(copy, tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_half_a_file_is_refused(copy, tmp_path):
    file = copy / "variables/variables.data-00000-of-00001"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"changed=variables/variables\.data"):
        publish(copy, tmp_path / "base")


def test_checksums_are_needed(copy, tmp_path):
    (copy / "assets.extra/SHA256SUMS").unlink()
    with pytest.raises(ValueError, match=r"missing=assets\.extra/SHA"):
        publish(copy, tmp_path / "base")


def test_what_is_no_saved_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be a SavedModel.*exists=Fal"):
        publish(tmp_path / "nothing", tmp_path / "base")


def test_directories_must_not_be_confused(exports, tmp_path):
    with pytest.raises(ValueError, match="not be a SavedModel itself"):
        publish(exports["binary"], exports["vanilla"])
    with pytest.raises(ValueError, match="must not lie within"):
        publish(exports["binary"], exports["binary"] / "assets")


def test_failure_leaves_no_version(copy, tmp_path):
    (copy / "assets/gone").symlink_to(copy / "nowhere")
    with pytest.raises(OSError, match="assets/gone"):
        publish(copy, tmp_path / "base")
    assert list((tmp_path / "base").iterdir()) == []


def test_several_may_publish_at_once(exports, tmp_path):
    def one():
        publish(exports["binary"], tmp_path)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [number for number, _ in list_versions(tmp_path)] == [1, 2, 3, 4]
    assert {path.name for path in tmp_path.iterdir()} == set("1234")


def test_export_without_warmup_gets_it(tmp_path):
    one = made("vanilla")
    path = export_saved_model(one.model, tmp_path / "m", one.spec)
    version = publish(path, tmp_path / "base")
    assert len(read_warmup(version)) == 2
    assert read_warmup(path) == []
    assert publish(version, tmp_path / "again").name == "1"
