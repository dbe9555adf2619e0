"""What more slices do: 1 to 300, useful and not, with and without options.

    python experiments/number_of_slices.py [--seeds 20] [--test 50000]

The two displaced slices come first; the others are discs at random places
without a label of their own. Writes a table and a picture to
`docs/experiments/`.
"""

import os
from collections.abc import Sequence

os.environ.setdefault("KERAS_BACKEND", "jax")

from alike import compare
from kept_results import KeptResults
from methods import new_slice_aware
from pages import parse_flags, write_curves
from synthetic_data import Setting, make_problem

from slice_tf.losses.recipe import PAPER
from slice_tf.models.baselines.vanilla import new_vanilla

NUMBERS = (1, 2, 10, 30, 100, 300)
MAKERS = {
    "VANILLA": new_vanilla,
    "default": new_slice_aware(),
    "base indicator learned": new_slice_aware(base_indicator="learned"),
    "indicators not balanced": new_slice_aware(balance_indicators=False),
    "members weigh 1": new_slice_aware(member_weight=1.0),
    "recipe paper": new_slice_aware(PAPER),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Trains every number and writes the page."""
    parser = parse_flags(__doc__.splitlines()[0])
    parser.add_argument("--numbers", nargs="+", type=int, default=NUMBERS)
    flags = parser.parse_args(argv)
    kept, cells = KeptResults("number_of_slices"), {}
    for number in flags.numbers:
        setting = Setting(
            "", named=min(number, 2), other_discs=max(number - 2, 0)
        )
        problem = make_problem(setting, range(flags.seeds), flags.test)
        budget = f"{number} slices, {flags.seeds} seeds, {flags.test} points"
        cells[number] = compare(MAKERS, problem, kept, budget)
    words = (
        f"`python experiments/number_of_slices.py`: {flags.seeds} seeds, "
        f"{flags.test:,} test points. The first two slices are the paper's, "
        "displaced, and alone have a label of their own; the others are discs "
        "at random places, of radius 0.1 to 0.2. With one slice, s2 has no "
        "slicing function. Backbone 2-13-13, experts of 13 units; each row "
        "but the last takes one option out of the default recipe."
    )
    write_curves(
        flags.docs,
        "number_of_slices",
        "What more slices do",
        words,
        cells,
        heading="Number of slices: {}",
        along="number of slices",
    )


if __name__ == "__main__":
    main()
