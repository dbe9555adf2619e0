"""What a job that applied slicing functions wrote of them."""

import json
import os
import pathlib
from typing import Any

from slice_tf.schema import SliceSchema

FORMAT_VERSION = 1
COSTS = "costs.json"


def read_summary(
    path: str | os.PathLike[str], schema: SliceSchema
) -> dict[str, Any]:
    """Reads a `summary.json` of `slice-tf apply`, and what it cost.

    Args:
        path: The file; a `costs.json` of the same slices beside it gives the
            summary its `microseconds`, an example, by slice.
        schema: The slices that it must be of.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no summary, or one of other slices.
    """
    try:
        summary = json.loads(pathlib.Path(path).read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path}: A summary must be JSON. Received: error={error}"
        ) from error
    try:
        _check(summary, schema)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: A summary must hold the fields that `slice-tf apply` "
            f"writes. Received: {type(error).__name__}={error}"
        ) from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return {**summary, "microseconds": _costs(pathlib.Path(path), schema)}


def _costs(path: pathlib.Path, schema: SliceSchema) -> dict[str, float] | None:
    """Returns what an example costs, by slice, where somebody measured."""
    try:
        values = json.loads(path.with_name(COSTS).read_bytes())
        found = {
            name: float(values["microseconds"][name]) for name in schema.names
        }
    except (KeyError, OSError, TypeError, ValueError):
        return None
    return found if values["format_version"] == FORMAT_VERSION else None


def _check(summary: Any, schema: SliceSchema) -> None:
    version = summary["format_version"]
    if version != FORMAT_VERSION:
        raise ValueError(
            "A summary must be of a format this version reads, which is "
            f"{FORMAT_VERSION}. Received: format_version={version}"
        )
    names = tuple(one["name"] for one in summary["slices"])
    if names != schema.names:
        raise ValueError(
            "A summary must be of the slices of the results, in their order. "
            f"Received: summary={', '.join(names)}, "
            f"results={', '.join(schema.names)}"
        )
    shape = {len(row) for row in summary["overlap"]} | {len(summary["overlap"])}
    if shape != {len(names)}:
        raise ValueError(
            f"A summary's `overlap` must be of shape {(len(names),) * 2}. "
            f"Received: sizes={sorted(shape)}"
        )
