"""Colours and type of all pictures; told apart in every colour vision.

Class and model colours are from Okabe and Ito's palette and differ in
lightness too, so that they survive a black-and-white printer.
"""

from typing import Any

INK = "#1b1f24"
MUTED = "#57606a"
GRID = "#d8dee4"
FAINT = "#c9d0d7"

CLASSES = ("#0072b2", "#e69f00")
REGIONS = ("#cfe3f2", "#fbe6bf")
SLICES = ("#009e73", "#cc79a7")
MODELS = ("#6a737d", "#b6430e")  # vanilla, slice-aware

DASHES = (0, (4, 2))

TITLE: dict[str, Any] = {"fontsize": 11.5, "color": INK}
SUBTITLE: dict[str, Any] = {"fontsize": 9, "color": MUTED}

LEGEND: dict[str, Any] = {
    "loc": "upper center",
    "bbox_to_anchor": (0.5, -0.105),
    "ncols": 3,
    "frameon": False,
    "fontsize": 9,
    "handletextpad": 0.3,
    "columnspacing": 0.9,
    "handlelength": 1.5,
}

STYLE: dict[str, Any] = {
    "figure.facecolor": "white",
    "font.family": ["sans-serif"],
    "font.size": 9.5,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "svg.fonttype": "path",
    "svg.hashsalt": "slice-tf",  # Same picture, same bytes.
}
