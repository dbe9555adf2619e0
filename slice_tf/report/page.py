"""One HTML file that shows results and needs nothing else."""

import base64
import hashlib
import html
import importlib.resources
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from slice_tf.evaluation import Results
from slice_tf.files import write_text
from slice_tf.report.embed import pack
from slice_tf.report.labels import check_labels
from slice_tf.report.sentence import details, headline

# Kind of page: its scripts, in the order in which they build on each other.
SCRIPTS = {
    "results": (
        "elements.js",
        "numbers.js",
        "results.js",
        "labels.js",
        "figures.js",
        "intervals.js",
        "writing.js",
        "overview.js",
        "slice_plots.js",
        "examples.js",
        "audit.js",
        "slice.js",
        "compare.js",
        "functions.js",
        "theme.js",
        "main.js",
    ),
    "discovery": (
        "elements.js",
        "numbers.js",
        "figures.js",
        "intervals.js",
        "writing.js",
        "examples.js",
        "theme.js",
        "discovery.js",
    ),
    "traffic": (
        "elements.js",
        "numbers.js",
        "figures.js",
        "intervals.js",
        "theme.js",
        "timeline.js",
        "traffic.js",
    ),
    "folder": ("elements.js", "numbers.js", "theme.js", "folder.js"),
}
STYLES = ("page.css", "figures.css", "review.css")


def render_page(
    results: Results | Sequence[Results],
    summary: Mapping[str, Any] | None = None,
    served: Mapping[str, Any] | None = None,
) -> str:
    """Returns a page as HTML.

    It loads nothing: its policy allows the one script and the one style
    sheet that are in it, by their hashes, and no request at all. Every text
    from the results is shown as text.

    Args:
        results: What to show; of a model of several labels, results of some
            of them, among which the page lets one choose.
        summary: What `read_summary` gave, to show how slicing functions
            voted.
        served: What a page of `slice-tf ui` needs to write; None in a file.

    Raises:
        ValueError: If results of several files are not of one model and
            data, or two are of the same label.
    """
    every = [results] if isinstance(results, Results) else list(results)
    check_labels(every)
    first, *others = (
        {
            "results": one.to_dict(),
            "summary": summary,
            "headline": headline(one),
            "details": details(one),
        }
        for one in every
    )
    return render("results", {**first, "others": others, "served": served})


def render(kind: str, data: Mapping[str, Any]) -> str:
    """Returns a page of a kind, with its data in it, as HTML.

    Args:
        kind: A key of `SCRIPTS`.
        data: Plain JSON values. With a `served` that is not None, the page
            may send requests to where it came from.
    """
    script, style = _bundle(SCRIPTS[kind]), _bundle(STYLES)
    parts = {
        "policy": _policy(script, style, data.get("served") is not None),
        "style": style,
        "headline": html.escape(data.get("headline", f"slice-tf {kind}")),
        "data": pack(data),
        "script": script,
    }
    page = _read("page.html")
    head, *rest = page.split("<!--@")
    filled = [head]
    for part in rest:
        name, _, tail = part.partition("-->")
        filled += [parts[name], tail]
    return "".join(filled)


def write_page(
    path: str | os.PathLike[str],
    results: Results | Sequence[Results],
    summary: Mapping[str, Any] | None = None,
) -> pathlib.Path:
    """Writes a page; the file appears only when it is whole.

    Args:
        path: Where to write it.
        results: See `render_page`.
        summary: See `render_page`.

    Raises:
        ValueError: As `render_page`.
    """
    final = pathlib.Path(path)
    write_text(final, render_page(results, summary))
    return final


def _policy(script: str, style: str, served: bool) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            *(["connect-src 'self'"] if served else []),
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _bundle(names: tuple[str, ...]) -> str:
    return "\n" + "\n".join(_read(name) for name in names)


def _read(name: str) -> str:
    files = importlib.resources.files("slice_tf.report").joinpath("assets")
    return files.joinpath(name).read_text(encoding="utf-8")
