"""Pictures of methods, of curves over settings, and of planes."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("svg")

from matplotlib.figure import Figure

from slice_tf.demo.synthetic_slices import TRUE_SLICES
from slice_tf.report import palette

_MARKS = ("o", "D", "s", "^")
_COLORS = (*palette.SLICES, *palette.CLASSES)
_LINES = ("#6a737d", "#b6430e", "#0072b2", "#e69f00", "#009e73", "#cc79a7")


def draw_slices(
    path: pathlib.Path,
    accuracies: Mapping[str, Mapping[str, Any]],
    slices: Sequence[str] = ("s1", "s2"),
) -> None:
    """Draws mean and range over seeds of accuracies, one panel a setting.

    Args:
        path: Where the SVG goes.
        accuracies: Setting to method to `accuracy`, percent right of shape
            `[seeds, 1 + slices]`. The first setting holds all methods.
        slices: Their names.
    """
    first = next(iter(accuracies.values()))
    figure = Figure(
        figsize=(2.6 * len(accuracies) + 2.4, 0.38 * len(first) + 1.5),
        layout="constrained",
    )
    panels = figure.subplots(
        1, len(accuracies), sharex=True, sharey=True, squeeze=False
    )[0]
    for panel, (setting, found) in zip(panels, accuracies.items(), strict=True):
        rows = {
            row: np.asarray(found[method]["accuracy"])
            for row, method in enumerate(first)
            if method in found
        }
        _draw_panel(panel, setting, rows, ("all", *slices))
    panels[0].set_yticks(range(len(first)), list(first))
    panels[0].set_ylim(len(first) - 0.4, -0.6)
    panels[0].set_xlim(right=101)
    figure.supxlabel("accuracy, %: mean and range of seeds", fontsize=8.5)
    _legend(figure, panels[0])
    save(figure, path)


def draw_curves(
    path: pathlib.Path,
    cells: Mapping[int, Mapping[str, Any]],
    along: str,
) -> None:
    """Draws mean accuracy with standard errors, one panel a slice.

    Args:
        path: Where the SVG goes.
        cells: Number to method to `accuracy` of shape `[seeds, (all, s1,
            s2)]`.
        along: Name of the horizontal axis: "parameters" takes each method's
            own, any other word the numbers.
    """
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    panels = figure.subplots(1, 3)
    for column, panel in enumerate(panels):
        methods = next(iter(cells.values()))
        for method, color in zip(methods, _LINES, strict=False):
            found = [each[method] for each in cells.values()]
            sizes = [one["parameters"] for one in found]
            at = sizes if along == "parameters" else list(cells)
            values = [np.asarray(one["accuracy"])[:, column] for one in found]
            errors = [one.std(ddof=1) / np.sqrt(len(one)) for one in values]
            means = [one.mean() for one in values]
            panel.errorbar(
                at, means, errors, color=color, marker="o", ms=3.5, label=method
            )
        panel.set_xscale("log")
        if along != "parameters":
            panel.set_xticks(list(cells))
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.xaxis.set_minor_formatter("")
        panel.set_xlabel(along, fontsize=8.5)
        _plain(panel, ("all points", "s1", "s2")[column])
        panel.grid(color=palette.GRID, lw=0.8)
    panels[0].set_ylabel("accuracy, %: mean ± standard error", fontsize=8.5)
    _legend(figure, panels[0])
    save(figure, path)


def draw_maps(path: pathlib.Path, maps: Mapping[str, Any]) -> None:
    """Draws probabilities of membership on the plane, and the true discs.

    Args:
        path: Where the SVG goes.
        maps: Title to logits of shape `[2, points, points]`.
    """
    figure = Figure(figsize=(8.6, 6), layout="constrained")
    panels = figure.subplots(2, len(maps), squeeze=False)
    for column, (title, logits) in enumerate(maps.items()):
        for row, disc in enumerate(TRUE_SLICES.values()):
            panel, (centre, radius, _) = panels[row, column], disc
            shown = panel.imshow(
                1 / (1 + np.exp(-logits[row])),
                extent=(-1, 1, -1, 1),
                origin="lower",
                cmap="Blues",
                vmin=0,
                vmax=1,
            )
            circle = matplotlib.patches.Circle(
                centre, radius, fill=False, color=palette.MODELS[1], lw=1.5
            )
            panel.add_patch(circle)
            _plain(panel, f"s{row + 1}, {title}")
            panel.set(xticks=[], yticks=[])
    bar = figure.colorbar(shown, ax=panels, shrink=0.5)
    bar.set_label("probability of membership", fontsize=8.5)
    bar.outline.set_visible(False)
    save(figure, path)


def save(figure: Any, path: pathlib.Path) -> None:
    """Writes an SVG that is the same whenever it is drawn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "slice-tf"}):
        figure.savefig(path, metadata={"Date": None})


def _draw_panel(
    panel: Any, setting: str, rows: Mapping[int, Any], names: Sequence[str]
) -> None:
    colors = (palette.INK, *_COLORS)
    for row, values in rows.items():
        for column, name in enumerate(names):
            at = row + (column / (len(names) - 1) - 0.5) * 0.5
            low, high = values[:, column].min(), values[:, column].max()
            panel.plot((low, high), (at, at), color=palette.FAINT, lw=2)
            panel.plot(
                values[:, column].mean(),
                at,
                ("|", *_MARKS)[column],
                ms=5,
                mew=1.5,
                color=colors[column],
                label="" if row else name,
            )
    _plain(panel, setting)
    panel.grid(axis="x", color=palette.GRID, lw=0.8)


def _plain(panel: Any, title: str) -> None:
    panel.set_title(title, loc="left", fontsize=10, color=palette.INK)
    panel.tick_params(which="both", length=0, labelsize=8)
    panel.spines[:].set_visible(False)


def _legend(figure: Any, panel: Any) -> None:
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        frameon=False,
        loc="outside upper right",
        ncols=6,
        fontsize=8.5,
    )
