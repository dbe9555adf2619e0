"""How often audited errors of predicted numbers hold the truth.

Of 8,000 examples, 5 % belong to a slice, of which its function finds 80 %;
there, errors are twice as large and half a unit too high. A person looks at 50
examples inside and 50 outside. Beside each share, that of the interval which
takes the function at its word.

    python experiments/audit_coverage.py [--runs N]
"""

import argparse
import functools
from typing import Any

import numpy as np

from slice_tf.evaluation import (
    RegressionCounts,
    SliceAudit,
    render_table,
    with_audits,
)
from slice_tf.schema import SliceSchema

SCHEMA = SliceSchema.from_names(["night"])
NUM_EXAMPLES, PREVALENCE, RECALL, AUDITED = 8_000, 0.05, 0.8, 50
METRICS = ("mae", "rmse", "bias")
ERRORS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "Laplace's": lambda rng, n: rng.laplace(size=n) / 2**0.5,
    "of tenfold size": lambda rng, n: (
        rng.normal(size=n) * np.exp(0.7 * rng.normal(size=n))
    ),
}


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=300)
    runs = parser.parse_args().runs
    headers = ["errors", "precision", *(f"{x}, (naive)" for x in METRICS)]
    rows = []
    for name, draw in ERRORS.items():
        for precision in (0.9, 0.6, 0.3):
            held = np.mean(
                [held_by(draw, precision, seed) for seed in range(runs)], axis=0
            )
            cells = [f"{ours:.3f} ({naive:.3f})" for ours, naive in held]
            rows.append([name, f"{precision:g}", *cells])
    print(f"{runs} runs\n{render_table(headers, rows)}")


def held_by(draw: Any, precision: float, seed: int) -> list[tuple[bool, bool]]:
    """Says of each metric whether audited and naive interval hold it."""
    rng = np.random.default_rng(seed)
    truth = rng.random(NUM_EXAMPLES) < PREVALENCE
    false = RECALL * PREVALENCE * (1 - precision) / precision
    share = np.where(truth, RECALL, false / (1 - PREVALENCE))
    members = rng.random(NUM_EXAMPLES) < share
    errors = draw(rng, NUM_EXAMPLES)
    errors = np.where(truth, 2 * errors + 0.5, errors)
    counts = RegressionCounts(SCHEMA)
    counts.add(np.zeros(NUM_EXAMPLES), errors, members[:, None])
    looked = (
        truth[rng.choice(np.flatnonzero(side), AUDITED)].sum()
        for side in (members, ~members)
    )
    found, missed = map(int, looked)
    audit = SliceAudit(found, AUDITED, missed, AUDITED)
    one = with_audits(counts.results(), {"night": audit})["night"]
    return [
        tuple(
            metric.low <= true <= metric.high
            for metric in (getattr(one.audited, name), one.metrics[name])
        )
        for name, true in zip(METRICS, true_values(draw), strict=True)
    ]


@functools.cache
def true_values(draw: Any) -> Any:
    """Returns what the metrics are among all that belong."""
    errors = 2 * draw(np.random.default_rng(0), 2_000_000) + 0.5
    root = np.sqrt((errors**2).mean())
    return np.abs(errors).mean(), root, errors.mean()


if __name__ == "__main__":
    main()
