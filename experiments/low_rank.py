"""Whether experts of low rank do as well as full ones, at many slices.

    python experiments/low_rank.py [--seeds 10] [--test 50000]

The paper's plane with 100 useless slices beside the two, experts of 13 units
on a backbone of 13, and of 128 on one of 128. Writes a table and a picture to
`docs/experiments/`.
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

# Width of experts and of `z`, the ranks compared, and how many seeds.
WIDTHS = {UNITS: (None, 8, 4), 128: (None, 16, 8, 4)}
FULL = "full experts"


def main(argv: Sequence[str] | None = None) -> None:
    """Compares ranks and writes the page."""
    parser = parse_flags(__doc__.splitlines()[0], seeds=10)
    parser.add_argument("--widths", nargs="+", type=int, default=list(WIDTHS))
    parser.add_argument("--useless", type=int, default=100)
    flags = parser.parse_args(argv)
    kept = KeptResults("low_rank")
    setting = Setting("low rank", useless=flags.useless)
    problem = make_problem(setting, range(flags.seeds), flags.test)
    budget = f"{flags.seeds} seeds, {flags.test} points, {flags.useless}"
    cells: dict[str, dict[str, Any]] = {}
    for units in flags.widths:
        title = f"experts of {units} units"
        cells[title] = compare(
            _makers(units),
            problem,
            kept,
            f"{budget}, {title}",
            (UNITS, units),
        )
    words = (
        f"`python experiments/low_rank.py`: {flags.seeds} seeds, "
        f"{flags.test:,} test points, the two displaced slices of the paper's "
        f"plane and {flags.useless} useless ones. Backbone 2-13-h, experts of "
        "h units, default recipe. Parameters are those of training; folded, "
        f"all ranks are of one size. {READING}"
    )
    parts = {
        title.capitalize(): paired_table(found, FULL)
        for title, found in cells.items()
    }
    write_page(
        flags.docs,
        "low_rank",
        "Experts of low rank at many slices",
        words,
        parts,
    )
    draw_slices(flags.docs / "low_rank.svg", cells)


def _makers(units: int) -> dict[str, Any]:
    ranked = {
        f"rank {rank}" if rank else FULL: new_slice_aware(
            units=units, rank=rank
        )
        for rank in WIDTHS[units]
    }
    return {"VANILLA": new_vanilla, **ranked}


if __name__ == "__main__":
    main()
