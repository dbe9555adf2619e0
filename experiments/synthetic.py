"""Figure 4 of the paper: accuracy inside two small slices, method by method.

    python experiments/synthetic.py [--seeds 20] [--test 50000]
        [--snorkel-python PYTHON]

Every method has the same backbone, data, order of examples and budget. PYTHON
is of an environment that has Snorkel, whose classifier is trained beside ours
in the first setting. Writes a table and a picture to `docs/experiments/`.
"""

import os
import pathlib
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from kept_results import KeptResults
from methods import (
    ATTENTION_METHODS,
    BASELINE_METHODS,
    REFERENCE_METHODS,
    accuracies,
    scores,
    slice_aware,
)
from pages import READING, paired_table, parse_flags, write_page
from slice_figures import draw_slices
from synthetic_data import Problem, Setting, make_problem

from slice_tf.losses.recipe import PAPER

SETTINGS = {
    "displaced": Setting("Slicing functions are displaced discs"),
    "noise 40 %": Setting("40 % of the members are swapped", noise=0.4),
    "noise 80 %": Setting("80 % of the members are swapped", noise=0.8),
    "100 useless": Setting("Displaced, and 100 useless slices", useless=100),
}
METHODS = {
    **BASELINE_METHODS,
    **REFERENCE_METHODS,
    "SRAM, recipe paper": slice_aware(PAPER),
    "SRAM, recipe default": slice_aware(),
    "SRAM, 2 units an expert": slice_aware(units=2),
    **ATTENTION_METHODS,
}
# What is compared in the first setting alone: the others ask what noise and
# useless slices do to those that remain.
FIRST_ONLY = {
    *("HPS", "MANUAL", "MoE", "DP", "group DRO", "DFR"),
    "product attention, mean over members",
    "SRAM, 2 units an expert",
}
# What the picture shows; the table has all.
PICTURED = (
    *("VANILLA", "MANUAL", "MoE", "DP", "up-weighting", "group DRO", "JTT"),
    *("SRAM, recipe paper", "SRAM, recipe default"),
)
SNORKEL = "Snorkel's classifier"
OURS = ("SRAM, recipe default", "SRAM, 2 units an expert")


def main(argv: Sequence[str] | None = None) -> None:
    """Runs all methods on all settings and writes the page."""
    parser = parse_flags(__doc__.splitlines()[0])
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--snorkel-python")
    flags = parser.parse_args(argv)
    kept = KeptResults("synthetic")
    cells: dict[str, dict[str, Any]] = {}
    for name in flags.settings:
        problem = make_problem(SETTINGS[name], range(flags.seeds), flags.test)
        cells[name] = {}
        budget = f"{name}, {flags.seeds} seeds, {flags.test} points"
        for method in flags.methods:
            if method in FIRST_ONLY and name != flags.settings[0]:
                continue
            cells[name][method] = kept.get(
                f"{budget}: {method}",
                lambda: accuracies(METHODS[method], problem),  # noqa: B023
            )
        if flags.snorkel_python and name == flags.settings[0]:
            cells[name][SNORKEL] = kept.get(
                f"{budget}: {SNORKEL}",
                lambda: _snorkel(flags.snorkel_python, problem),  # noqa: B023
            )
        print("\n".join(paired_table(cells[name], "VANILLA")), flush=True)
    _write(cells, flags)


def _snorkel(python: str, problem: Problem) -> dict[str, Any]:
    """Returns how Snorkel's classifier does."""
    with tempfile.TemporaryDirectory() as directory:
        given, answer = (f"{directory}/{name}.npz" for name in ("in", "out"))
        np.savez(given, **vars(problem.train), test_points=problem.test.points)
        program = pathlib.Path(__file__).with_name("peer_snorkel.py")
        subprocess.run([python, str(program), given, answer], check=True)
        found = np.load(answer)
    accuracy = [
        scores(one == 1, problem, seed).tolist()
        for seed, one in enumerate(found["predicted"])
    ]
    return {"accuracy": accuracy, "parameters": int(found["parameters"])}


def _write(cells: Mapping[str, Mapping[str, Any]], flags: Any) -> None:
    words = (
        f"`python experiments/synthetic.py`: {flags.seeds} seeds, each with "
        "data of its own: 2,500 training, 1,250 held-out and "
        f"{flags.test:,} test points, true slices at test. "
        f"{READING} Backbone 2-13-13, experts of "
        "13 units, Adam 1e-3, batches of 64, 100 epochs for every method. "
        "MANUAL chooses among the multipliers 2, 20, 50 and 100 on the "
        "held-out points, and DFR trains its last layer on them. DP's "
        "sources are the given label and, inside each slice, its commonest "
        "label. `members x 5` is a plain model whose examples in any slice "
        "weigh five times as much. Parameters are those of training: folded, "
        "the default's are 333. The picture leaves out variants."
    )
    parts = {
        SETTINGS[name].title: paired_table(found, "VANILLA")
        for name, found in cells.items()
    }
    for name, found in cells.items():
        for rival in ("MoE", SNORKEL):
            if rival in found and set(OURS) <= set(found):
                pair = {key: found[key] for key in (rival, *OURS)}
                title = f"Against {rival}: {SETTINGS[name].title.lower()}"
                parts[title] = paired_table(pair, rival)
    title = "The paper's synthetic setting, all methods"
    write_page(flags.docs, "synthetic", title, words, parts)
    pictured = {
        name: {key: found[key] for key in PICTURED if key in found}
        | {key: found[key] for key in (SNORKEL,) if key in found}
        for name, found in cells.items()
    }
    draw_slices(flags.docs / "synthetic.svg", pictured)


if __name__ == "__main__":
    main()
