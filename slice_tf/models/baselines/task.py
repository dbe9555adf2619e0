"""What every baseline is trained on."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from slice_tf.models.probabilities import class_ids
from slice_tf.models.task_model import TaskModel
from slice_tf.schema import SliceSchema


def _adam() -> Any:
    return keras.optimizers.Adam(1e-3)


@dataclasses.dataclass(frozen=True)
class BaselineTask:
    """Data in memory, a backbone and a budget, the same for every baseline.

    Args:
        backbone: Makes a new backbone: a Keras model from a dict of features
            to `z` of shape `[batch, dim]`.
        schema: The slices.
        features: Arrays of the training examples.
        targets: Arrays `label` (integers) and `membership`.
        num_classes: Number of classes; 2 is a binary task.
        held_out: Features and targets on which choices are made, such as a
            multiplier; `None` makes them on the training examples.
        votes: What sources say of the label, integers of shape
            `[examples, sources]`, -1 where a source abstains; only data
            programming reads it, which makes votes of slices where it is
            `None`.
        epochs: Passes over the training examples of each model trained.
        batch_size: Examples a step.
        optimizer: Makes a new optimizer.
    """

    backbone: Callable[[], Any]
    schema: SliceSchema
    features: Mapping[str, np.ndarray]
    targets: Mapping[str, np.ndarray]
    num_classes: int = 2
    held_out: tuple[Any, Any] | None = None
    votes: npt.NDArray[np.integer[Any]] | None = None
    epochs: int = 10
    batch_size: int = 64
    optimizer: Callable[[], Any] = _adam

    @property
    def membership(self) -> np.ndarray:
        """Float32 membership of the training examples, base slice last."""
        return with_base(self.targets["membership"])

    @property
    def chosen_on(self) -> tuple[Any, Any]:
        """Features and targets on which choices are made."""
        return self.held_out or (self.features, self.targets)

    def fit(
        self,
        model: Any,
        weights: np.ndarray | None = None,
        rows: np.ndarray | None = None,
        **changes: Any,
    ) -> Any:
        """Trains a model and returns it.

        Args:
            model: A `TaskModel`, not compiled.
            weights: One weight an example.
            rows: Mask of the examples to train on; `None` takes all.
            **changes: Other `features` or `targets`.
        """
        features = changes.get("features", self.features)
        targets = changes.get("targets", self.targets)
        if rows is not None:
            features = {key: one[rows] for key, one in features.items()}
            targets = {key: one[rows] for key, one in targets.items()}
            weights = None if weights is None else weights[rows]
        model.compile(self.optimizer())
        model.fit(
            features,
            targets,
            sample_weight=weights,
            epochs=self.epochs,
            batch_size=self.batch_size,
            verbose=0,
        )
        return model


def with_base(membership: np.ndarray) -> np.ndarray:
    """Returns float32 membership with a column of ones, the base slice."""
    ones = np.ones((len(membership), 1), np.float32)
    return np.concatenate([membership.astype(np.float32), ones], axis=1)


def is_right(
    model: TaskModel, features: Any, targets: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Returns for each example whether a model predicts its label."""
    logits = model.predict(features, verbose=0)["logits"]
    predicted = keras.ops.convert_to_numpy(
        class_ids(keras.ops.convert_to_tensor(logits))
    )
    return np.asarray(predicted == targets["label"])


def accuracies(
    model: TaskModel, features: Any, targets: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Returns the accuracy of every slice, the base slice last.

    A slice without examples has the accuracy of the base slice.
    """
    right = is_right(model, features, targets).astype(np.float64)
    members = with_base(targets["membership"])
    sizes = members.sum(axis=0)
    scores = right @ members / np.maximum(sizes, 1)
    return np.where(sizes > 0, scores, right.mean())
