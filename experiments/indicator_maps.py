"""Figure 5 of the paper: what indicators learn of noisy slicing functions.

    python experiments/indicator_maps.py [--seeds 20]

A share of each slice's members is swapped for others at random. Draws where
the indicators of the first seed say "inside", and writes how well those of all
seeds rank points by the true slice, to `docs/experiments/`.
"""

import os
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from alike import train_alike
from methods import new_slice_aware
from pages import markdown, parse_flags, spread, write_page
from slice_figures import draw_maps
from synthetic_data import Problem, Setting, make_problem

NOISES = (0.0, 0.4, 0.8)
GRID = 81  # Points a side of a map.


def main(argv: Sequence[str] | None = None) -> None:
    """Trains at every noise and writes the page."""
    parser = parse_flags(__doc__.splitlines()[0])
    flags = parser.parse_args(argv)
    axis = np.linspace(-1, 1, GRID, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    rows = [["swapped", "s1", "s2"]]
    maps = {}
    for noise in NOISES:
        problem = make_problem(
            Setting("", noise=noise), range(flags.seeds), flags.test
        )
        trained = train_alike(new_slice_aware(), problem)
        everywhere = np.broadcast_to(grid, (flags.seeds, *grid.shape))
        q = trained.output("indicator_logits", everywhere)[0]
        maps[f"{noise:.0%} swapped"] = q.T.reshape(2, GRID, GRID)
        found = trained.output("indicator_logits", problem.test.points)
        areas = _areas(found, problem)
        rows.append([f"{noise:.0%}", *(spread(one) for one in areas.T)])
    words = (
        f"`python experiments/indicator_maps.py`: {flags.seeds} seeds, "
        f"{flags.test:,} test points. Members of each slice are swapped for "
        "others at random. The picture shows the first seed's indicators, "
        "probability of membership with classes balanced, and the true discs. "
        "The table has the area under the ROC curve, times 100, of indicators "
        "against the true slices, mean ± standard deviation over seeds."
    )
    title = "What indicators learn of noisy slicing functions"
    parts = {"Area under the ROC curve": markdown(rows)}
    write_page(flags.docs, "indicator_maps", title, words, parts)
    draw_maps(flags.docs / "indicator_maps.svg", maps)


def _areas(logits: Any, problem: Problem) -> Any:
    """Returns areas under the ROC curves in percent, `[seeds, slices]`."""
    inside = problem.test.membership
    ranks = logits.argsort(axis=1).argsort(axis=1) + 1.0
    members = inside.sum(axis=1)
    others = inside.shape[1] - members
    above = (ranks * inside).sum(axis=1) - members * (members + 1) / 2
    return 100 * above / (members * others)


if __name__ == "__main__":
    main()
