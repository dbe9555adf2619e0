"""What a table beside the data knows of an example."""

import csv
import io
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any

from slice_tf.slicing.mapped_table import MappedTable
from slice_tf.slicing.modules import module_of
from slice_tf.slicing.preprocessor import Preprocessor
from slice_tf.slicing.resource import Resource
from slice_tf.slicing.row import Row

Key = str | int


def metadata(
    path: str | os.PathLike[str],
    key: str,
    feature: str,
    version: str = "1",
    optional: bool = False,
) -> Preprocessor:
    """Returns a preprocessor whose value is a row's record in a table.

    A `.csv`, `.jsonl` or `.parquet` file is read into memory once a process.
    A directory of `write_mapped_table` is mapped instead: it may be larger
    than memory, and all processes of a machine share its pages.

    ```python
    VIDEO = metadata("videos.csv", key="video_id", feature="video")


    @slicing_function(uses={"video": VIDEO})
    def of_new_channel(row, video):
        return int(video["channel_age_days"]) < 30
    ```

    Args:
        path: The table, where each worker finds it; a file may lie on any of
            Beam's file systems, such as `gs://`. Values of a CSV file are
            texts, as are its keys.
        key: Column of the table that is looked up.
        feature: Feature of the example that holds the key: a text or an
            integer, as the keys are.
        version: Change it when the table changes.
        optional: Whether an example without a record gets None; membership
            is unknown there otherwise.
    """
    table = Resource(_load, os.fspath(path), key)

    def record(row: Row, table: Any) -> Any:
        wanted = _key_of(row, feature)
        found = table.get(wanted)
        if found is None and not optional:
            raise LookupError(
                f"There is no record of this key. Received: {key}={wanted!r}"
            )
        return found

    name = f"metadata({os.fspath(path)!r})"
    return Preprocessor(record, name, version, uses={"table": table})


def _key_of(row: Row, feature: str) -> Key:
    kind, _ = row.raw(feature)
    if kind == "int64_list":
        return int(row.int(feature))
    return str(row.text(feature))


def _load(path: str, key: str) -> Any:
    if os.path.isdir(path):
        return MappedTable(path)
    suffix = pathlib.Path(path).suffix
    if suffix not in _READERS:
        raise ValueError(
            f"A metadata table must be one of {', '.join(_READERS)}, or a "
            f"directory of `write_mapped_table`. Received: path={path}"
        )
    return _by_key(_READERS[suffix](path), path, key)


def _by_key(
    records: Iterable[Mapping[str, Any]], path: str, key: str
) -> dict[Key, Mapping[str, Any]]:
    table: dict[Key, Mapping[str, Any]] = {}
    for record in records:
        if key not in record:
            raise ValueError(
                "Every record must have the key column. Received: "
                f"path={path}, key={key!r}, columns={', '.join(record)}"
            )
        if record[key] in table:
            raise ValueError(
                "Keys must be unique, because one record is looked up. "
                f"Received: path={path}, {key}={record[key]!r} twice"
            )
        table[record[key]] = record
    return table


def _read_csv(path: str) -> Iterator[Mapping[str, Any]]:
    # Spreadsheets begin their files with a byte order mark.
    with _text(path, "utf-8-sig") as lines:
        yield from csv.DictReader(lines)


def _read_jsonl(path: str) -> Iterator[Mapping[str, Any]]:
    with _text(path, "utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _read_parquet(path: str) -> list[Mapping[str, Any]]:
    # By name, because pyarrow is needed for this alone.
    with _open(path) as file:
        table = module_of("pyarrow.parquet").read_table(file)
    return table.to_pylist()


def _text(path: str, encoding: str) -> IO[str]:
    return io.TextIOWrapper(_open(path), encoding, newline="")


def _open(path: str) -> Any:
    if "://" not in path:
        return open(path, "rb")
    # By name, because only a table on an object store needs Beam.
    return module_of("apache_beam.io.filesystems").FileSystems.open(path)


_READERS: dict[str, Callable[[str], Iterable[Mapping[str, Any]]]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}
