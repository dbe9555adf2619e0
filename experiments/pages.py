"""Tables of many seeds, and the pages that hold them."""

import argparse
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from slice_figures import draw_curves

from slice_tf.evaluation.intervals import student_t

DOCS = pathlib.Path(__file__).parent.parent / "docs" / "experiments"
# How to read a `paired_table`.
READING = (
    "Accuracy in percent, mean ± standard deviation over seeds; differences "
    "are paired by seed, with 95 % intervals."
)
Cells = Mapping[str, Mapping[str, Any]]


def parse_flags(description: str, seeds: int = 20) -> argparse.ArgumentParser:
    """Returns a parser of what all experiments take."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--test", type=int, default=50_000)
    parser.add_argument("--docs", type=pathlib.Path, default=DOCS)
    return parser


def paired_table(
    cells: Cells, reference: str, columns: Sequence[str] = ("s1", "s2")
) -> list[str]:
    """Returns a Markdown table: one row a method, differences paired.

    Args:
        cells: Method to `accuracy`, of shape `[seeds, 1 + slices]`, overall
            first, and `parameters`.
        reference: The method that others are compared with.
        columns: Names of the slices.
    """
    names = ["overall", *columns]
    rows = [
        ["method", "parameters", *names, "worst seed's worse slice"]
        + [f"{name} against {reference}" for name in names]
        + [f"worst seed's overall against {reference}"]
    ]
    base = np.asarray(cells[reference]["accuracy"])
    for method, cell in cells.items():
        found = np.asarray(cell["accuracy"])
        gains = found - base
        of_itself = method == reference
        rows.append(
            [method, f"{cell['parameters']:,}"]
            + [spread(column) for column in found.T]
            + [f"{found[:, 1:].min():.1f}"]
            + ["-" if of_itself else interval(gain) for gain in gains.T]
            + ["-" if of_itself else f"{gains[:, 0].min():+.1f}"]
        )
    return markdown(rows)


def spread(values: Any) -> str:
    """Returns mean ± standard deviation over seeds."""
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"


def interval(gains: Any) -> str:
    """Returns the mean paired difference and its 95 % interval."""
    gains = np.asarray(gains)
    quantile = student_t(np.array([len(gains) - 1.0]))[0]
    half = quantile * gains.std(ddof=1) / np.sqrt(len(gains))
    mean = gains.mean()
    return f"{mean:+.1f} [{mean - half:+.1f}, {mean + half:+.1f}]"


def markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns a Markdown table, the first row its head; numbers right."""
    head = ["|---" + "|---:" * (len(rows[0]) - 1) + "|"]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [*lines[:1], *head, *lines[1:]]


def write_page(
    docs: pathlib.Path, name: str, title: str, words: str, parts: Any
) -> None:
    """Writes `name.md`: words, the picture `name.svg`, titled tables."""
    docs.mkdir(parents=True, exist_ok=True)
    lines = [f"# {title}", "", words, "", f"![{title}]({name}.svg)"]
    for heading, table in parts.items():
        lines += ["", f"## {heading}", "", *table]
    (docs / f"{name}.md").write_text("\n".join(lines) + "\n")


def write_curves(
    docs: pathlib.Path,
    name: str,
    title: str,
    words: str,
    cells: Mapping[int, Cells],
    *,
    heading: str,
    along: str,
) -> None:
    """Writes a page with a table a number, and the curves over numbers.

    Args:
        docs: Where it goes.
        name: Of the files.
        title: Of the page.
        words: What was done.
        cells: Number to method to what `paired_table` takes.
        heading: Of a table, such as `h = {}`.
        along: Name of the horizontal axis; see `draw_curves`.
    """
    parts = {
        heading.format(number): paired_table(found, "VANILLA")
        for number, found in cells.items()
    }
    write_page(docs, name, title, f"{words} {READING}", parts)
    draw_curves(docs / f"{name}.svg", cells, along)
