"""The paper's Figure 1: what a slice-aware model learns that vanilla does not.

Drawn with matplotlib's objects alone: no window, no global figure.
"""

import os
import pathlib
from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke

from slice_tf.files import replacing
from slice_tf.report import palette
from slice_tf.report.dot_plot import draw_accuracies
from slice_tf.report.scene import Disc, Regions, Scene, check_shapes

FORMATS = (".png", ".svg")
PIXELS_PER_INCH = 200
EXTENT = (-1.0, 1.0)

# Layout, in inches.
WIDTH, HEIGHT = 12.0, 5.54
LEFT, RIGHT = 0.85, 0.18
SIDE, GAP, TOP = 2.52, 0.2966, 0.62
STRIP, BOTTOM = 0.98, 0.3


def draw_figure1(
    path: str | os.PathLike[str],
    scene: Scene,
    regions: Regions,
    accuracies: Mapping[str, tuple[float, float]],
    note: str = "percent of points that are classified right",
) -> pathlib.Path:
    """Draws data, slicing functions, both models' decisions and accuracies.

    Args:
        path: Where to write; `.svg` or `.png`. The file appears only when it
            is whole.
        scene: The points to show; a few thousand are enough.
        regions: Both models on a grid.
        accuracies: Name of a slice, or of all points, to the fractions that
            vanilla and slice-aware get right; shown in this order.
        note: What the accuracies are of, such as the number of seeds.

    Returns:
        The path that was written.

    Raises:
        ValueError: If the suffix is another, shapes disagree or there are no
            accuracies.

    Source:
        Chen et al. 2019, Figure 1.
    """
    final = pathlib.Path(path)
    if final.suffix not in FORMATS:
        raise ValueError(
            f"A picture must end in one of {', '.join(FORMATS)}, because that "
            f"is its format. Received: path={path}"
        )
    check_shapes(scene, regions)
    with matplotlib.rc_context(palette.STYLE):
        figure = Figure(figsize=(WIDTH, HEIGHT))
        panels = [_add_panel(figure, place) for place in range(4)]
        _draw_data(panels[0], scene)
        _draw_votes(panels[1], scene)
        _title(panels[2], "c", "Vanilla model", "its decisions and mistakes")
        _draw_regions(panels[2], scene, regions.axis, regions.vanilla)
        _title(
            panels[3], "d", "Slice-aware model", "its decisions and mistakes"
        )
        _draw_regions(panels[3], scene, regions.axis, regions.slice_aware)
        strip = _add_axes(figure, LEFT, BOTTOM, WIDTH - RIGHT, STRIP)
        _title(strip, "e", "Accuracy", note)
        draw_accuracies(strip, accuracies)
        _write(figure, final)
    return final


def _add_axes(
    figure: Figure, left: float, bottom: float, right: float, height: float
) -> Any:
    width = (right - left) / WIDTH
    return figure.add_axes(
        (left / WIDTH, bottom / HEIGHT, width, height / HEIGHT)
    )


def _add_panel(figure: Figure, place: int) -> Any:
    left = LEFT + place * (SIDE + GAP)
    bottom = HEIGHT - TOP - SIDE
    panel = _add_axes(figure, left, bottom, left + SIDE, SIDE)
    panel.set_xlim(EXTENT)
    panel.set_ylim(EXTENT)
    panel.set_xticks((-1, 0, 1), ("\u22121", "0", "1"))
    panel.set_yticks((-1, 0, 1), ("\u22121", "0", "1") if not place else ())
    for label, side in zip(
        panel.get_xticklabels(), ("left", "center", "right"), strict=True
    ):
        label.set_horizontalalignment(side)
    panel.set_xlabel("$x_1$", labelpad=-1)
    if not place:
        panel.set_ylabel("$x_2$", rotation=0, labelpad=7)
    panel.tick_params(length=0)
    panel.spines[:].set_color(palette.GRID)
    return panel


