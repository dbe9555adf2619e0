"""Figure 4 of the paper: accuracy inside two small slices, method by method.

    python experiments/synthetic.py [--seeds 20] [--test 50000]
        [--snorkel-python PYTHON]

Every method has the same backbone, data, order of examples and budget. Needs
JAX, which trains all seeds at once. PYTHON is of an environment that has
Snorkel, whose classifier is trained beside ours in the first setting. Writes a
table and a picture to `docs/experiments/`.
"""

import argparse
import dataclasses
import os
import pathlib
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from attention_forms import FORMS, ProductAttention
from many_seeds import Training, train_and_predict
from slice_figures import draw_slices
from synthetic_data import SETTINGS, Problem, make_problem

from slice_tf.evaluation.intervals import student_t
from slice_tf.losses.recipe import PAPER
from slice_tf.models import SliceAwareModel, VanillaModel, build_mlp
from slice_tf.schema import SliceSchema

DOCS = pathlib.Path(__file__).parent.parent / "docs" / "experiments"
UNITS = 13  # Backbone and experts, as in the paper's section 3.3.


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to train.

    Args:
        build: Takes the schema and the slices' rates and makes a model.
        member_weight: Weight of examples in any slice.
    """

    build: Callable[[SliceSchema, Any], Any]
    member_weight: float = 1.0


def vanilla(schema: SliceSchema, rates: Any) -> Any:
    """Returns the backbone with one head."""
    return VanillaModel(_backbone(), 2, schema)


def slice_aware(
    recipe: Any = "default", attention: type | None = None
) -> Callable[[SliceSchema, Any], Any]:
    """Returns a builder of the slice-aware model with another attention."""

    def build(schema: SliceSchema, rates: Any) -> Any:
        model = SliceAwareModel(
            _backbone(),
            schema,
            units=UNITS,
            recipe=recipe,
            slice_rates=rates,
        )
        if attention is not None:
            model.module.slice_attention.__class__ = attention
        return model

    return build


def _backbone() -> Any:
    return build_mlp({"point": ((2,), "float32")}, (UNITS, UNITS))


# The reference implementation averages an expert's loss over members, which
# is what dividing by the slice's rate does.
_PER_MEMBER = dataclasses.replace(PAPER, expert_rate_power=1.0)

METHODS = {
    "vanilla": Method(vanilla),
    "vanilla, members x 3": Method(vanilla, member_weight=3.0),
    "product attention, mean over members": Method(
        slice_aware(_PER_MEMBER, ProductAttention)
    ),
    "product attention, paper's losses": Method(
        slice_aware("paper", ProductAttention)
    ),
    "SRAM, recipe paper": Method(slice_aware("paper")),
    "SRAM, recipe default": Method(slice_aware()),
    **{
        f"default, attention: {name}": Method(slice_aware(attention=form))
        for name, form in FORMS.items()
    },
}


def main() -> None:
    """Runs all methods on all settings and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--test", type=int, default=50_000)
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS))
    parser.add_argument("--snorkel-python")
    flags = parser.parse_args()
    began = time.monotonic()
    accuracies = {}
    for name in flags.settings:
        problem = make_problem(
            SETTINGS[name], list(range(flags.seeds)), flags.test
        )
        accuracies[name] = {
            method: _accuracies(METHODS[method], problem, flags.seeds)
            for method in METHODS
        }
        if flags.snorkel_python and name == flags.settings[0]:
            predicted = _ask_snorkel(flags.snorkel_python, problem)
            accuracies[name]["Snorkel's classifier"] = _scores(
                predicted == 1, problem
            )
        print("\n".join(_table(accuracies[name])), flush=True)
    minutes = (time.monotonic() - began) / 60
    _write_page(accuracies, flags, minutes)


def _accuracies(method: Method, problem: Problem, num_seeds: int) -> Any:
    """Returns percent right, of shape `[seeds, (all, s1, s2)]`."""
    membership = problem.data.membership
    names = [f"slice_{i}" for i in range(membership.shape[2])]
    schema = SliceSchema.from_names(names)
    rates = membership.mean(axis=(0, 1))
    outputs = train_and_predict(
        lambda: method.build(schema, rates),
        problem.data,
        range(num_seeds),
        Training(),
        method.member_weight,
    )
    return _scores(outputs["logits"][..., 0] > 0, problem)


def _ask_snorkel(python: str, problem: Problem) -> Any:
    """Returns the classes that Snorkel's classifier predicts."""
    with tempfile.TemporaryDirectory() as directory:
        given, answer = (f"{directory}/{name}.npz" for name in ("in", "out"))
        np.savez(given, **vars(problem.data))
        program = pathlib.Path(__file__).with_name("peer_snorkel.py")
        subprocess.run([python, str(program), given, answer], check=True)
        return np.load(answer)["predicted"]


def _scores(says_one: Any, problem: Problem) -> Any:
    right = says_one == (problem.test_label == 1)
    members = problem.test_membership.astype(bool)
    parts = [np.ones_like(right), members[..., 0], members[..., 1]]
    return np.stack(
        [100 * (right & one).sum(axis=1) / one.sum(axis=1) for one in parts],
        axis=1,
    )


def _table(accuracies: dict[str, Any]) -> list[str]:
    rows = [
        "| method | overall | s1 | s2 | worst seed's worse slice "
        "| s1 against vanilla | s2 against vanilla |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, found in accuracies.items():
        means = [f"{m:.1f} ± {s:.1f}" for m, s in _moments(found)]
        gains = found[:, 1:] - accuracies["vanilla"][:, 1:]
        worst = found[:, 1:].min()
        cells = [*means, f"{worst:.1f}", *(_interval(g) for g in gains.T)]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def _moments(found: Any) -> list[tuple[float, float]]:
    return list(zip(found.mean(axis=0), found.std(axis=0, ddof=1), strict=True))


def _interval(gains: Any) -> str:
    """Returns the mean paired difference and its 95 % interval."""
    if not gains.any():
        return "-"
    quantile = student_t(np.array([len(gains) - 1.0]))[0]
    half = quantile * gains.std(ddof=1) / np.sqrt(len(gains))
    mean = gains.mean()
    return f"{mean:+.1f} [{mean - half:+.1f}, {mean + half:+.1f}]"


def _write_page(accuracies: Any, flags: Any, minutes: float) -> None:
    DOCS.mkdir(parents=True, exist_ok=True)
    lines = [
        "# The paper's synthetic setting",
        "",
        "`python experiments/synthetic.py`: "
        f"{flags.seeds} seeds, each with data of its own: 2,500 training and "
        f"{flags.test:,} test points, true slices at test. Accuracy in "
        "percent, mean ± standard deviation over seeds; differences are "
        "paired by seed, with 95 % intervals. Backbone 2-13-13, experts of "
        "13 units, Adam 1e-3, batches of 64, 100 epochs for every method. "
        f"Took {minutes:.0f} minutes.",
        "",
        "![Accuracy inside the two slices, method by method](synthetic.svg)",
    ]
    for name, found in accuracies.items():
        lines += ["", f"## {SETTINGS[name].title.capitalize()}", ""]
        lines += _table(found)
    (DOCS / "synthetic.md").write_text("\n".join(lines) + "\n")
    draw_slices(DOCS / "synthetic.svg", accuracies)


if __name__ == "__main__":
    main()
