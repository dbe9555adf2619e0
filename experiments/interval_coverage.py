"""How often the "95 %" intervals of a slice hold the truth.

A slice of `m` examples is drawn many times from a known source: two classes,
scores that are calibrated, and an accuracy of `rate`. The truth is what a
million examples show. From 30 examples on, only draws count whose denominator
is 30 or more, because the rest is `too few` in a table, whatever its interval.
With 10 examples all are too few; they are simulated all the same.

    python experiments/interval_coverage.py [--draws N] [--positives SHARE]
"""

import argparse
import math
import statistics
from typing import Any

import numpy as np

from slice_tf.confidence import wilson
from slice_tf.evaluation import intervals, render_table
from slice_tf.evaluation.binary import binary_metrics, rate
from slice_tf.evaluation.calibration import calibration_metrics
from slice_tf.evaluation.metric import FLOOR, ratio
from slice_tf.evaluation.scores import NUM_BINS, bin_edges, bins_of_logits

SIZES = (10, 30, 100, 1000)
RATES = (0.5, 0.9, 0.98)
LOW, HIGH = 0.93, 0.98
RARE = 0.05  # a share of draws too small to say how often they hold


def main() -> None:
    """Prints coverage by metric, rate and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--positives", type=float, default=0.5)
    flags = parser.parse_args()
    rng = np.random.default_rng(0)
    table: dict[str, list[str]] = {}
    headers = ["coverage of 95 %"]
    inside = []
    for accuracy in RATES:
        source = draw(rng, 1, 1_000_000, accuracy, flags.positives)
        usual = losses_of(*source)
        truth = metrics_of(*source, usual)
        for size in SIZES:
            headers.append(f"{accuracy:g}, m={size}")
            sample = draw(rng, flags.draws, size, accuracy, flags.positives)
            for name, (_, low, high, n) in metrics_of(*sample, usual).items():
                value = truth[name][0][0]
                enough = FLOOR if size >= FLOOR else 1
                held, share = coverage(value, low, high, n, enough)
                table.setdefault(name, []).append(shown(held, share))
                if size >= 30 and not np.isnan(held):
                    inside.append(LOW <= held <= HIGH)
    print(render_table(headers, [[k, *v] for k, v in table.items()]))
    print(
        f"\n{np.mean(inside):.0%} of the cells with m >= 30 lie between "
        f"{LOW} and {HIGH}. In brackets: share of draws with a value, where "
        "not all have one. The sampling error of a figure is about "
        f"{np.sqrt(0.05 * 0.95 / flags.draws):.3f}."
    )
    print("\nExactly, of accuracy: Wilson's, and what any interval could hold")
    rows = []
    for size in SIZES:
        for accuracy in RATES:
            held, possible = exact(size, accuracy)
            inside = [x for x in possible if LOW <= x <= HIGH]
            near = [max(x for x in possible if x < LOW)]
            near += [min(x for x in possible if x > HIGH)]
            around = " or ".join(f"{x:.3f}" for x in near)
            rows.append(
                [
                    f"{accuracy:g}, m={size}",
                    f"{held:.3f}",
                    f"{len(inside)}",
                    around,
                ]
            )
    headers = ["accuracy", "Wilson", f"possible in {LOW} to {HIGH}", "else"]
    print(render_table(headers, rows))


def exact(size: int, accuracy: float) -> tuple[float, list[float]]:
    """Returns how often Wilson's interval holds, and all that is possible.

    An interval whose ends rise with the number of right answers holds for a
    run of such numbers, of which the likeliest is one.
    """
    k = np.arange(size + 1)
    logs = [math.log(math.comb(size, one)) for one in k]
    mass = np.exp(
        logs + k * math.log(accuracy) + (size - k) * math.log1p(-accuracy)
    )
    low, high = wilson(k, np.full(size + 1, size))
    held = mass[(low <= accuracy) & (accuracy <= high)].sum()
    sums, mode = np.concatenate([[0.0], np.cumsum(mass)]), mass.argmax()
    possible = sums[mode + 1 :][:, None] - sums[: mode + 1]
    return float(held), np.unique(possible.round(6)).tolist()


def draw(
    rng: np.random.Generator, draws: int, size: int, rate: float, share: float
) -> tuple[Any, Any]:
    """Returns labels, and calibrated log-odds, of shape `[draws, size]`.

    Scores of the two classes are normal and `2 d` apart; their log-odds are
    `2 d x` plus those of the classes.
    """
    distance = statistics.NormalDist().inv_cdf(rate)
    labels = (rng.random((draws, size)) < share).astype(np.int64)
    x = rng.normal(size=(draws, size)) + distance * (2 * labels - 1)
    return labels, 2 * distance * x + np.log(share / (1 - share))


def losses_of(labels: Any, logits: Any) -> dict[str, Any]:
    """Returns mean and mean square of losses, `[2, draws]` each."""
    likely = 1 / (1 + np.exp(np.where(labels == 1, -logits, logits)))
    losses = {"log_loss": -np.log(likely), "brier": (1 - likely) ** 2}
    return {
        name: np.stack([values.mean(axis=1), (values**2).mean(axis=1)])
        for name, values in losses.items()
    }


def metrics_of(
    labels: Any, logits: Any, usual: dict[str, Any]
) -> dict[str, tuple[Any, ...]]:
    """Returns value, low, high and n of every metric, of each draw.

    Args:
        labels: Of shape `[draws, size]`.
        logits: Of the same shape.
        usual: What `losses_of` says of the source.
    """
    draws, size = labels.shape
    rows = np.repeat(np.arange(draws), size)
    # With a rate of 0.5 every score is the same; then guesses are a coin's.
    coin = np.random.default_rng(1).random(labels.shape) < 0.5
    guesses = np.where(logits == 0, coin, logits > 0).astype(np.int64)
    cells = np.zeros((draws, 2, 2), np.int64)
    np.add.at(cells, (rows, labels.ravel(), guesses.ravel()), 1)
    scores = np.zeros((draws, 2, NUM_BINS), np.int64)
    bins = bins_of_logits(logits).ravel()
    np.add.at(scores, (rows, labels.ravel(), bins), 1)
    edges = bin_edges(NUM_BINS)
    right = (guesses == labels).sum(axis=1)
    sizes = np.full(draws, size)
    means = {
        name: (
            mean,
            *intervals.skewed_mean(mean, square, sizes, *usual[name][:, 0]),
            sizes,
        )
        for name, (mean, square) in losses_of(labels, logits).items()
    }
    return {
        "accuracy": rate(right, sizes),
        **binary_metrics(cells, scores),
        **means,
        **calibration_metrics(scores, (edges[1:] + edges[:-1]) / 2),
        "lift": lift(right, size, float(right.sum() / labels.size)),
        "difference": difference(right, size),
    }


def lift(right: Any, size: int, rate: float) -> tuple[Any, ...]:
    """Accuracy inside minus outside, of ten times as many examples."""
    rng = np.random.default_rng(2)
    others = np.full(len(right), 10 * size)
    outside = rng.binomial(10 * size, rate, len(right))
    value = right / size - outside / others
    ends = intervals.difference_of_independent_rates(
        right, size, outside, others
    )
    if len(right) == 1:
        value = np.zeros(1)  # the truth: both are of one source
    return value, *ends, others


def difference(right: Any, size: int) -> tuple[Any, ...]:
    """Paired difference to a model that differs on a tenth, 2 points up."""
    rng = np.random.default_rng(3)
    cells = rng.multinomial(size, [0.05, 0.06, 0.04, 0.85], len(right))
    cells = cells.reshape(-1, 2, 2)
    value = ratio(cells[:, 0, 1] - cells[:, 1, 0], size)
    if len(right) == 1:
        value = np.full(1, 0.02)
    low, high = intervals.difference_of_rates(cells)
    return value, low, high, np.full(len(right), size)


def coverage(
    value: float, low: Any, high: Any, n: Any, least: int
) -> tuple[float, float]:
    """Returns how often the interval holds, and how often there is one."""
    there = ~np.isnan(low) & (n >= least)
    if there.mean() < RARE:
        return float("nan"), 0.0
    held = (low[there] <= value) & (value <= high[there])
    return float(held.mean()), float(there.mean())


def shown(held: float, share: float) -> str:
    """Returns a cell of the table."""
    if np.isnan(held):
        return "-"
    return f"{held:.3f}" + (f" ({share:.2f})" if share < 0.995 else "")


if __name__ == "__main__":
    main()
