"""How often the gate alarms without cause, by the metric that it compares.

100 slices of 50 to 2,000 examples, spread evenly on the log scale. Baseline
and candidate are equally good: the same calibrated scores, each with noise of
its own. `gate_power.py` looks at accuracy more closely.

    python experiments/gate_metrics.py [--runs N]
"""

import argparse
import statistics

import numpy as np

from slice_tf.evaluation import (
    Results,
    evaluate,
    gate,
    render_table,
    to_probabilities,
)
from slice_tf.schema import SliceSchema

NUM_SLICES = 100
SCHEMA = SliceSchema.from_names([f"s{i}" for i in range(NUM_SLICES)])
METRICS = ("accuracy", "recall", "auc", "log_loss", "brier")
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
    print(render_table(headers, rows))


def draw(
    rng: np.random.Generator, accuracy: float, positives: float, noise: float
) -> tuple[Results, Results]:
    """Returns results of a baseline, and of a candidate beside it."""
    spread = rng.uniform(np.log(50), np.log(2_000), NUM_SLICES)
    sizes = np.exp(spread).astype(int)
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
