"""How often the gate alarms without cause, and how often it sees a drop.

300 slices of 50 to 20,000 examples, spread evenly on the log scale; 4 % of
the examples change their verdict between baseline and candidate. In one
setting both models are equally good, in the other ten slices are truly 4
points worse: there, all that changes is lost. The same with slices that
overlap: drawn from one pool of examples, some within others, some copies; and
a harder one, where 8 % change in the worse slices and a quarter of it is won.
Beside the gate: what it would say without correction, and a rule that fails
on any drop of the point estimate beyond a point. The 300 tests may also be of
60 slices by each of five labels: one gate of all labels, or one for each.

    python experiments/gate_power.py [--runs N]
"""

import argparse
from typing import Any

import numpy as np

from slice_tf.evaluation import (
    Comparison,
    DataFacts,
    Metric,
    ModelFacts,
    Results,
    SliceResult,
    gate,
    render_table,
)
from slice_tf.schema import SliceSchema

NUM_SLICES, NUM_WORSE, NUM_LABELS = 300, 10, 5
CHANGED, DROP, ACCURACY = 0.04, 0.04, 0.9
NOTHING = Metric(0.0, 0.0, 0.0, 0, "ok")
POOL = 20_000


def main() -> None:
    """Prints a table for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--apart-only", action="store_true")
    flags = parser.parse_args()
    runs = flags.runs
    headers = [
        f"{runs} runs of {NUM_SLICES} slices",
        "equal: runs that fail",
        "equal: false slices a run",
        "worse: power",
        "power from 300 examples",
        "worse: share of alarms that are false",
    ]
    settings = {"apart": apart, "overlapping": overlapping, "harder": harder}
    for name, draw in list(settings.items())[: 1 if flags.apart_only else 3]:
        rows = [row(rule, runs, draw) for rule in RULES]
        print(f"Slices {name}\n{render_table(headers, rows)}\n")


def row(rule: str, runs: int, draw: Any) -> list[str]:
    """Simulates one rule."""
    rng = np.random.default_rng(0)
    alarms = np.array([RULES[rule](draw(rng, 0)).sum() for _ in range(runs)])
    found, false, large = 0, 0, []
    for _ in range(runs):
        cells = draw(rng, NUM_WORSE)
        failed = RULES[rule](cells)
        found += failed[:NUM_WORSE].sum()
        false += failed[NUM_WORSE:].sum()
        sizes = cells[:NUM_WORSE].sum(axis=(1, 2))
        large += failed[:NUM_WORSE][sizes >= 300].tolist()
    return [
        rule,
        f"{(alarms > 0).mean():.3f}",
        f"{alarms.mean():.2f}",
        f"{found / (runs * NUM_WORSE):.2f}",
        f"{np.mean(large):.2f}",
        f"{false / max(found + false, 1):.2f}",
    ]


def harder(rng: np.random.Generator, num_worse: int) -> Any:
    """Returns paired cells whose worse slices win examples, too."""
    return apart(rng, num_worse, won_if_worse=CHANGED / 2)


def apart(
    rng: np.random.Generator, num_worse: int, won_if_worse: float = 0.0
) -> Any:
    """Returns paired cells of slices that share no example."""
    sizes = np.exp(rng.uniform(np.log(50), np.log(20_000), NUM_SLICES))
    worse = np.arange(NUM_SLICES) < num_worse
    won = np.where(worse, won_if_worse, CHANGED / 2)
    lost = np.where(worse, won_if_worse + DROP, CHANGED / 2)
    both = ACCURACY - lost
    shares = np.stack([1 - both - won - lost, won, lost, both], axis=1)
    cells = rng.multinomial(sizes.astype(int), shares)
    return cells.reshape(-1, 2, 2)


def overlapping(rng: np.random.Generator, num_worse: int) -> Any:
    """Returns paired cells of slices of one pool of examples.

    Every third slice lies within the one before it, every third is nearly a
    copy of it. The worse ones are apart from the rest, so that no other slice
    is truly worse.
    """
    shares = np.exp(rng.uniform(np.log(50 / POOL), 0, NUM_SLICES))
    members = rng.random((POOL, NUM_SLICES)) < shares
    members[:, 1::3] = members[:, 0::3] & (rng.random((POOL, 1)) < 0.5)
    members[:, 2::3] = members[:, 0::3] ^ (rng.random((POOL, 1)) < 0.01)
    change = rng.choice(3, POOL, p=[1 - CHANGED, CHANGED / 2, CHANGED / 2])
    before = (rng.random(POOL) < ACCURACY) & (change != 1) | (change == 2)
    after = np.where(change == 1, True, np.where(change == 2, False, before))
    codes = np.eye(4)[2 * before + after].astype(np.float32)
    cells = (members.T.astype(np.float32) @ codes).astype(int)
    cells = cells.reshape(-1, 2, 2)
    cells[:num_worse] = apart(rng, NUM_WORSE)[:num_worse]
    return cells


def by_gate(cells: Any) -> Any:
    """Which slices the gate fails."""
    result = gate(*results_of(cells))
    return np.array([one.verdict == "FAIL" for one in result.slices[:-1]])


def by_gate_with_margin(cells: Any) -> Any:
    """Which slices the gate fails beyond a point."""
    result = gate(*results_of(cells), margin=0.01)
    return np.array([one.verdict == "FAIL" for one in result.slices[:-1]])


def by_gate_of_labels(cells: Any) -> Any:
    """Which tests one gate of all labels fails."""
    before, after = zip(*results_by_label(cells), strict=True)
    return _failed_by_label(gate(before, after).slices)


def by_gate_of_each(cells: Any) -> Any:
    """Which tests fail where each label has a gate of its own."""
    pairs = results_by_label(cells)
    return _failed_by_label([x for pair in pairs for x in gate(*pair).slices])


def results_by_label(cells: Any) -> list[tuple[Results, Results]]:
    """Returns two models' results by each label; worse slices are spread."""
    return [
        results_of(cells[i::NUM_LABELS], f"label[{i}]")
        for i in range(NUM_LABELS)
    ]


