"""Counts of traffic and what was found in them, as one JSON file."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from slice_tf.files import read_json, write_text
from slice_tf.monitoring.drift import SliceDrift
from slice_tf.monitoring.traffic import TrafficCounts

FORMAT_VERSION = 1


def save_traffic(
    path: str | os.PathLike[str],
    counts: TrafficCounts,
    drift: Sequence[SliceDrift] = (),
) -> None:
    """Writes counts, and how they differ from a reference.

    Its size does not depend on the number of answers. A later run may take
    the file for its reference.
    """
    values = {
        "format_version": FORMAT_VERSION,
        "num_examples": counts.num_examples,
        "counts": counts.to_dict(),
        "drift": drift_values(drift),
    }
    write_text(path, json.dumps(values, indent=1, allow_nan=False) + "\n")


def drift_values(drift: Sequence[SliceDrift]) -> list[dict[str, Any]]:
    """Returns what was found as plain JSON values, None for NaN."""
    return [
        {**_plain(dataclasses.asdict(one)), "verdict": one.verdict}
        for one in drift
    ]


def load_traffic(path: str | os.PathLike[str]) -> TrafficCounts:
    """Returns the counts that `save_traffic` wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none, or of another format; the message names it.
    """
    values = read_json(pathlib.Path(path))
    if values.get("format_version") != FORMAT_VERSION or (
        "counts" not in values
    ):
        raise ValueError(
            "Traffic must be a file that `slice-tf monitor` wrote, of format "
            f"{FORMAT_VERSION}. Received: file={path}, "
            f"format_version={values.get('format_version')}"
        )
    try:
        return TrafficCounts.from_dict(values["counts"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _plain(value: Any) -> Any:
    """Returns JSON values, None for what is no number."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
