"""Results as aligned text."""

from collections.abc import Callable, Sequence

from slice_tf.evaluation.metric import EMPTY, TOO_FEW, Metric, plain_text
from slice_tf.evaluation.results import Results, SliceResult
from slice_tf.evaluation.runs import RunComparison
from slice_tf.schema import BASE

Table = tuple[list[str], list[list[str]]]

MARK = "*"
NOTHING = "-"
# Metrics of predicted numbers that audits correct.
AUDITED_ERRORS = ("mae", "rmse", "bias")


def render_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table as plain text: names to the left, numbers to the right.

    Args:
        headers: One a column, with units.
        rows: Cells, as many a row as there are headers.

    Raises:
        ValueError: If a row has another number of cells.
    """
    for row in rows:
        if len(row) != len(headers):
            raise ValueError(
                f"A row must have one cell a header, which is {len(headers)}. "
                f"Received: row={list(row)}"
            )
    columns = list(zip(headers, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    lines = [headers, ["-" * width for width in widths], *rows]
    return "\n".join(_line(cells, widths) for cells in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    left = first[0].ljust(first[1])
    right = [cell.rjust(width) for cell, width in rest]
    return "  ".join([left, *right]).rstrip()


def results_table(results: Results, metric: str = "accuracy") -> Table:
    """Returns headers and rows: one row a slice, the base slice last.

    Args:
        results: What to show. With a baseline, its accuracy and the
            difference follow the metric; with learned indicators, their AUC.
            Of predicted numbers, all their metrics are shown, and the
            difference of their mean absolute error.
        metric: Name of the metric to show, in percent.
    """
    if not results.num_classes:
        return _numbers_table(results)
    headers = ["slice", "size", f"{metric}, % [95 %]"]
    if results.baseline is not None:
        headers += ["baseline, % [95 %]", "difference, points [95 %]"]
    with_indicators = any(one.indicator for one in results.slices)
    if with_indicators:
        headers += ["indicator AUC"]
    with_audits = any(one.audited for one in results.slices)
    if with_audits:
        headers += ["audited accuracy, % [95 %]"]
    rows = [
        _row(one, metric, with_indicators, with_audits)
        for one in results.slices
    ]
    return headers, rows


def _row(
    one: SliceResult, metric: str, with_indicators: bool, with_audits: bool
) -> list[str]:
    cells = [one.name, f"{one.size:,}", percent(one.metrics[metric])]
    if one.comparison is not None:
        cells += [
            percent(one.comparison.baseline),
            points(one.comparison.difference),
        ]
    if with_indicators:
        cells += [fraction(one.indicator)]
    if with_audits:
        cells += [_audited(one, "accuracy", percent)]
    return cells


def _numbers_table(results: Results) -> Table:
    """Returns metrics of predicted numbers, in the numbers' own unit."""
    names = [name for name in results.slices[-1].metrics if name != "lift"]
    headers = ["slice", "size", *(f"{name} [95 %]" for name in names)]
    if results.baseline is not None:
        headers += ["baseline mae [95 %]", "difference [95 %]"]
    with_indicators = any(one.indicator for one in results.slices)
    if with_indicators:
        headers += ["indicator AUC"]
    with_audits = any(one.audited for one in results.slices)
    if with_audits:
        headers += [f"audited {name} [95 %]" for name in AUDITED_ERRORS]
    rows = []
    for one in results.slices:
        cells = [number(one.metrics[name]) for name in names]
        if one.comparison is not None:
            cells += [
                number(one.comparison.baseline),
                change_of_number(one.comparison.difference),
            ]
        if with_indicators:
            cells += [fraction(one.indicator)]
        if with_audits:
            cells += [_audited(one, name, number) for name in AUDITED_ERRORS]
        rows.append([one.name, f"{one.size:,}", *cells])
    return headers, rows


