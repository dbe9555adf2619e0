"""Two models' accuracies side by side, one row a slice."""

from collections.abc import Mapping
from typing import Any

from matplotlib.lines import Line2D

from slice_tf.report import palette

Pairs = Mapping[str, tuple[float, float]]


def draw_accuracies(panel: Any, accuracies: Pairs) -> None:
    """Draws a row a slice: vanilla's dot, slice-aware's dot, and the way.

    Args:
        panel: matplotlib axes.
        accuracies: Name to the fractions that vanilla and slice-aware get
            right, shown from top to bottom.

    Raises:
        ValueError: If there are none.
    """
    if not accuracies:
        raise ValueError(
            "There must be accuracies to show. Received: accuracies={}"
        )
    for row, pair in enumerate(accuracies.values()):
        _draw_row(panel, row, 100 * pair[0], 100 * pair[1])
    panel.set_yticks(range(len(accuracies)), list(accuracies))
    panel.set_ylim(len(accuracies) - 0.5, -0.5)
    lowest = 100 * min(min(pair) for pair in accuracies.values())
    panel.set_xlim(min(lowest - 6, 90), 102)
    panel.xaxis.set_major_formatter("{x:g} %")
    panel.set_xticks([t for t in panel.get_xticks() if t <= 100])
    panel.set_xlim(min(lowest - 6, 90), 102)
    panel.grid(axis="x", color=palette.GRID, lw=0.8)
    panel.tick_params(length=0)
    panel.tick_params(axis="y", labelcolor=palette.INK)
    panel.spines[:].set_visible(False)
    panel.set_axisbelow(True)
    _add_legend(panel)


def _draw_row(panel: Any, row: int, before: float, after: float) -> None:
    panel.plot((before, after), (row, row), color=palette.FAINT, lw=3, zorder=1)
    sides = (1, -1) if before > after else (-1, 1)
    for value, side, color in zip(
        (before, after), sides, palette.MODELS, strict=True
    ):
        panel.plot(value, row, "o", ms=8, color=color, zorder=2)
        panel.annotate(
            f"{value:.1f}",
            (value, row),
            (8 * side, 0),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            color=color,
            fontweight="bold",
        )


def _add_legend(panel: Any) -> None:
    handles = [
        Line2D([], [], ls="", marker="o", ms=7, color=color, label=label)
        for color, label in zip(
            palette.MODELS, ("vanilla", "slice-aware"), strict=True
        )
    ]
    panel.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=2,
        frameon=False,
        handletextpad=0.2,
        columnspacing=1.2,
    )
