"""Evaluates a million predictions in 100 overlapping slices.

Beside it, in the same run and on the same arrays: a loop over the slices that
asks scikit-learn for the same metrics, on the first slices only, because a
slice costs it the same wherever it stands. Values are compared. Also shows
what intervals cost, that batches give the same, and how much memory a pass
takes beyond its arrays.

    python benchmarks/bench_evaluation.py [--examples N] [--slices K]
"""

import argparse
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import metrics

from slice_tf.evaluation import (
    Evaluator,
    SliceCounts,
    render_table,
    slice_metrics,
)
from slice_tf.schema import SliceSchema

SHARE = 0.056  # of examples in each slice: 5.6 memberships an example of 100
REPEATS = 3
METRICS = ("accuracy", "precision", "recall", "f1", "mcc", "auc", "log_loss")


def main() -> None:
    """Prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=1_000_000)
    parser.add_argument("--slices", type=int, default=100)
    parser.add_argument("--sklearn-slices", type=int, default=10)
    flags = parser.parse_args()
    labels, probabilities, baseline, membership = make_predictions(
        flags.examples, flags.slices
    )
    schema = SliceSchema.from_names([f"s{i}" for i in range(flags.slices)])
    some = min(flags.sklearn_slices, flags.slices)

    counts, count_s = best(lambda: count(labels, probabilities, membership))
    found, metrics_s = best(lambda: slice_metrics(counts))
    expected, loop_s = best(
        lambda: loop(labels, probabilities, membership[:, :some])
    )
    results, whole_s = best(
        lambda: evaluate(
            schema, labels, probabilities, membership, baseline, flags.examples
        )
    )
    batched, batched_s = best(
        lambda: evaluate(
            schema, labels, probabilities, membership, baseline, 8_192
        )
    )
    errors = {
        name: max(
            abs(one[name].value - other[name])
            for one, other in zip(found, expected, strict=False)
        )
        for name in METRICS
    }

    work = flags.examples * flags.slices
    loop_rate = flags.examples * some / loop_s
    rows = [
        row("slice-tf: count", work / count_s, count_s, loop_rate),
        row(
            "slice-tf: count, metrics, intervals",
            work / (count_s + metrics_s),
            count_s + metrics_s,
            loop_rate,
        ),
        row(
            "slice-tf: with a paired baseline",
            work / whole_s,
            whole_s,
            loop_rate,
        ),
        row(
            "the same in batches of 8,192",
            work / batched_s,
            batched_s,
            loop_rate,
        ),
        row(
            f"scikit-learn loop, {some} slices, no intervals",
            loop_rate,
            loop_s,
            loop_rate,
        ),
    ]
    headers = [
        f"{flags.examples:,} examples, {flags.slices} slices",
        "s",
        "million example-slices/s",
        "against the loop",
    ]
    print(render_table(headers, rows))
    shown = ", ".join(f"{name} {error:.0e}" for name, error in errors.items())
    print(f"\nlargest difference to scikit-learn: {shown}")
    print(f"batches give the same results: {batched == results}")
    megabytes = peak_of(lambda: count(labels, probabilities, membership))
    print(f"peak memory of a pass beyond its arrays: {megabytes:.0f} MB")


def make_predictions(num_examples: int, num_slices: int) -> tuple[Any, ...]:
    """Returns labels, two models' probabilities and membership."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, num_examples)
    logits = rng.normal(size=num_examples) + 2 * labels - 1
    other = logits + 0.3 * rng.normal(size=num_examples)
    pairs = [1 / (1 + np.exp(-np.stack([-x, x], 1))) for x in (logits, other)]
    draws = rng.random((num_examples, num_slices), dtype=np.float32)
    return labels, *pairs, (draws < SHARE).astype(np.uint8)


def count(labels: Any, probabilities: Any, membership: Any) -> SliceCounts:
    """Fills one accumulator."""
    counts = SliceCounts(membership.shape[1], 2)
    counts.add(labels, probabilities, membership)
    return counts


def evaluate(
    schema: SliceSchema,
    labels: Any,
    probabilities: Any,
    membership: Any,
    baseline: Any,
    batch_size: int,
) -> Any:
    """Fills all accumulators batch by batch and returns results."""
    evaluator = Evaluator(schema, 2)
    for start in range(0, len(labels), batch_size):
        rows = slice(start, start + batch_size)
        evaluator.add(
            labels[rows],
            probabilities[rows],
            membership[rows],
            baseline_probabilities=baseline[rows],
        )
    return evaluator.results()


def loop(
    labels: Any, probabilities: Any, membership: Any
) -> list[dict[str, float]]:
    """What one writes with scikit-learn."""
    found = []
    for column in membership.T:
        rows = column == 1
        truth, scores = labels[rows], probabilities[rows, 1]
        guess = scores > 0.5
        found.append(
            {
                "accuracy": metrics.accuracy_score(truth, guess),
                "precision": metrics.precision_score(truth, guess),
                "recall": metrics.recall_score(truth, guess),
                "f1": metrics.f1_score(truth, guess),
                "mcc": metrics.matthews_corrcoef(truth, guess),
                "auc": metrics.roc_auc_score(truth, scores),
                "log_loss": metrics.log_loss(truth, scores),
            }
        )
    return found


def best(run: Callable[[], Any]) -> tuple[Any, float]:
    """Returns what it returns, and its least time in seconds."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        found = run()
        times.append(time.perf_counter() - start)
    return found, min(times)


def peak_of(run: Callable[[], Any]) -> float:
    """Returns the peak of memory that it allocates, in MB."""
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def row(name: str, rate: float, seconds: float, other: float) -> list[str]:
    """Returns a row of the table."""
    return [
        name,
        f"{seconds:.2f}",
        f"{rate / 1e6:.0f}",
        f"{rate / other:.1f} x",
    ]


if __name__ == "__main__":
    main()
