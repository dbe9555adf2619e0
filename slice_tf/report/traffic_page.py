"""One HTML file that shows what has become of slices in production."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from slice_tf.files import write_text
from slice_tf.monitoring import MOVED, TOO_FEW
from slice_tf.report.page import render
from slice_tf.report.sentence import list_names
from slice_tf.schema import BASE

Values = Mapping[str, Any]


def write_traffic_page(
    path: str | os.PathLike[str], traffic: Values
) -> pathlib.Path:
    """Writes a page that loads nothing; it appears only when it is whole.

    Args:
        path: Where to write it.
        traffic: What `save_traffic` gave, or `read_traffic` of its file.
    """
    final = pathlib.Path(path)
    write_text(final, render_traffic(traffic))
    return final


def render_traffic(traffic: Values, served: Values | None = None) -> str:
    """Returns the page as HTML.

    Args:
        traffic: As `write_traffic_page`.
        served: What a page of `slice-tf ui` needs; None in a file.
    """
    windows = traffic["windows"]
    data = {
        "headline": traffic_headline(traffic),
        "output": traffic["output"],
        "rows": traffic["drift"],
        "now": traffic["traffic"],
        "then": traffic["reference"],
        "starts": [one["start"] for one in windows],
        "lines": [one["drift"] for one in windows] if len(windows) > 1 else [],
        "accuracy": traffic["accuracy"],
        "accuracies": [one["accuracy"] for one in windows],
        "served": served,
    }
    return render("traffic", data)


def traffic_headline(traffic: Values) -> str:
    """Returns one sentence that says what happened."""
    drift = traffic["drift"]
    if not drift:
        return "This traffic was counted, and compared with nothing."
    moved = [one for one in drift if one["verdict"] == MOVED]
    if moved:
        has = "have" if len(moved) > 1 else "has"
        return f"{list_names([_named(one) for one in moved])} {has} moved."
    if all(one["verdict"] == TOO_FEW for one in drift):
        return "There is too little traffic to tell."
    return "No slice has moved beyond its margin."


def _named(one: Values) -> str:
    name = "all examples" if one["name"] == BASE else one["name"]
    return f"{name} (since {one['since']})" if one["since"] else name