def _draw_data(panel: Any, scene: Scene) -> None:
    _title(panel, "a", "Data", "two classes, two small slices")
    handles = []
    for value, color in enumerate(palette.CLASSES):
        _dots(panel, scene.points[scene.labels == value], color, 5)
        handles.append(_dot(color, f"class {value}"))
    for name, disc in scene.slices.items():
        _outline(panel, disc)
        _name(panel, name, disc)
    panel.legend(handles=handles, **palette.LEGEND)


def _draw_votes(panel: Any, scene: Scene) -> None:
    _title(panel, "b", "Slicing functions", "noisy: each is off its slice")
    members = np.asarray(scene.memberships, dtype=bool)
    _dots(panel, scene.points[~members.any(axis=1)], palette.FAINT, 3)
    handles = []
    for place, (name, disc) in enumerate(scene.slices.items()):
        color = palette.SLICES[place % len(palette.SLICES)]
        _dots(panel, scene.points[members[:, place]], color, 7)
        _outline(panel, disc)
        handles.append(_dot(color, f"says {name}"))
    handles.append(
        Line2D([], [], color=palette.INK, ls=palette.DASHES, label="true slice")
    )
    panel.legend(handles=handles, **palette.LEGEND)


def _draw_regions(panel: Any, scene: Scene, axis: Any, grid: Any) -> None:
    panel.contourf(
        axis, axis, grid, levels=[-1, 0.5, 2], colors=palette.REGIONS
    )
    panel.contour(
        axis, axis, grid, levels=[0.5], colors=palette.INK, linewidths=1.2
    )
    guesses = _nearest(scene.points, axis, grid) > 0.5
    wrong = scene.points[guesses != (np.asarray(scene.labels) == 1)]
    _dots(panel, wrong, palette.INK, 7)
    for disc in scene.slices.values():
        _outline(panel, disc)
    share = 100 * len(wrong) / max(len(scene.points), 1)
    label = f"wrong: {len(wrong):,} of {len(scene.points):,} ({share:.1f} %)"
    panel.legend(handles=[_dot(palette.INK, label)], **palette.LEGEND)


def _title(panel: Any, letter: str, title: str, subtitle: str) -> None:
    for text, height, form in (
        (rf"$\mathbf{{{letter}}}$  {title}", 22, palette.TITLE),
        (subtitle, 6.5, palette.SUBTITLE),
    ):
        panel.annotate(
            text,
            (0, 1),
            (0, height),
            xycoords="axes fraction",
            textcoords="offset points",
            annotation_clip=False,
            **form,
        )


def _dot(color: str, label: str) -> Line2D:
    return Line2D([], [], ls="", marker="o", ms=4.5, color=color, label=label)


def _dots(panel: Any, points: Any, color: str, size: float) -> None:
    panel.scatter(
        points[:, 0],
        points[:, 1],
        s=size,
        color=color,
        linewidths=0,
        alpha=0.85,
        rasterized=True,
    )


def _outline(panel: Any, disc: Disc) -> None:
    panel.add_patch(
        Circle(
            disc.centre,
            disc.radius,
            fill=False,
            ls=palette.DASHES,
            lw=1.5,
            color=palette.INK,
            zorder=5,
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
    )


def _name(panel: Any, name: str, disc: Disc) -> None:
    panel.annotate(
        name,
        (disc.centre[0], disc.centre[1] + disc.radius),
        (0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=10,
        fontweight="bold",
        color=palette.INK,
        zorder=6,
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )


def _nearest(points: Any, axis: Any, grid: Any) -> Any:
    """Returns the grid's value nearest to each point, of shape `[n]`."""
    middles = (axis[1:] + axis[:-1]) / 2
    columns, rows = np.searchsorted(middles, np.asarray(points).T)
    return grid[rows, columns]


def _write(figure: Figure, path: pathlib.Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(
            temporary,
            format=path.suffix[1:],
            dpi=PIXELS_PER_INCH,
            metadata={"Date": None} if path.suffix == ".svg" else None,
        )
