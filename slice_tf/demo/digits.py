"""Handwritten digits that come with scikit-learn, as a demonstration."""

import pathlib

import numpy as np

from slice_tf.data import Feature, FeatureSpec
from slice_tf.demo.digits_slices import NUM_REFERENCE, shuffled_digits
from slice_tf.demo.task import Task, mlp, write_shards

SPEC = FeatureSpec({"image": Feature("float32", (64,))}, "label", 10)
NUM_TRAIN = 800


def write(directory: pathlib.Path) -> None:
    """Writes 800 images to `train`, 700 to `test`, in shards.

    The 297 reference images of the job's classifier are in neither.
    """
    images, labels = shuffled_digits()
    columns = {
        "id": np.arange(len(labels)),
        "image": images,
        "label": labels.astype(np.int64),
    }
    train = slice(NUM_REFERENCE, NUM_REFERENCE + NUM_TRAIN)
    test = slice(NUM_REFERENCE + NUM_TRAIN, None)
    for part, rows, num_shards in (("train", train, 4), ("test", test, 2)):
        chosen = {key: column[rows] for key, column in columns.items()}
        write_shards(directory / part, chosen, num_shards)


def digits_task() -> Task:
    """Returns the task: which digit do 8 x 8 pixels show?"""
    return Task(
        name="digits",
        title="which digit do 8 x 8 pixels of handwriting show?",
        functions=("slice_tf.demo.digits_slices:DIGIT_SLICES",),
        spec=SPEC,
        write=write,
        backbone=mlp(SPEC, 16),
        expert_units=16,
        epochs=60,
    )
