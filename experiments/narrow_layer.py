"""What a narrow layer between the trunk and many slices costs in accuracy.

    python experiments/narrow_layer.py [--seeds 10] [--test 50000]

The paper's plane with 100 more slices beside the two, of use and of none, on a
trunk of 256 units. Writes a table and a picture to `docs/experiments/`.
"""

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
from alike import compare
from kept_results import KeptResults
from methods import Method, new_slice_aware
from pages import READING, paired_table, parse_flags, write_page
from slice_figures import draw_slices
from synthetic_data import Setting, make_problem

from slice_tf.models.baselines.vanilla import new_vanilla

TRUNK, NARROW, EXPERTS = (64, 256), 64, 8
WIDE = "no narrow layer"


def main(argv: Sequence[str] | None = None) -> None:
    """Compares layers and writes the page."""
    parser = parse_flags(__doc__.splitlines()[0], seeds=10)
    parser.add_argument("--slices", type=int, default=100)
    parser.add_argument("--kinds", nargs="+", default=("discs", "useless"))
    flags = parser.parse_args(argv)
    more = flags.slices
    kept, cells = KeptResults("narrow_layer"), {}
    settings = {
        "discs": Setting(f"{more} other discs", other_discs=more),
        "useless": Setting(f"{more} useless slices", useless=more),
    }
    for kind in flags.kinds:
        setting = settings[kind]
        problem = make_problem(setting, range(flags.seeds), flags.test)
        budget = f"{setting.title}, {flags.seeds} seeds, {flags.test} points"
        one_by_one = [[seed] for seed in range(flags.seeds)]
        cells[setting.title] = compare(
            _makers(), problem, kept, budget, TRUNK, one_by_one
        )
    words = (
        f"`python experiments/narrow_layer.py`: {flags.seeds} seeds, "
        f"{flags.test:,} test points, the two displaced slices of the paper's "
        f"plane and {more} more. Backbone 2-{TRUNK[0]}-{TRUNK[1]}, "
        f"experts of {EXPERTS} units, narrow layers of {NARROW}, default "
        'recipe. "Experts alone": indicators read what the trunk gives. '
        f"Parameters are those of training. {READING}"
    )
    parts = {
        title.capitalize(): paired_table(found, WIDE)
        for title, found in cells.items()
    }
    title = "A narrow layer before the slices"
    write_page(flags.docs, "narrow_layer", title, words, parts)
    draw_slices(flags.docs / "narrow_layer.svg", cells)


def _makers() -> dict[str, Method]:
    return {
        "VANILLA": new_vanilla,
        WIDE: new_slice_aware(units=EXPERTS),
        "linear": _behind(None, experts_alone=False),
        "linear, experts alone": _behind(None, experts_alone=True),
        "ReLU": _behind("relu", experts_alone=False),
        "ReLU, experts alone": _behind("relu", experts_alone=True),
    }


def _behind(activation: str | None, *, experts_alone: bool) -> Method:
    """Returns what makes slice-aware models behind a narrow layer."""

    def make(task: Any) -> Any:
        backbone = _narrowed(task.backbone, activation, experts_alone)
        return new_slice_aware(units=EXPERTS)(
            dataclasses.replace(task, backbone=backbone)
        )

    return make


def _narrowed(
    trunk: Callable[[], Any], activation: str | None, experts_alone: bool
) -> Callable[[], Any]:
    def backbone() -> Any:
        wide = trunk()
        # ReLU drops half of what passes; where it does not follow, a bias is
        # one with those of the experts.
        layer = keras.layers.Dense(
            NARROW, activation, use_bias=activation is not None
        )
        z = layer(wide.output)
        outputs = {"z": z, "indicator_features": wide.output}
        return keras.Model(wide.input, outputs if experts_alone else z)

    return backbone


if __name__ == "__main__":
    main()
