"""The paper's Figure 1 setting, as a demonstration."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slice_tf.data import Feature, FeatureSpec
from slice_tf.demo.synthetic_slices import (
    NOISY_DISCS,
    TRUE_SLICES,
    in_disc,
    true_labels,
    true_membership,
)
from slice_tf.demo.task import Task, mlp, write_shards
from slice_tf.evaluation import to_probabilities

SPEC = FeatureSpec({"point": Feature("float32", (2,))}, "label", 2)
NUM_TRAIN = 2_500
GRID = 201  # Points a side of the picture's decision regions.
NUM_TEST = 20_000  # The paper's 1,250 hold 34 and 16 slice members: too few.


def draw_points(num_points: int, seed: int) -> Any:
    """Returns points in the square from -1 to 1, float32 `[n, 2]`."""
    rng = np.random.default_rng([seed, num_points])
    return rng.uniform(-1.0, 1.0, (num_points, 2)).astype(np.float32)


def write(directory: pathlib.Path) -> None:
    """Writes the points as shards of `train` and `test`."""
    for part, total, num_shards in (
        ("train", NUM_TRAIN, 2),
        ("test", NUM_TEST, 4),
    ):
        points = draw_points(total, seed=0)
        columns = {"point": points, "label": true_labels(points)}
        write_shards(directory / part, columns, num_shards)


def _true_membership(features: Mapping[str, Any]) -> Any:
    return true_membership(features["point"])


def draw(
    path: pathlib.Path, pairs: Sequence[Any], comparisons: Sequence[Any]
) -> None:
    """Draws the paper's Figure 1 of the first seed's models, SVG and PNG."""
    from slice_tf.report import Disc, Regions, Scene, draw_figure1

    points = draw_points(NUM_TRAIN, seed=0)
    votes = [in_disc(points, at, size) for at, size in NOISY_DISCS.values()]
    slices = {
        name: Disc(centre, radius)
        for name, (centre, radius, _) in TRUE_SLICES.items()
    }
    scene = Scene(points, true_labels(points), np.stack(votes, axis=1), slices)
    axis = np.linspace(-1.0, 1.0, GRID, dtype=np.float32)
    first = pairs[0]
    regions = Regions(
        axis, _on_grid(first.vanilla, axis), _on_grid(first.slice_aware, axis)
    )
    accuracies = {
        name: (one.accuracy_a, one.accuracy_b)
        for name, one in zip((*slices, "all"), comparisons, strict=True)
    }
    note = f"percent of {NUM_TEST:,} test points, mean of {len(pairs)} seeds"
    for suffix in (".svg", ".png"):
        draw_figure1(path.with_suffix(suffix), scene, regions, accuracies, note)


def _on_grid(model: Any, axis: Any) -> Any:
    """Returns probabilities of class 1, of shape `[grid, grid]`."""
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    outputs = model.predict({"point": points}, batch_size=4096, verbose=0)
    probabilities = to_probabilities(outputs["logits"], SPEC.num_classes)
    return probabilities[:, 1].reshape(len(axis), len(axis))


def synthetic_task() -> Task:
    """Returns the task: on which side of a perturbed line is a point?

    Backbone and expert widths are the paper's (section 3.3).
    """
    return Task(
        name="synthetic",
        title="the paper's Figure 1: a line, perturbed in two small slices",
        functions=("slice_tf.demo.synthetic_slices:SYNTHETIC_SLICES",),
        spec=SPEC,
        write=write,
        backbone=mlp(SPEC, 13, 13),
        expert_units=13,
        epochs=100,
        true_membership=_true_membership,
        draw=draw,
    )
