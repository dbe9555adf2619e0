"""Figure 3 of the paper: what each part of the attention is worth.

    python experiments/attention.py [--seeds 20] [--test 50000]

Four discs at random places, all of the wrong label. Attention is the same for
all experts, by indicators, by confidence, or by both as in the paper. Writes a
table and a picture to `docs/experiments/`.
"""

import os
from collections.abc import Sequence

os.environ.setdefault("KERAS_BACKEND", "jax")

from alike import compare
from attention_forms import FORMS
from kept_results import KeptResults
from methods import new_slice_aware
from pages import READING, paired_table, parse_flags, write_page
from slice_figures import draw_slices
from synthetic_data import Setting, make_problem, random_discs

from slice_tf.models.baselines.vanilla import new_vanilla

SETTING = Setting("Four random slices", discs=random_discs(4, radius=0.15))
SLICES = ("s1", "s2", "s3", "s4")
MAKERS = {
    "VANILLA": new_vanilla,
    **{name: new_slice_aware(attention=form) for name, form in FORMS.items()},
    "both": new_slice_aware(),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Trains with every attention and writes the page."""
    flags = parse_flags(__doc__.splitlines()[0]).parse_args(argv)
    problem = make_problem(SETTING, range(flags.seeds), flags.test)
    budget = f"{flags.seeds} seeds, {flags.test} points"
    cells = compare(MAKERS, problem, KeptResults("attention"), budget)
    words = (
        f"`python experiments/attention.py`: {flags.seeds} seeds, each with "
        "four discs of radius 0.15 at random places, 2,500 training and "
        f"{flags.test:,} test points. Slicing functions look half a radius "
        "beside each disc. Backbone 2-13-13, experts of 13 units, default "
        f"recipe but for the attention. {READING}"
    )
    parts = {
        "Against no slices": paired_table(cells, "VANILLA", SLICES),
        "Against both parts": paired_table(cells, "both", SLICES),
    }
    title = "What each part of the attention is worth"
    write_page(flags.docs, "attention", title, words, parts)
    draw_slices(flags.docs / "attention.svg", {SETTING.title: cells}, SLICES)


if __name__ == "__main__":
    main()
