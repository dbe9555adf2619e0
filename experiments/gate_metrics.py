"""How often the gate alarms without cause, by the metric that it compares.

100 slices of 50 to 2,000 examples, spread evenly on the log scale. Baseline
and candidate are equally good: the same calibrated scores, each with noise of
its own. `gate_power.py` looks at accuracy more closely. Of predicted numbers,
errors of both models are alike in part; in ten slices the candidate's are
then made a fifth larger, and are to be found.

    python experiments/gate_metrics.py [--runs N]
"""

import argparse
import statistics

import numpy as np

from slice_tf.evaluation import (
    RegressionCounts,
    Results,
    evaluate,
    gate,
    render_table,
    to_probabilities,
)
from slice_tf.evaluation.multiple import benjamini_hochberg
from slice_tf.schema import SliceSchema

NUM_SLICES, NUM_WORSE, LARGER = 100, 10, 1.2
SCHEMA = SliceSchema.from_names([f"s{i}" for i in range(NUM_SLICES)])
METRICS = ("accuracy", "recall", "auc", "log_loss", "brier")
NUMBER_METRICS = ("mae", "rmse", "r2")
ERRORS = ("normal", "laplace", "of tenfold size")
# Accuracy without noise, share of positives, noise of the log-odds.
SETTINGS = ((0.9, 0.5, 0.5), (0.9, 0.1, 0.5), (0.8, 0.3, 1.0))


def main() -> None:
    """Prints the share of runs that fail."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()
    rng = np.random.default_rng(flags.seed)
    rows = []
    for accuracy, positives, noise in SETTINGS:
        failed = np.zeros(len(METRICS))
        for _ in range(flags.runs):
            results = draw(rng, accuracy, positives, noise)
            failed += [
                gate(*results, metric=metric).verdict == "FAIL"
                for metric in METRICS
            ]
        name = f"accuracy {accuracy}, {positives:.0%} positives, noise {noise}"
        rows.append([name, *(f"{x:.3f}" for x in failed / flags.runs)])
    headers = [f"equal models, {flags.runs} runs: share that fails", *METRICS]
    print(render_table(headers, rows), "\n")
    rows = [
        [
            kind,
            *of_numbers(rng, kind, flags.runs),
            *(best_possible(rng, kind, 1_000, power) for power in (1, 2)),
        ]
        for kind in ERRORS
    ]
    headers = ["numbers, by their errors"]
    headers += [f"{x}, equal: fails" for x in NUMBER_METRICS]
    headers += [f"{x}, worse: found" for x in NUMBER_METRICS]
    headers += [f"{x}, if all variances were known" for x in ("mae", "rmse")]
    print(render_table(headers, rows), "\n")
    rows = [[kind, *not_paired(rng, kind, flags.runs)] for kind in ERRORS]
    headers = ["independent errors, not paired"]
    headers += [f"{x}, equal: fails" for x in NUMBER_METRICS]
    print(render_table(headers, rows))


def not_paired(rng: np.random.Generator, kind: str, runs: int) -> list[str]:
    """Returns shares of runs that fail; models are equal and err apart."""
    failed = np.zeros(len(NUMBER_METRICS))
    for _ in range(runs):
        places = np.repeat(np.arange(NUM_SLICES), draw_sizes(rng))
        targets = rng.normal(size=len(places))
        both = []
        for _ in range(2):
            errors, _ = draw_errors(rng, kind, len(places))
            counts = RegressionCounts(SCHEMA)
            membership = places[:, None] == np.arange(NUM_SLICES)
            counts.add(targets, targets + errors, membership)
            both.append(counts.results())
        failed += [
            gate(*both, metric=metric).verdict == "FAIL"
            for metric in NUMBER_METRICS
        ]
    return [f"{x:.3f}" for x in failed / runs]


def of_numbers(rng: np.random.Generator, kind: str, runs: int) -> list[str]:
    """Returns shares of runs that fail, then of worse slices that are found."""
    failed, found = np.zeros((2, len(NUMBER_METRICS)))
    for _ in range(runs):
        sizes = draw_sizes(rng)
        for worse, total in ((1.0, failed), (LARGER, found)):
            results = draw_numbers(rng, kind, sizes, worse)
            for i, metric in enumerate(NUMBER_METRICS):
                verdict = gate(*results, metric=metric)
                total[i] += (
                    verdict.verdict == "FAIL"
                    if worse == 1
                    else np.mean(
                        [
                            x.verdict == "FAIL"
                            for x in verdict.slices[:NUM_WORSE]
                        ]
                    )
                )
    return [f"{x:.3f}" for x in (*failed / runs, *found / runs)]


def draw_sizes(rng: np.random.Generator) -> np.ndarray:
    """Returns numbers of examples, evenly on the log scale."""
    spread = rng.uniform(np.log(50), np.log(2_000), NUM_SLICES)
    return np.exp(spread).astype(int)


def draw_numbers(
    rng: np.random.Generator, kind: str, sizes: np.ndarray, worse: float
) -> tuple[Results, Results]:
    """Returns results of both; errors of ten slices are `worse` times as large.

    Half of the errors' variance is that of both models alike.
    """
    places = np.repeat(np.arange(NUM_SLICES), sizes)
    targets = rng.normal(size=len(places))
    larger = np.where(places < NUM_WORSE, worse, 1)
    ours, theirs = draw_errors(rng, kind, len(places))
    after, before = targets + larger * ours, targets + theirs
    membership = places[:, None] == np.arange(NUM_SLICES)
    alone, beside = RegressionCounts(SCHEMA), RegressionCounts(SCHEMA)
    alone.add(targets, before, membership)
    beside.add(targets, after, membership, baseline_predictions=before)
    return alone.results(), beside.results()


def draw_errors(
    rng: np.random.Generator, kind: str, num_rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns errors of a candidate and of a baseline that is as good."""
    noise = rng.laplace if kind == "laplace" else rng.normal
    shared, ours, theirs = noise(size=(3, num_rows))
    scale = np.full(num_rows, 0.4)
    if kind == ERRORS[2]:
        scale = np.where(rng.random(num_rows) < 0.1, 1.0, 0.1)
    return scale * (shared + ours), scale * (shared + theirs)


