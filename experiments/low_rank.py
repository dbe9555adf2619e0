"""Whether experts of low rank do as well as full ones, at many slices.

    python experiments/low_rank.py [--seeds 10] [--test 50000]

The paper's plane with 100 useless slices beside the two, experts of 13 units
on a backbone of 13, and of 128 on one of 128. Writes a table and a picture
to `docs/experiments/`.
"""

import os
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

from alike import compare
from kept_results import KeptResults
from methods import UNITS, new_slice_aware
from pages import READING, paired_table, parse_flags, write_page
from slice_figures import draw_slices
from synthetic_data import Setting, make_problem

from slice_tf.models.baselines.vanilla import new_vanilla

RANKS = (None, 8, 4)
WIDTHS = (UNITS, 128)  # of experts and of `z`
FULL = "full experts"


def main(argv: Sequence[str] | None = None) -> None:
    """Compares ranks and writes the page."""
    parser = parse_flags(__doc__.splitlines()[0], seeds=10)
    parser.add_argument("--widths", nargs="+", type=int, default=WIDTHS)
    parser.add_argument("--useless", type=int, default=100)
    flags = parser.parse_args(argv)
    kept = KeptResults("low_rank")
    setting = Setting("low rank", useless=flags.useless)
    problem = make_problem(setting, range(flags.seeds), flags.test)
    budget = f"{flags.seeds} seeds, {flags.test} points, {flags.useless}"
    cells: dict[str, dict[str, Any]] = {}
    for units in flags.widths:
        of_width = f"{budget}, experts of {units} units"
        found = compare(
            _makers(units),
            problem,
            kept,
            of_width,
            (UNITS, units),
            _groups(units, flags.seeds),
        )
        cells[f"experts of {units} units, {flags.seeds} seeds"] = found
    words = (
        f"`python experiments/low_rank.py`: {flags.test:,} test points, the "
        "two displaced slices of the paper's plane and "
        f"{flags.useless} useless ones. Backbone 2-13-h, experts of h units, "
        "default recipe. Parameters are those of training; folded, all ranks "
        f"are of one size. {READING}"
    )
    parts = {
        title.capitalize(): paired_table(found, FULL)
        for title, found in cells.items()
    }
    title = "Experts of low rank at many slices"
    write_page(flags.docs, "low_rank", title, words, parts)
    draw_slices(flags.docs / "low_rank.svg", cells)


def _groups(units: int, seeds: int) -> Sequence[Sequence[int]]:
    """Returns which seeds are trained, each group side by side.

    The wide take most of a minute a seed and gain nothing side by side: one
    by one, a run that stops loses one.
    """
    if units == UNITS:
        return [range(seeds)]
    return [[seed] for seed in range(seeds)]


def _makers(units: int) -> dict[str, Any]:
    ranked = {
        f"rank {rank}" if rank else FULL: new_slice_aware(
            units=units, rank=rank
        )
        for rank in RANKS
    }
    return {"VANILLA": new_vanilla, **ranked}


if __name__ == "__main__":
    main()
