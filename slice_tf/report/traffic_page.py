"""One HTML file that shows what has become of slices in production."""

import os
import pathlib
from collections.abc import Sequence

from slice_tf.files import write_text
from slice_tf.monitoring import (
    MOVED,
    TOO_FEW,
    SliceDrift,
    TrafficCounts,
    drift_values,
)
from slice_tf.report.page import render
from slice_tf.report.sentence import list_names
from slice_tf.schema import BASE


def write_traffic_page(
    path: str | os.PathLike[str],
    counts: TrafficCounts,
    reference: TrafficCounts,
    drift: Sequence[SliceDrift],
) -> pathlib.Path:
    """Writes a page that loads nothing; it appears only when it is whole.

    Args:
        path: Where to write it.
        counts: Of the traffic.
        reference: Of what it was compared with.
        drift: What `find_drift` gave of the two.
    """
    final = pathlib.Path(path)
    sides = {"now": counts, "then": reference}
    data = {
        "headline": traffic_headline(drift),
        "output": counts.output,
        "rows": drift_values(drift),
        **{
            name: {"requests": one.num_requests, "examples": one.num_examples}
            for name, one in sides.items()
        },
    }
    write_text(final, render("traffic", data))
    return final


def traffic_headline(drift: Sequence[SliceDrift]) -> str:
    """Returns one sentence that says what happened."""
    moved = [one.name for one in drift if one.verdict == MOVED]
    if moved:
        names = ["all examples" if name == BASE else name for name in moved]
        has = "have" if len(moved) > 1 else "has"
        return f"{list_names(names)} {has} moved."
    if all(one.verdict == TOO_FEW for one in drift):
        return "There is too little traffic to tell."
    return "No slice has moved beyond its margin."
