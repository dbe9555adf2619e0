"""Results as columns and scalars, for whatever reads them next."""

from slice_tf.evaluation.metric import OK
from slice_tf.evaluation.results import Results


def to_columns(results: Results) -> dict[str, list[object]]:
    """Returns one row a slice and metric, as columns of equal length.

    `pyarrow.table(to_columns(results))`, `pandas.DataFrame(...)` and
    `polars.DataFrame(...)` take them as they are.

    Args:
        results: Of an evaluation.
    """
    names = ("slice", "size", "metric", "value", "low", "high", "n", "status")
    rows = [
        (
            *(one.name, one.size, name),
            *(metric.value, metric.low, metric.high, metric.n, metric.status),
        )
        for one in results.slices
        for name, metric in one.metrics.items()
    ]
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def to_scalars(results: Results) -> dict[str, float]:
    """Returns `slices/<slice>/<metric>` to its value, where it can be told.

    Where there is a baseline, `differences/<slice>/<metric>` are the
    candidate's minus the baseline's. What is empty or too few is left out, as
    a curve would show it without its interval.

    Args:
        results: Of an evaluation.
    """
    found = {
        f"slices/{one.name}/{name}": metric
        for one in results.slices
        for name, metric in one.metrics.items()
    }
    for one in results.slices:
        if one.comparison is not None:
            changes = {
                results.leading: one.comparison.difference,
                **one.comparison.differences,
            }
            for name, metric in changes.items():
                found[f"differences/{one.name}/{name}"] = metric
    return {
        name: metric.value
        for name, metric in found.items()
        if metric.value is not None and metric.status == OK
    }