def comparison_table(
    baseline: Results, candidate: Results, metric: str = "accuracy"
) -> Table:
    """Returns headers and rows of two results on the same data.

    Two files of aggregates do not say which examples changed, so the
    difference has no interval here; evaluate with a baseline to have it.

    Raises:
        ValueError: If the results are of different data or slices.
    """
    candidate.check_comparable(baseline)
    headers = [
        "slice",
        "size",
        f"baseline {metric}, % [95 %]",
        f"candidate {metric}, % [95 %]",
        "difference, points",
    ]
    pairs = zip(baseline.slices, candidate.slices, strict=True)
    rows = [
        [
            after.name,
            f"{after.size:,}",
            percent(before.metrics[metric]),
            percent(after.metrics[metric]),
            _change(before.metrics[metric].value, after.metrics[metric].value),
        ]
        for before, after in pairs
    ]
    return headers, rows


def _change(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return NOTHING
    return f"{_round(100 * (after - before)):+.1f}"


def runs_table(
    names: Sequence[str],
    comparisons: Sequence[RunComparison],
    labels: tuple[str, str] = ("baseline", "candidate"),
) -> Table:
    """Returns headers and rows of `compare_runs`.

    Args:
        names: Of the slices, without the base slice.
        comparisons: One a slice and one for the base slice.
        labels: What to call recipes a and b.
    """
    runs = comparisons[0].num_runs
    suffix = "" if runs == 1 else f", mean of {runs} runs"
    headers = [
        "slice",
        "size",
        *(f"{label}, %" for label in labels),
        f"difference, points [95 %]{suffix}",
    ]
    rows = [
        [
            name,
            f"{one.size:,}",
            _percent(one.accuracy_a),
            _percent(one.accuracy_b),
            points(one.difference),
        ]
        for name, one in zip((*names, BASE), comparisons, strict=True)
    ]
    return headers, rows


def percent(metric: Metric) -> str:
    """Returns `91.2 [90.1, 92.2]`, marked where there are too few."""
    return _stated(metric, lambda value: f"{_round(100 * value):.1f}")


def points(metric: Metric) -> str:
    """Returns `+1.2 [-0.3, +2.7]`, marked where there are too few."""
    return _stated(metric, lambda value: f"{_round(100 * value):+.1f}")


def number(metric: Metric) -> str:
    """Returns `0.123 [0.110, 0.137]`, of four digits, marked likewise."""
    return _stated(metric, plain_text)


def change_of_number(metric: Metric) -> str:
    """Returns `+0.012 [-0.003, +0.027]`, of three digits, marked likewise."""
    return _stated(metric, lambda value: plain_text(value, 3, "+"))


def fraction(metric: Metric | None) -> str:
    """Returns `0.912`, marked where there are too few."""
    if metric is None or metric.value is None:
        return NOTHING
    return f"{metric.value:.3f}{_mark(metric)}"


def footnote(results: Results) -> str:
    """Returns what the marks mean, or nothing where none is shown."""
    shown = [
        metric
        for one in results.slices
        for metric in (next(iter(one.metrics.values())), one.indicator)
        if metric is not None
    ]
    notes = []
    if any(metric.status == TOO_FEW for metric in shown):
        notes.append(
            f"{MARK} too few to rely on: fewer than {results.floor} examples"
        )
    if any(metric.status == EMPTY for metric in shown):
        notes.append(f"{NOTHING} nothing to count")
    return "\n".join(notes)


def _audited(
    one: SliceResult, name: str, written: Callable[[Metric], str]
) -> str:
    metric = getattr(one.audited, name, None)
    return NOTHING if metric is None else written(metric)


def _percent(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.1f}"


def _stated(metric: Metric, written: Callable[[float], str]) -> str:
    """Returns a metric and its interval, each as `written` gives it."""
    if metric.value is None:
        return NOTHING
    value = written(metric.value)
    if metric.low is None or metric.high is None:
        return f"{value}{_mark(metric)}"
    low, high = written(metric.low), written(metric.high)
    return f"{value} [{low}, {high}]{_mark(metric)}"


def _round(value: float) -> float:
    """Rounds to what is shown; adding 0.0 makes -0.0 positive."""
    return round(value, 1) + 0.0


def _mark(metric: Metric) -> str:
    return MARK if metric.status == TOO_FEW else " "