def _failed_by_label(slices: Any) -> Any:
    failed = np.array([x.verdict == "FAIL" for x in slices if x.name != "base"])
    return failed.reshape(NUM_LABELS, -1).T.reshape(-1)


def uncorrected(cells: Any) -> Any:
    """Which slices a single test would fail."""
    result = gate(*results_of(cells))
    return np.array([(one.p or 0) <= 0.05 for one in result.slices[:-1]])


def by_estimate(cells: Any) -> Any:
    """Which slices look more than a point worse."""
    drop = (cells[:, 1, 0] - cells[:, 0, 1]) / cells.sum(axis=(1, 2))
    return drop > 0.01


RULES = {
    "slice-tf gate": by_gate,
    "slice-tf gate, margin of 1 point": by_gate_with_margin,
    "one gate of five labels": by_gate_of_labels,
    "a gate for each of five labels": by_gate_of_each,
    "the same test, not corrected": uncorrected,
    "estimate more than 1 point down": by_estimate,
}


def results_of(cells: Any, label: str = "") -> tuple[Results, Results]:
    """Returns results of a baseline and a candidate, with these cells."""
    cells = np.concatenate([cells, cells.sum(axis=0, keepdims=True)])
    return results(cells, False, label), results(cells, True, label)


def results(cells: Any, paired: bool, label: str) -> Results:
    """Returns what the gate reads of an evaluation."""
    schema = SliceSchema.from_names([f"s{i}" for i in range(len(cells) - 1)])
    sizes = cells.sum(axis=(1, 2))
    right = cells[:, :, 1].sum(axis=1) if paired else cells[:, 1].sum(axis=1)
    slices = [
        SliceResult(
            name,
            int(size),
            0,
            {"accuracy": Metric(k / size, 0.0, 1.0, int(size), "ok")},
            Comparison(NOTHING, NOTHING, None, table.tolist())
            if paired
            else None,
        )
        for name, size, k, table in zip(
            (*schema.names, "base"), sizes, right, cells, strict=True
        )
    ]
    return Results(
        schema=schema,
        num_classes=2,
        floor=30,
        data=DataFacts("", "", 1, label),
        model=ModelFacts(),
        baseline=ModelFacts() if paired else None,
        slices=tuple(slices),
    )


if __name__ == "__main__":
    main()
