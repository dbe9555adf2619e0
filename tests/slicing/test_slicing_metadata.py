import json
import re

import numpy as np
import pytest

from slice_tf.slicing import (
    ResourceError,
    SlicingFunction,
    VoteError,
    apply_to_table,
    metadata,
    write_mapped_table,
)
from slice_tf.slicing.mapped_table import MappedTable

RECORDS = [
    {"id": "v1", "age": 3, "tag": "é"},
    {"id": "v3", "age": 30, "tag": ""},
    {"id": "v2", "age": 300, "tag": "z"},
]
TABLE = {"video": ["v1", "v2", "v9", "v3", "v1"], "n": np.arange(5)}


def write_csv(path):
    lines = [",".join(map(str, one.values())) for one in RECORDS]
    path.write_text("\n".join(["id,age,tag", *lines]), encoding="utf-8")


def write_jsonl(path):
    path.write_text("\n".join(map(json.dumps, RECORDS)) + "\n")


def write_parquet(path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.Table.from_pylist(RECORDS), path)


def write_mapped(path):
    columns = {key: [one[key] for one in RECORDS] for key in ("age", "tag")}
    write_mapped_table(path, [one["id"] for one in RECORDS], columns)


TABLES = {
    "videos.csv": write_csv,
    "videos.jsonl": write_jsonl,
    "videos.parquet": write_parquet,
    "videos": write_mapped,
}


@pytest.fixture(params=TABLES)
def path(request, tmp_path):
    path = tmp_path / request.param
    TABLES[request.param](path)
    return path


def test_functions_see_the_record_of_a_row(path):
    video = metadata(path, key="id", feature="video")
    old = SlicingFunction(
        lambda row, video: int(video["age"]) > 10, "old", uses={"video": video}
    )
    votes = apply_to_table([old], TABLE)
    np.testing.assert_array_equal(votes.membership.T, [[0, 1, 0, 1, 0]])
    np.testing.assert_array_equal(votes.unknown.T, [[0, 0, 1, 0, 0]])
    message = f"preprocessor metadata({str(path)!r}): There is no record"
    (error,) = votes.errors
    assert error == VoteError(2, "old", "LookupError", error.message)
    assert error.message.startswith(message)
    assert error.message.endswith("Received: id='v9'")


@pytest.mark.parametrize("name", [name for name in TABLES if "." in name])
def test_a_table_may_lie_on_an_object_store(name, tmp_path):
    store = pytest.importorskip("fake_object_store")
    TABLES[name](tmp_path / name)
    url = f"{store.SCHEME}://tables/{name}"
    store.STORE.put(url, (tmp_path / name).read_bytes())
    video = metadata(url, key="id", feature="video")
    young = SlicingFunction(
        lambda row, video: int(video["age"]) < 10,
        "young",
        uses={"video": video},
    )
    votes = apply_to_table([young], {"video": ["v1", "v3"]})
    assert votes.membership.ravel().tolist() == [1, 0]


def test_a_spreadsheet_s_csv_has_its_first_column(tmp_path):
    (tmp_path / "a.csv").write_text("id,n\n1,2\n", encoding="utf-8-sig")
    record = metadata(tmp_path / "a.csv", key="id", feature="video")
    two = SlicingFunction(
        lambda row, record: record["n"] == "2", "two", uses={"record": record}
    )
    assert apply_to_table([two], {"video": ["1"]}).membership.tolist() == [[1]]


def test_texts_of_records_are_texts(path):
    video = metadata(path, key="id", feature="video", optional=True)
    tags = []

    def keep(row, video):
        tags.append(video and video["tag"])
        return video is None

    unseen = SlicingFunction(keep, "unseen", uses={"video": video})
    votes = apply_to_table([unseen], TABLE)
    assert tags == ["é", "z", None, "", "é"]
    np.testing.assert_array_equal(votes.membership.T, [[0, 0, 1, 0, 0]])
    assert votes.errors == []


@pytest.mark.parametrize("dtype", [np.uint16, np.int8, np.int64])
def test_integers_are_keys(tmp_path, dtype):
    keys = np.array([30, 10, 20], dtype)
    write_mapped_table(tmp_path / "t", keys, {"half": keys / 2})
    half = metadata(tmp_path / "t", key="n", feature="n", optional=True)
    function = SlicingFunction(
        lambda row, half: half is not None and half["half"] == 10.0,
        "ten",
        uses={"half": half},
    )
    votes = apply_to_table([function], {"n": [10, 20, 25, 31, -1, 2**40]})
    assert votes.membership.ravel().tolist() == [0, 1, 0, 0, 0, 0]
    assert votes.errors == []


def test_a_mapped_table_is_not_read_into_memory(tmp_path):
    keys = np.arange(100_000) * 3
    vectors = np.arange(200_000.0).reshape(-1, 2)
    write_mapped_table(tmp_path / "t", keys[::-1], {"vector": vectors[::-1]})
    table = MappedTable(tmp_path / "t")
    assert len(table) == 100_000
    for key in (0, 3, 150_000, 299_997):
        expected = vectors[key // 3]
        np.testing.assert_array_equal(table.get(key)["vector"], expected)
        assert table.get(key + 1) is None
    assert isinstance(table._keys, np.memmap)
    assert table.get("3") is None


def test_a_key_longer_than_all_others_is_not_cut(tmp_path):
    write_mapped_table(tmp_path / "t", ["ab", "cd"], {"n": [1, 2]})
    table = MappedTable(tmp_path / "t")
    assert (table.get("ab"), table.get("abc")) == ({"n": 1}, None)
    assert table.get("") is None


@pytest.mark.parametrize(
    ("keys", "columns", "error", "message"),
    [
        ([1, 1], {}, ValueError, "Keys must be unique.*1"),
        ([1, 2], {"a": [1]}, ValueError, "column='a', length=1, keys=2"),
        ([1, 2], {"a": [None, 1]}, ValueError, "column='a', dtype=object"),
    ],
)
def test_what_cannot_be_mapped_is_refused(
    tmp_path, keys, columns, error, message
):
    with pytest.raises(error, match=message):
        write_mapped_table(tmp_path / "t", keys, columns)
    assert list(tmp_path.iterdir()) == []


def test_a_mapped_table_is_not_overwritten(tmp_path):
    with pytest.raises(FileExistsError, match="new directory"):
        write_mapped_table(tmp_path, [1], {})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "id,n\n1,2\n1,3\n", "Keys must be unique.*id='1' twice"),
        ("b.csv", "key,n\n1,2\n", "must have the key column.*columns=key, n"),
        ("c.tsv", "", "must be one of .csv, .jsonl, .parquet, or a directory"),
        ("d.jsonl", "{", "JSONDecodeError"),
    ],
)
def test_a_table_that_cannot_be_read_ends_the_job(
    tmp_path, name, text, message
):
    (tmp_path / name).write_text(text)
    uses = {"record": metadata(tmp_path / name, key="id", feature="video")}
    function = SlicingFunction(lambda row, record: True, "f", uses=uses)
    with pytest.raises(ResourceError, match=message) as caught:
        apply_to_table([function], TABLE)
    assert re.search(re.escape(name), str(caught.value))
