"""Results as pages and pictures.

A page needs nothing beside slice-tf. Pictures need the extra `report`, which
is why they are looked up only when they are first used.
"""

import importlib
from typing import Any

_HOME = {
    "Disc": "slice_tf.report.scene",
    "Regions": "slice_tf.report.scene",
    "Scene": "slice_tf.report.scene",
    "draw_figure1": "slice_tf.report.figure1",
    "read_summary": "slice_tf.report.votes",
    "render_page": "slice_tf.report.page",
    "write_page": "slice_tf.report.page",
}

__all__ = [
    "Disc",
    "Regions",
    "Scene",
    "draw_figure1",
    "read_summary",
    "render_page",
    "write_page",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'slice_tf.report' has no attribute '{name}'"
        )
    return getattr(importlib.import_module(_HOME[name]), name)
