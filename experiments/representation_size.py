"""Figure 4, right, of the paper: quality against the size of representations.

    python experiments/representation_size.py [--seeds 20] [--test 50000]

The displaced slices, backbones 2-h-h and experts of h units. DP is trained on
votes of slices and the label. Writes a table and a picture to
`docs/experiments/`.
"""

import os
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from alike import train_alike
from kept_results import KeptResults
from methods import new_slice_aware
from pages import parse_flags, write_curves
from synthetic_data import Problem, Setting, make_problem

from slice_tf.models.baselines.data_programming import votes_of_slices
from slice_tf.models.baselines.label_model import fit_label_model
from slice_tf.models.baselines.vanilla import new_vanilla

SIZES = (2, 4, 8, 13, 26, 52)


def main(argv: Sequence[str] | None = None) -> None:
    """Trains every size and writes the page."""
    parser = parse_flags(__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    flags = parser.parse_args(argv)
    setting = Setting("displaced")
    problem = make_problem(setting, range(flags.seeds), flags.test)
    kept = KeptResults("representation_size")
    soft, cells = _soft_labels(problem), {}
    for size in flags.sizes:
        budget = f"h = {size}, {flags.seeds} seeds, {flags.test} points"
        cells[size] = {
            name: kept.get(
                f"{budget}: {name}",
                lambda: train_alike(
                    make,  # noqa: B023
                    problem,
                    (size, size),  # noqa: B023
                    labels,  # noqa: B023
                ).accuracies(problem),
            )
            for name, (make, labels) in {
                "VANILLA": (new_vanilla, None),
                "DP": (new_vanilla, soft),
                "SRAM": (new_slice_aware(units=size), None),
            }.items()
        }
    words = (
        f"`python experiments/representation_size.py`: {flags.seeds} seeds, "
        f"{flags.test:,} test points, the two displaced slices. Backbone "
        "2-h-h, experts of h units, default recipe. DP's sources are the "
        "label and, inside each slice, its commonest label. `parameters` are "
        "those of training; folded, the slice-aware model of h = 13 has 333."
    )
    write_curves(
        flags.docs,
        "representation_size",
        "Quality against the size of representations",
        words,
        cells,
        heading="h = {}",
        along="parameters",
    )


def _soft_labels(problem: Problem) -> Any:
    """Returns what data programming learns, `[seeds, examples, 2]`."""
    train = problem.train
    soft = []
    for membership, labels in zip(train.membership, train.label, strict=True):
        votes = votes_of_slices(membership, labels, 2)
        balance = 1 + np.bincount(labels, minlength=2)
        soft.append(fit_label_model(votes, 2, balance).probabilities(votes))
    return np.stack(soft)


if __name__ == "__main__":
    main()
