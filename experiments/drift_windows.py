"""How often nightly looks at days alarm without cause, and what they find.

20 slices with shares of 1 to 30 %; 500 requests a day of two examples that are
alike; 14 days of reference, then 30 nights, each of which looks at all days so
far. Days differ by chance alone, or also in the share of each slice, by 15 %
(one standard deviation). Of a slice of 5 %, the share then doubles
on the 16th day, and it counts as found when its share is said to have moved.

    python experiments/drift_windows.py [--runs N]
"""

import argparse
import statistics

import numpy as np

from slice_tf.evaluation import render_table
from slice_tf.monitoring import (
    TrafficCounts,
    drift_by_window,
    find_drift,
    latest_drift,
    merge_windows,
)

NUM_SLICES, REQUESTS, SIZE = 20, 500, 2
SHARES = np.geomspace(0.01, 0.3, NUM_SLICES)
NAMES = [f"s{i}" for i in range(NUM_SLICES)]
REFERENCE_DAYS, NIGHTS = 14, 30
CHANGED, CHANGED_ON, FACTOR = 9, 15, 2.0
SHARPNESS = 8.0  # Of the indicators.
NO_MARGINS = {"share_margin": 0.0, "prediction_margin": 0.0}


def main() -> None:
    """Prints shares of runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()
    rows = []
    for spread in (0.0, 0.15):
        for by_day in (False, True):
            rng = np.random.default_rng(flags.seed)
            runs = [one_run(rng, spread, by_day) for _ in range(flags.runs)]
            told = np.array(runs, float)
            cells = [f"{one:.2f}" for one in told[:, :5].mean(axis=0)]
            found = told[told[:, 4] > 0]
            middle = ["-", "-"]
            if len(found):
                middle = [f"{one:.0f}" for one in np.median(found[:, 5:], 0)]
            rows.append(
                [
                    f"{spread:.0%}",
                    "by day" if by_day else "as a whole",
                    *cells,
                    *middle,
                ]
            )
    headers = ["days vary by", "reference", "each night alone, no margins"]
    headers += ["all days, no margins", "each night alone", "all days"]
    headers += ["rise found", "after nights", "days off"]
    print(render_table(headers, rows))


def one_run(
    rng: np.random.Generator, spread: float, by_day: bool
) -> list[float]:
    """Returns four times whether any night alarmed without cause.

    And whether the rise was found, after how many nights, and by how many
    days it was said to have begun too early or too late.
    """
    usual = {f"2026-01-{i + 1:02d}": day(rng, spread) for i in range(14)}
    reference = usual if by_day else {"": merge_windows(usual)}
    whole = merge_windows(usual)
    same, risen = {}, {}
    alarms = np.zeros(4, bool)
    found, nights, off = 0.0, np.nan, np.nan
    for night in range(NIGHTS):
        start = f"2026-02-{night + 1:02d}"
        same[start] = day(rng, spread)
        alone = [
            find_drift(same[start], whole, **one) for one in (NO_MARGINS, {})
        ]
        looks = [
            latest_drift(drift_by_window(same, reference, **one))
            for one in (NO_MARGINS, {})
        ]
        alarms |= [
            has_moved(one) for one in (alone[0], looks[0], alone[1], looks[1])
        ]
        factor = FACTOR if night >= CHANGED_ON else 1.0
        risen[start] = day(rng, spread, factor)
        if night >= CHANGED_ON and not found:
            latest = latest_drift(drift_by_window(risen, reference))
            share = latest[CHANGED].share
            if share.verdict == "moved":
                began = int(share.since[-2:]) - 1
                found, nights = 1.0, night - CHANGED_ON + 1
                off = abs(began - CHANGED_ON)
    return [*alarms, found, nights, off]


def has_moved(drift) -> bool:
    """Tells whether any slice has."""
    return any(one.verdict == "moved" for one in drift)


def day(
    rng: np.random.Generator, spread: float, factor: float = 1.0
) -> TrafficCounts:
    """Returns counts of a day's requests, whose examples are alike."""
    shares = SHARES * np.exp(rng.normal(0, spread, NUM_SLICES))
    shares[CHANGED] *= factor
    common = np.repeat(rng.normal(size=(REQUESTS, 1)), SIZE, axis=0)
    own = rng.normal(size=(REQUESTS * SIZE, NUM_SLICES))
    normal = statistics.NormalDist()
    cuts = [normal.inv_cdf(1 - min(0.9, share)) for share in shares]
    distance = (common + own) / np.sqrt(2) - cuts
    q = 1 / (1 + np.exp(-SHARPNESS * distance))
    counts = TrafficCounts(NAMES, "probabilities", 3)
    counts.add(q, rng.dirichlet([1, 1, 1], len(q)), [SIZE] * REQUESTS)
    return counts


if __name__ == "__main__":
    main()
