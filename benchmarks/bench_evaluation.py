"""Evaluates a million predictions in 100 overlapping slices.

Beside it, in the same run and on the same arrays: a loop over the slices that
asks scikit-learn for the same metrics, on the first slices only, because a
slice costs it the same wherever it stands. Values are compared. Also shows
what intervals cost, that batches give the same, and how much memory a pass
takes beyond its arrays. With `--snorkel-python`, the interpreter of a virtual
environment that has Snorkel, its `Scorer.score_slices` scores the same arrays
in a process of its own; it knows six of the seven metrics, all but the loss.

    python benchmarks/bench_evaluation.py [--examples N] [--slices K]
        [--snorkel-python /path/to/python]
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
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
REPEATS = 5
SNORKEL = pathlib.Path(__file__).with_name("peer_snorkel_scorer.py")


def main() -> None:
    """Prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=1_000_000)
    parser.add_argument("--slices", type=int, default=100)
    parser.add_argument("--sklearn-slices", type=int, default=10)
    parser.add_argument("--snorkel-python", metavar="PATH")
    flags = parser.parse_args()
    labels, probabilities, baseline, membership = make_predictions(
        flags.examples, flags.slices
    )
    schema = SliceSchema.from_names([f"s{i}" for i in range(flags.slices)])
    some = min(flags.sklearn_slices, flags.slices)

    # In turns, so that a busy machine slows both down.
    count_s, metrics_s, loop_s = np.inf, np.inf, np.inf
    for _ in range(REPEATS):
        counts, seconds = timed(
            lambda: count(labels, probabilities, membership)
        )
        count_s = min(count_s, seconds)
        found, seconds = timed(partial(slice_metrics, counts))
        metrics_s = min(metrics_s, seconds)
        expected, seconds = timed(
            lambda: loop(labels, probabilities, membership[:, :some])
        )
        loop_s = min(loop_s, seconds)
    inputs = (schema, labels, probabilities, membership, baseline)
    results, whole_s = timed(lambda: evaluate(*inputs, flags.examples))
    batched, batched_s = timed(lambda: evaluate(*inputs, 8_192))
    peers = {f"scikit-learn loop, {some} slices, no intervals": (loop_s, some)}
    if flags.snorkel_python:
        scores, snorkel_s = score_by_snorkel(
            flags.snorkel_python, labels, probabilities, membership
        )
        name = "Snorkel's scorer, 6 metrics, no intervals"
        peers[name] = snorkel_s, flags.slices
    ours = {
        "slice-tf: count": count_s,
        "slice-tf: count, 14 metrics, intervals": count_s + metrics_s,
        "slice-tf: with a paired baseline": whole_s,
        "the same in batches of 8,192": batched_s,
    }
    times = {name: (seconds, flags.slices) for name, seconds in ours.items()}
    rows = [
        row(name, flags.examples * num_slices, seconds, flags.examples, peers)
        for name, (seconds, num_slices) in (times | peers).items()
    ]
    headers = [
        f"{flags.examples:,} examples, {flags.slices} slices",
        "s of CPU",
        "million example-slices/s",
        *(f"against {name.partition(',')[0]}" for name in peers),
    ]
    print(render_table(headers, rows))
    print(f"\nlargest difference to scikit-learn: {errors(found, expected)}")
    if flags.snorkel_python:
        print(f"largest difference to Snorkel: {errors(found, scores)}")
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


def score_by_snorkel(
    python: str, labels: Any, probabilities: Any, membership: Any
) -> tuple[list[dict[str, float]], float]:
    """Returns what Snorkel says of each slice, and its seconds."""
    with tempfile.TemporaryDirectory() as name:
        path = pathlib.Path(name) / "predictions.npz"
        np.savez(
            path,
            labels=labels,
            probabilities=probabilities,
            membership=membership,
        )
        done = subprocess.run(
            [python, str(SNORKEL), str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
    values = json.loads(done.stdout.splitlines()[-1])
    return values["slices"], values["seconds"]


def errors(found: list[Any], expected: list[dict[str, float]]) -> str:
    """Returns the largest difference in each metric, to be read."""
    largest = {
        name: max(
            abs(one[name].value - other[name])
            for one, other in zip(found, expected, strict=False)
        )
        for name in expected[0]
    }
    return ", ".join(f"{name} {error:.0e}" for name, error in largest.items())


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """Returns what it returns, and its CPU time in seconds."""
    start = time.process_time()
    found = run()
    return found, time.process_time() - start


def peak_of(run: Callable[[], Any]) -> float:
    """Returns the peak of memory that it allocates, in MB."""
    tracemalloc.start()
    run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def row(
    name: str,
    work: int,
    seconds: float,
    examples: int,
    peers: dict[str, tuple[float, int]],
) -> list[str]:
    """Returns a row of the table: work is examples times slices."""
    rate = work / seconds
    ratios = (
        rate / (examples * num_slices / other)
        for other, num_slices in peers.values()
    )
    return [
        name,
        f"{seconds:.2f}",
        f"{rate / 1e6:.0f}",
        *(f"{ratio:.1f} x" for ratio in ratios),
    ]


if __name__ == "__main__":
    main()
