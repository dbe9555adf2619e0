"""The files that `slice-tf apply` leaves beside the shards."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slice_tf.files import read_json
from slice_tf.schema import SliceSchema

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
SUMMARY = "summary.json"


def count_records(directory: str | os.PathLike[str]) -> int:
    """Returns the number of examples in a sliced directory.

    Raises:
        ValueError: If the directory is not whole.
    """
    return int(_read(directory, MANIFEST)["num_examples"])


def slice_rates(
    directory: str | os.PathLike[str], schema: SliceSchema
) -> npt.NDArray[np.float32]:
    """Returns the share of examples in each slice.

    Args:
        directory: A sliced directory.
        schema: The slices.

    Returns:
        Float32 of shape `[slices]`, from 0 to 1; zeros where there is no
        example.

    Raises:
        ValueError: If the directory is not whole or has other slices.
    """
    summary = _read(directory, SUMMARY)
    names = [one["name"] for one in summary["slices"]]
    found = SliceSchema.from_names(names)
    found.check_same(schema, here=str(directory), there="schema")
    sizes = np.array([one["size"] for one in summary["slices"]], np.float64)
    return (sizes / max(1, summary["num_examples"])).astype(np.float32)


def check_sliced(shards: Sequence[str], schema: SliceSchema) -> list[int]:
    """Refuses shards that are not what a finished apply job wrote.

    Args:
        shards: Paths of shards, of one or several sliced directories.
        schema: Slices that each directory must have.

    Returns:
        The number of examples in each shard.

    Raises:
        ValueError: If a directory has no manifest or other slices, or a shard
            is not in the manifest or of another size.
    """
    known: dict[pathlib.Path, dict[str, Any]] = {}
    sizes = []
    for shard in map(pathlib.Path, shards):
        if shard.parent not in known:
            manifest = _read(shard.parent, MANIFEST)
            found = SliceSchema.load(shard.parent)
            found.check_same(schema, here=str(shard.parent), there="schema")
            known[shard.parent] = {
                one["name"]: one for one in manifest["shards"]
            }
        facts = known[shard.parent].get(shard.name)
        sizes.append(_check_shard(shard, facts))
    return sizes


def _check_shard(shard: pathlib.Path, facts: dict[str, Any] | None) -> int:
    if facts is None:
        raise ValueError(
            "A shard must be one that `slice-tf apply` wrote, because another "
            f"has no membership. Received: shard={shard}, not in {MANIFEST}. "
            "Remove it, or apply the slicing functions to it."
        )
    size = shard.stat().st_size
    if size != facts["num_bytes"]:
        raise ValueError(
            "A shard must be as `slice-tf apply` wrote it. Received: "
            f"shard={shard}, bytes={size}, bytes in {MANIFEST}="
            f"{facts['num_bytes']}. Copy it again, or run the job again."
        )
    return int(facts["num_examples"])


def _read(directory: str | os.PathLike[str], name: str) -> dict[str, Any]:
    path = pathlib.Path(directory) / name
    try:
        values = read_json(path)
    except FileNotFoundError as error:
        raise ValueError(
            "Sliced data must be whole. Received: "
            f"directory={directory}, missing={name}. The apply job did not "
            "finish, or never ran: run `slice-tf apply`."
        ) from error
    if values.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"{name} must be of a format this version reads, which is "
            f"{FORMAT_VERSION}. Received: file={path}, "
            f"format_version={values.get('format_version')}"
        )
    return values
