"""Handwritten digits that come with scikit-learn, as a demonstration.

The images are real. One thing is planted, so that there is a slice with rules
of its own: 8 % of the sheets went through a scanner that turns them around,
and only the scanning room's log says which.
"""

import pathlib
from typing import Any

import numpy as np

from slice_tf.data import Feature, FeatureSpec
from slice_tf.demo.digits_slices import (
    INK,
    NUM_REFERENCE,
    scanner_log,
    shuffled_digits,
)
from slice_tf.demo.task import Task, write_shards

SPEC = FeatureSpec({"image": Feature("float32", (64,))}, "label", 10)
NUM_TRAIN = 800


def scanned_digits() -> dict[str, Any]:
    """Returns `id`, `image` and `label` of all digits, as columns."""
    images, labels = shuffled_digits()
    turned = np.array([machine == "B" for machine in scanner_log().values()])
    return {
        "id": np.arange(len(labels)),
        # Half a turn reverses the order of all pixels.
        "image": np.where(turned[:, None], images[:, ::-1], images),
        "label": labels.astype(np.int64),
    }


def write(directory: pathlib.Path) -> None:
    """Writes 800 images to `train`, 700 to `test`, in shards.

    The 297 reference images of the job's classifier are in neither.
    """
    columns = scanned_digits()
    train = slice(NUM_REFERENCE, NUM_REFERENCE + NUM_TRAIN)
    test = slice(NUM_REFERENCE + NUM_TRAIN, None)
    for part, rows, num_shards in (("train", train, 4), ("test", test, 2)):
        chosen = {key: column[rows] for key, column in columns.items()}
        write_shards(directory / part, chosen, num_shards)


def build_backbone(spec: FeatureSpec = SPEC) -> Any:
    """Returns one dense layer with dropout, from 64 pixels to 64 units.

    Args:
        spec: What `slice-tf train --backbone` says the model reads: an image.
    """
    import keras

    del spec

    image = keras.Input((64,), name="image")
    scaled = keras.layers.Rescaling(1 / INK)(image)
    hidden = keras.layers.Dense(64, activation="relu")(scaled)
    return keras.Model({"image": image}, keras.layers.Dropout(0.5)(hidden))


def digits_task() -> Task:
    """Returns the task: which digit do 8 x 8 pixels show?"""
    return Task(
        name="digits",
        title="which digit do 8 x 8 pixels of handwriting show?",
        functions=("slice_tf.demo.digits_slices:DIGIT_SLICES",),
        spec=SPEC,
        write=write,
        backbone=build_backbone,
        expert_units=64,
        epochs=100,  # Both models have converged: more changes neither.
        learning_rate=3e-3,
    )
