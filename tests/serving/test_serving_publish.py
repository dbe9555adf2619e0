import shutil
import threading
import uuid

import pytest
import tensorflow as tf

from exported_task import made
from slice_tf.export import export_saved_model
from slice_tf_serving import publish, rollback
from slice_tf_serving.deployment import publish_remote
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
    assert len(read_warmup(version)) == 4
    assert read_warmup(path) == []
    assert publish(version, tmp_path / "again").name == "1"


def numbers(base):
    return [number for number, _ in list_versions(base)]


def test_only_the_newest_are_kept(exports, tmp_path):
    for _ in range(4):
        publish(exports["binary"], tmp_path, keep=2)
    assert numbers(tmp_path) == [3, 4]
    assert {path.name for path in tmp_path.iterdir()} == {"3", "4"}


def test_one_version_stays_at_least(exports, tmp_path):
    with pytest.raises(ValueError, match="Received: keep=0"):
        publish(exports["binary"], tmp_path, keep=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "expected"), [(None, "vanilla"), (1, "binary")]
)
def test_rollback_publishes_an_earlier_version_again(
    version, expected, exports, tmp_path
):
    for name in ("binary", "vanilla", "multi_class"):
        publish(exports[name], tmp_path, new_contract=True)
    path = rollback(tmp_path, version)
    assert path == tmp_path / "4"
    assert files(path) == files(exports[expected])
    assert numbers(tmp_path) == [1, 2, 3, 4]


@pytest.mark.parametrize("version", [None, 9])
def test_rollback_needs_an_earlier_version(version, exports, tmp_path):
    publish(exports["binary"], tmp_path)
    with pytest.raises(FileNotFoundError, match=f"version={version}, versi"):
        rollback(tmp_path, version)


@pytest.mark.parametrize(
    "lost", ["saved_model.pb", "variables/variables.index"]
)
def test_rollback_to_half_a_version_says_how_to_go_on(lost, exports, tmp_path):
    for _ in range(3):
        publish(exports["binary"], tmp_path)
    (tmp_path / "2" / lost).unlink()
    message = r"whole.*version=2, versions=1, 2, 3\..*--version\)\. "
    with pytest.raises(ValueError, match=message):
        rollback(tmp_path)
    assert numbers(tmp_path) == [1, 2, 3]
    assert rollback(tmp_path, 1).name == "4"


def test_rollback_leaves_half_a_version_behind(exports, tmp_path):
    for _ in range(2):
        publish(exports["binary"], tmp_path)
    (tmp_path / "2/assets.extra/signature.json").write_text("{")
    assert files(rollback(tmp_path)) == files(exports["binary"])


@pytest.fixture
def store():
    """A place without rename: TensorFlow's file system in memory."""
    return f"ram://{uuid.uuid4().hex}/m"


def test_store_gets_the_whole_export_and_the_graph_last(exports, store):
    copied = []
    copy = tf.io.gfile.copy

    def recording(source, target):
        copied.append(target)
        copy(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.io.gfile, "copy", recording)
        url = publish_remote(exports["binary"], store)
    assert url == f"{store}/1"
    assert copied[-1] == f"{url}/saved_model.pb"
    expected = files(exports["binary"])
    assert {one.removeprefix(f"{url}/") for one in copied} == set(expected)
    for name, content in expected.items():
        with tf.io.gfile.GFile(f"{url}/{name}", "rb") as file:
            assert file.read() == content


def test_versions_rise_in_a_store_as_well(exports, store):
    assert publish_remote(exports["binary"], store, 7) == f"{store}/7"
    assert publish_remote(exports["binary"], f"{store}/") == f"{store}/8"
    with pytest.raises(FileExistsError, match="version=8, newest=8"):
        publish_remote(exports["binary"], store, 8)


def test_store_gets_nothing_without_warm_up(tmp_path, store):
    one = made("vanilla")
    path = export_saved_model(one.model, tmp_path / "m", one.spec)
    with pytest.raises(ValueError, match="must have warm-up requests"):
        publish_remote(path, store)


def test_store_refuses_what_breaks_callers_unless_they_know(exports, store):
    publish_remote(exports["binary"], store)
    tf.io.gfile.makedirs(f"{store}/9/variables")  # A copy was broken off.
    message = r"explain/n: input that was not needed before.*--new-contract"
    with pytest.raises(ValueError, match=message):
        publish_remote(exports["multi_class"], store)
    assert tf.io.gfile.listdir(store) == ["1", "9"]
    url = publish_remote(exports["multi_class"], store, new_contract=True)
    assert url == f"{store}/10"
    with pytest.raises(ValueError, match="explain/n: gone"):
        publish_remote(exports["binary"], store)


def test_store_may_hold_models_that_are_not_ours(exports, store):
    tf.io.gfile.makedirs(f"{store}/3")
    with tf.io.gfile.GFile(f"{store}/3/saved_model.pb", "w") as file:
        file.write("whatever")
    assert publish_remote(exports["binary"], store) == f"{store}/4"
