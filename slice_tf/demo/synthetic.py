"""The paper's Figure 1 setting, as a demonstration."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf.data import Feature, FeatureSpec
from slice_tf.demo.synthetic_slices import true_labels, true_membership
from slice_tf.demo.task import Task, mlp, write_shards

SPEC = FeatureSpec({"point": Feature("float32", (2,))}, "label", 2)
NUM_TRAIN = 2_500
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
    )
