"""How often intervals of metrics of predicted numbers hold their truth.

Slices of one size, all of one distribution of targets and errors, of a
candidate and of a baseline that errs in part alike; the truth is that of two
million examples.

    python experiments/error_coverage.py [--runs N]
"""

import argparse
from collections.abc import Mapping

import numpy as np

from slice_tf.evaluation import RegressionCounts, render_table
from slice_tf.schema import SliceSchema

NUM_SLICES = 200
SCHEMA = SliceSchema.from_names([f"s{i}" for i in range(NUM_SLICES)])
SIZES = (30, 100, 1_000)
ERRORS = ("normal", "laplace", "of tenfold size")
TRUTH = 2_000_000


def main() -> None:
    """Prints the share of intervals that hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    flags = parser.parse_args()
    rng = np.random.default_rng(0)
    rows = []
    for kind in ERRORS:
        everyone = SliceSchema(())
        truth = measure(*draw(rng, kind, TRUTH), np.zeros((TRUTH, 0)), everyone)
        for size in SIZES:
            held: dict[str, list[float]] = {}
            for _ in range(flags.runs):
                # As many others again, so that a lift has an outside.
                n = 2 * NUM_SLICES * size
                places = np.arange(n)[:, None] // size == np.arange(NUM_SLICES)
                found = measure(*draw(rng, kind, n), places, SCHEMA)
                for one in found[:-1]:
                    for name, (low, high) in one.items():
                        value = sum(truth[0].get(name, (0.0, 0.0))) / 2
                        held.setdefault(name, []).append(low <= value <= high)
            shares = [f"{np.mean(held[name]):.3f}" for name in held]
            rows.append([kind, f"{size:,}", *shares])
    print(render_table(["errors", "examples", *held], rows))


def draw(
    rng: np.random.Generator, kind: str, num_rows: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns targets, and predictions of a candidate and of a baseline."""
    targets = rng.normal(size=num_rows) + rng.exponential(size=num_rows)
    noise = rng.laplace if kind == "laplace" else rng.normal
    shared, ours, theirs = noise(size=(3, num_rows))
    scale = np.where(rng.random(num_rows) < 0.1, 1.0, 0.1)
    if kind != ERRORS[2]:
        scale = np.full(num_rows, 0.4)
    return (
        targets,
        targets + scale * (shared + 0.5 * ours) + 0.05,
        targets + scale * (shared + 0.4 * theirs),
    )


def measure(
    targets: np.ndarray,
    after: np.ndarray,
    before: np.ndarray,
    membership: np.ndarray,
    schema: SliceSchema,
) -> list[Mapping[str, tuple[float, float]]]:
    """Returns ends of intervals by metric; the truth's are one value."""
    counts = RegressionCounts(schema)
    counts.add(targets, after, membership, baseline_predictions=before)
    found = []
    for one in counts.results().slices:
        changes = {"change of mae": one.comparison.difference}
        for name, metric in one.comparison.differences.items():
            changes[f"change of {name}"] = metric
        metrics = {**one.metrics, **changes}
        if not schema.num_slices:
            metrics.pop("lift")
            found.append({k: (m.value, m.value) for k, m in metrics.items()})
        else:
            found.append({k: (m.low, m.high) for k, m in metrics.items()})
    return found


if __name__ == "__main__":
    main()