def best_possible(
    rng: np.random.Generator, kind: str, runs: int, power: int
) -> str:
    """Returns what a test finds that knows how errors vary.

    Args:
        rng: For draws.
        kind: Of errors.
        runs: Number of runs.
        power: 1 compares mean absolute errors, 2 mean squares on the log
            scale.
    """
    new, old = (
        np.abs(one) ** power for one in draw_errors(rng, kind, 1_000_000)
    )
    new *= LARGER**power
    size, spread = new.mean() - old.mean(), (new - old).std()
    if power == 2:
        size = np.log(new.mean() / old.mean())
        spread = (new / new.mean() - old / old.mean()).std()
    found = []
    for _ in range(runs):
        z = rng.normal(size=NUM_SLICES)
        z[:NUM_WORSE] += size / spread * np.sqrt(draw_sizes(rng)[:NUM_WORSE])
        p = np.array([1 - statistics.NormalDist().cdf(one) for one in z])
        found.append(np.mean(benjamini_hochberg(p)[:NUM_WORSE] <= 0.05))
    return f"{np.mean(found):.3f}"


def draw(
    rng: np.random.Generator, accuracy: float, positives: float, noise: float
) -> tuple[Results, Results]:
    """Returns results of a baseline, and of a candidate beside it."""
    sizes = draw_sizes(rng)
    labels = (rng.random(sizes.sum()) < positives).astype(np.int64)
    distance = statistics.NormalDist().inv_cdf(accuracy)
    x = rng.normal(size=len(labels)) + distance * (2 * labels - 1)
    logits = 2 * distance * x + np.log(positives / (1 - positives))
    before, after = (
        to_probabilities((logits + noise * draws)[:, None], 2)
        for draws in rng.normal(size=(2, len(labels)))
    )
    places = np.repeat(np.arange(NUM_SLICES), sizes)
    membership = places[:, None] == np.arange(NUM_SLICES)
    baseline = evaluate(labels, before, membership, SCHEMA)
    candidate = evaluate(
        labels, after, membership, SCHEMA, baseline_probabilities=before
    )
    return baseline, candidate


if __name__ == "__main__":
    main()
