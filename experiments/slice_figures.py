"""A picture of methods, one panel a setting."""

import pathlib
from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("svg")

from matplotlib.figure import Figure

from slice_tf.report import palette

_COLUMNS = ((1, "s1", palette.MODELS[1]), (2, "s2", palette.MODELS[0]))


def draw_slices(
    path: pathlib.Path, accuracies: Mapping[str, Mapping[str, Any]]
) -> None:
    """Draws mean and spread over seeds of the accuracy inside two slices.

    Args:
        path: Where the SVG goes.
        accuracies: Setting to method to `accuracy`, percent right of shape
            `[seeds, (all, s1, s2)]`. The first setting holds all methods.
    """
    first = next(iter(accuracies.values()))
    figure = Figure(
        figsize=(3.2 * len(accuracies) + 2.6, 0.42 * len(first) + 1.3),
        layout="constrained",
    )
    panels = figure.subplots(1, len(accuracies), sharey=True, squeeze=False)[0]
    for panel, (setting, found) in zip(panels, accuracies.items(), strict=True):
        rows = {
            row: np.asarray(found[method]["accuracy"])
            for row, method in enumerate(first)
            if method in found
        }
        _draw_panel(panel, setting, rows)
    panels[0].set_yticks(range(len(first)), list(first))
    panels[0].set_ylim(len(first) - 0.4, -0.6)
    panels[-1].legend(frameon=False, loc="lower left", fontsize=8)
    save(figure, path)


def save(figure: Any, path: pathlib.Path) -> None:
    """Writes an SVG that is the same whenever it is drawn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "slice-tf"}):
        figure.savefig(path, metadata={"Date": None})


def _draw_panel(panel: Any, setting: str, rows: Mapping[int, Any]) -> None:
    for row, values in rows.items():
        for column, name, color in _COLUMNS:
            at = row + (column - 1.5) * 0.3
            low, mean, high = (
                values[:, column].min(),
                values[:, column].mean(),
                values[:, column].max(),
            )
            panel.plot((low, high), (at, at), color=palette.FAINT, lw=2)
            panel.plot(
                mean, at, "o", ms=5, color=color, label="" if row else name
            )
    panel.set_title(setting, loc="left", fontsize=10, color=palette.INK)
    panel.set_xlabel("accuracy, %: mean, range of seeds", fontsize=8)
    panel.set_xlim(30, 101)
    panel.grid(axis="x", color=palette.GRID, lw=0.8)
    panel.tick_params(length=0, labelsize=8)
    panel.spines[:].set_visible(False)
