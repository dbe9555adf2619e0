"""Counts of traffic and what was found in them, as one JSON file."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from slice_tf.files import read_json, write_text
from slice_tf.monitoring.accuracy import AccuracyEstimate, latest_accuracy
from slice_tf.monitoring.change import SliceDrift
from slice_tf.monitoring.drift import latest_drift
from slice_tf.monitoring.traffic import TrafficCounts
from slice_tf.monitoring.windows import merge_windows

FORMAT_VERSION = 2
_ESTIMATE = {one.name for one in dataclasses.fields(AccuracyEstimate)}
_ROW = {one.name for one in dataclasses.fields(SliceDrift)} | {
    "verdict",
    "since",
}


def save_traffic(
    path: str | os.PathLike[str],
    windows: Mapping[str, TrafficCounts],
    reference: TrafficCounts | None = None,
    drift: Mapping[str, Sequence[SliceDrift]] | None = None,
    accuracy: Mapping[str, Sequence[AccuracyEstimate]] | None = None,
) -> dict[str, Any]:
    """Writes counts, and how they differ from a reference.

    Its size does not depend on the number of answers. A later run may take
    the file for its reference, or add windows to it.

    Args:
        path: Of the file.
        windows: Counts by window; of traffic that was not taken apart, one
            whose name is empty.
        reference: What it was compared with.
        drift: What `drift_by_window` gave of the two.
        accuracy: What `estimate_accuracy` gave of each window.

    Returns:
        What is in the file, which a page shows.
    """
    drift, accuracy = drift or {}, accuracy or {}
    whole = merge_windows(windows)
    values = {
        "format_version": FORMAT_VERSION,
        "output": whole.output,
        "traffic": _size(whole),
        "reference": reference and _size(reference),
        "drift": drift_values(latest_drift(drift)),
        "accuracy": _values(latest_accuracy(accuracy)),
        "windows": [
            {
                "start": start,
                "counts": windows[start].to_dict(),
                "drift": drift_values(drift.get(start, ())),
                "accuracy": _values(accuracy.get(start, ())),
            }
            for start in sorted(windows)
        ],
    }
    write_text(path, json.dumps(values, allow_nan=False) + "\n")
    return values


def drift_values(drift: Sequence[SliceDrift]) -> list[dict[str, Any]]:
    """Returns what was found as plain JSON values, None for NaN."""
    return [
        {
            **_plain(dataclasses.asdict(one)),
            "verdict": one.verdict,
            "since": one.since,
        }
        for one in drift
    ]


def load_traffic(path: str | os.PathLike[str]) -> TrafficCounts:
    """Returns the counts that `save_traffic` wrote, of all windows.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: As `load_windows`.
    """
    return merge_windows(load_windows(path))


def load_windows(path: str | os.PathLike[str]) -> dict[str, TrafficCounts]:
    """Returns the counts that `save_traffic` wrote, by window.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none, or of another format; the message names it.
    """
    values = read_traffic(path)
    try:
        return {
            one["start"]: TrafficCounts.from_dict(one["counts"])
            for one in values["windows"]
        }
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_traffic(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns what is in a file that `save_traffic` wrote.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none, or of another format; the message names it.
    """
    values = read_json(pathlib.Path(path))
    if values.get("format_version") != FORMAT_VERSION or not _is_whole(values):
        raise ValueError(
            "Traffic must be a file that `slice-tf monitor` wrote, of format "
            f"{FORMAT_VERSION}. Received: file={path}, "
            f"format_version={values.get('format_version')}. Count the logs "
            "again."
        )
    return values


def _is_whole(values: Mapping[str, Any]) -> bool:
    """Tells whether every field is there that a page shows."""
    try:
        windows = values["windows"]
        found = [values["drift"], *(one["drift"] for one in windows)]
        rows = [row for drift in found for row in drift]
        told = [values["accuracy"], *(one["accuracy"] for one in windows)]
        estimates = [one for accuracy in told for one in accuracy]
        return (
            bool(windows)
            and values.keys() >= {"output", "traffic", "reference"}
            and values["traffic"].keys() == {"requests", "examples"}
            and all(one.keys() >= {"start", "counts"} for one in windows)
            and all(row.keys() == _ROW for row in rows)
            and all(one.keys() == _ESTIMATE for one in estimates)
        )
    except (AttributeError, KeyError, TypeError):
        return False


def _values(accuracy: Sequence[AccuracyEstimate]) -> list[dict[str, Any]]:
    return [_plain(dataclasses.asdict(one)) for one in accuracy]


def _size(counts: TrafficCounts) -> dict[str, int]:
    return {"requests": counts.num_requests, "examples": counts.num_examples}


def _plain(value: Any) -> Any:
    """Returns JSON values, None for what is no number."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
