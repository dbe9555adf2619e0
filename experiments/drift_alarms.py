"""How often `find_drift` alarms without cause, and what it finds.

50 slices with shares of 0.2 to 30 %, spread evenly on the log scale; requests
of three examples on the mean, alike within a request; calibrated indicators;
three classes. Alarms are runs in which any slice moved while nothing had,
without margins and with the usual ones. Found are runs in which a slice whose
true share rose by half, or doubled, is named.

    python experiments/drift_alarms.py [--runs N]
"""

import argparse
import statistics

import numpy as np

from slice_tf.evaluation import render_table
from slice_tf.monitoring import TrafficCounts, find_drift

NUM_SLICES = 50
SHARES = np.geomspace(0.002, 0.3, NUM_SLICES)
NAMES = [f"s{i}" for i in range(NUM_SLICES)]
REQUESTS = (300, 1000, 10_000)
CHANGED = (20, 40)  # Slices of 1.6 and 12 %.
FACTORS = (1.5, 2.0)
SHARPNESS = 8.0  # Of the indicators.


def main() -> None:
    """Prints shares of runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()
    rng = np.random.default_rng(flags.seed)
    rows = [
        [f"{number:,}", *of_requests(rng, number, flags.runs)]
        for number in REQUESTS
    ]
    headers = ["requests", "alarms, no margins", "alarms", "too few, %"]
    headers += [
        f"{SHARES[i]:.1%} times {factor:g}: found"
        for i in CHANGED
        for factor in FACTORS
    ]
    print(render_table(headers, rows))


def of_requests(rng: np.random.Generator, number: int, runs: int) -> list[str]:
    """Returns the cells of a row."""
    tallies = np.zeros(3 + len(CHANGED) * len(FACTORS))
    for _ in range(runs):
        reference = draw(rng, SHARES, number)
        same = draw(rng, SHARES, number)
        bare = find_drift(same, reference, share_margin=0, prediction_margin=0)
        usual = find_drift(same, reference)
        few = np.mean([one.share.verdict == "too few" for one in usual[:-1]])
        tallies[:3] += has_moved(bare), has_moved(usual), 100 * few
        found = []
        for index in CHANGED:
            for factor in FACTORS:
                shares = SHARES.copy()
                shares[index] *= factor
                drift = find_drift(draw(rng, shares, number), reference)
                found.append(drift[index].share.verdict == "moved")
        tallies[3:] += found
    return [f"{one:.2f}" for one in tallies / runs]


def has_moved(drift) -> bool:
    """Tells whether any slice has."""
    return any(one.verdict == "moved" for one in drift)


def draw(
    rng: np.random.Generator, shares: np.ndarray, number: int
) -> TrafficCounts:
    """Returns counts of requests whose examples are alike."""
    sizes = rng.geometric(1 / 3, number)
    of_request = np.repeat(np.arange(number), sizes)
    common = rng.normal(size=(number, 1))[of_request]
    own = rng.normal(size=(len(of_request), NUM_SLICES))
    normal = statistics.NormalDist()
    cuts = [normal.inv_cdf(1 - share) for share in shares]
    distance = (common + own) / np.sqrt(2) - cuts
    q = 1 / (1 + np.exp(-SHARPNESS * distance))
    counts = TrafficCounts(NAMES, "probabilities", 3)
    counts.add(q, rng.dirichlet([1, 1, 1], len(q)), sizes.tolist())
    return counts


if __name__ == "__main__":
    main()
