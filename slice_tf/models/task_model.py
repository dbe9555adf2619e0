"""What all models of a sliced task share."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from slice_tf.layers.checks import check_num_classes, check_rank
from slice_tf.metrics.slice_accuracy import SliceAccuracy
from slice_tf.metrics.slice_rmse import SliceRMSE
from slice_tf.models.backbone import (
    both_outputs,
    check_backbone,
    describe,
    output_shapes,
    select_features,
    symbolic,
)
from slice_tf.models.check_arrays import check_labels, check_membership
from slice_tf.models.log_slices import (
    MOST_SHOWN,
    LogSlices,
    ShortProgress,
    slice_logs,
)
from slice_tf.models.reduction import (
    batch_mean,
    example_weights,
    share_of_replica,
)
from slice_tf.models.scores import compared_per_slice, compared_with_label
from slice_tf.models.targets import Targets, check_label, read_targets
from slice_tf.schema import SliceSchema
from slice_tf.tasks import TASKS


class TaskModel(keras.Model):
    """A model that is scored per slice and brings its own losses.

    A subclass sets `self.module`, a layer from `z` to a dict with `logits`,
    and says in `loss_parts` what is minimised.

    Args:
        backbone: A Keras model from a dict of features to `z`, of shape
            `[batch, dim]`; or to a dict of `z` and `indicator_features`,
            which a slice-aware model's indicators read instead.
        schema: The slices, or `None` to score the base slice alone.
        num_classes: Number of classes, or of labels of a multi-label task;
            `None` for a number. 2 classes are a binary task.
        task: One of the class's `tasks`.

    Raises:
        TypeError: If an argument is of another type.
        ValueError: If the class has no such task, or not of that many
            classes.
    """

    tasks: tuple[str, ...] = ("classification",)

    def __init__(
        self,
        backbone: Any,
        schema: SliceSchema | None,
        num_classes: int | None,
        task: str = "classification",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if task in TASKS and task not in self.tasks:
            raise ValueError(
                f"`task` must be one of {', '.join(self.tasks)}, because "
                f"{type(self).__name__} has no loss for another. "
                f"Received: task={task!r}"
            )
        if schema is not None and not isinstance(schema, SliceSchema):
            raise TypeError(
                "`schema` must be a `SliceSchema`. "
                f"Received: type={type(schema).__name__}. Make one with "
                "`SliceSchema.load(directory)` or `SliceSchema.from_names`."
            )
        self.backbone = check_backbone(backbone)
        self.schema = schema
        self.num_classes, self.task = check_num_classes(num_classes, task), task
        self.feature_specs: Any = None  # What a first call has seen.
        names = schema.names if schema else ()
        self.slice_metric: Any
        if task == "regression":
            self.slice_metric = SliceRMSE(names)
        else:
            self.slice_metric = self.slice_accuracy = SliceAccuracy(names)

    def build_from_backbone(self) -> None:
        """Makes the weights now where the backbone says how wide `z` is."""
        shapes = output_shapes(self.backbone)
        if shapes is not None:
            check_rank("backbone output", shapes[0], "[batch, dim]")
            self._build_module(*shapes)
            self.built = True

    def _build_module(self, z_shape: Any, indicator_shape: Any) -> None:
        del indicator_shape
        self.module.build(z_shape)

    def call(self, features: Any, training: bool | None = None) -> Any:
        return self.module(self.represent(features, training))

    def represent(self, features: Any, training: bool | None = None) -> Any:
        """Returns what the backbone makes of features: `[batch, dim]`."""
        return self.read_backbone(features, training)[0]

    def read_backbone(
        self, features: Any, training: bool | None = None
    ) -> tuple[Any, Any]:
        """Returns `z` and what indicators read instead of it, or `None`."""
        chosen = select_features(self.backbone, features)
        if self.feature_specs is None:
            self.feature_specs = describe(chosen)
        return both_outputs(self.backbone(chosen, training=training))

    @property
    def num_slices(self) -> int:
        """Length of the slice axis, the base slice not counted."""
        return self.schema.num_slices if self.schema else 0

    def get_build_config(self) -> dict[str, Any]:
        return {"features": self.feature_specs}

    def build_from_config(self, config: dict[str, Any]) -> None:
        # A functional backbone was enough to build everything.
        if not self.built and config["features"] is not None:
            self(symbolic(config["features"]))

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Configures training.

        Args:
            optimizer: As in Keras.
            loss: Must be `None`.
            loss_weights: Must be `None`.
            metrics: As in Keras. They score the probabilities of the final
                prediction (of shape `[batch, 1]`, class 1, for a binary task;
                else `[batch, classes]` or `[batch, labels]`), or the number
                predicted (`[batch, 1]`), against `label`: `["accuracy"]`,
                `[keras.metrics.AUC()]`.
            weighted_metrics: The same, weighted by `sample_weight`.
            **kwargs: Further arguments of `keras.Model.compile`.

        Raises:
            ValueError: If a loss is passed; the model brings its own.
        """
        given = {"loss": loss, "loss_weights": loss_weights}
        for name, value in given.items():
            if value is not None:
                raise ValueError(
                    f"`{name}` must not be passed, because the model brings "
                    f"its own losses. Received: {name}={value}. Choose among "
                    "them with `recipe`, or weigh examples with "
                    "`sample_weight`."
                )
        super().compile(
            optimizer=optimizer,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            **kwargs,
        )

    def get_compile_config(self) -> dict[str, Any]:
        config = super().get_compile_config()
        if config:
            config["optimizer_built"] = self.optimizer.built
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        # A model that was compiled but never trained has an optimizer without
        # slots; Keras warns if it finds fewer in the file than it has made.
        config = dict(config)
        optimizer_built = config.pop("optimizer_built", True)
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built and optimizer_built:
            self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Trains as `keras.Model.fit` does; checks targets that are arrays.

        Logs of an epoch hold a number a slice; what is printed does where
        there are at most ten.

        Raises:
            ValueError: If membership is neither 0 nor 1, or a label is of no
                class.
        """
        check_labels(y, self.num_classes, self.task)
        check_membership(y, self.schema.names if self.schema else ())
        callbacks = [LogSlices(), *keras.tree.flatten(callbacks or [])]
        if verbose and self.num_slices > MOST_SHOWN:
            callbacks.append(ShortProgress())
        return super().fit(
            x, y, batch_size, epochs, verbose, callbacks, **kwargs
        )

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Scores as `keras.Model.evaluate` does.

        With `return_dict=True` there is also a number a slice.
        """
        result = super().evaluate(*args, **kwargs)
        if isinstance(result, dict):
            result.update(slice_logs(self))
        return result

    def loss_parts(self, outputs: Any, targets: Targets) -> dict[str, Any]:
        """Returns losses to be added up, each of shape `[batch]`."""
        raise NotImplementedError

    def parts_in_training(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what a step minimises; a subclass may hold parts back."""
        return dict(parts)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        del x
        targets = self._read(y)
        if self.task == "classification":
            check_label(targets.label)
        parts = self.loss_parts(y_pred, targets)
        if training:
            parts = self.parts_in_training(parts)
        weights = example_weights(sample_weight)
        means = {
            name: batch_mean(values, weights) for name, values in parts.items()
        }
        self.track_parts(means, ops.shape(targets.label)[0])
        total = sum(means.values(), ops.zeros((), "float32"))
        for loss in self.losses:  # regularizers
            total = total + ops.cast(ops.sum(loss), "float32")
        return share_of_replica(total)

    def track_parts(self, means: Mapping[str, Any], batch_size: Any) -> None:
        """Records parts of the loss; a subclass with several overrides it."""
        del means, batch_size  # AutoGraph cannot read an empty body.

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        targets = self._read(y)
        compared = targets.label, y_pred["logits"], self.task
        truth, predicted = compared_per_slice(*compared)
        self.slice_metric.update_state(truth, predicted, targets.membership)
        truth, predicted = compared_with_label(*compared)
        weights = example_weights(sample_weight)
        results = super().compute_metrics(x, truth, predicted, weights)
        # Numbers per slice join the logs of an epoch; see `LogSlices`.
        hidden = set(self.slice_metric.slice_keys)
        return {
            key: value for key, value in results.items() if key not in hidden
        }

    def _read(self, y: Any) -> Targets:
        return read_targets(y, self.num_slices, self.num_classes, self.task)

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "backbone": serialize(self.backbone),
            "schema": self.schema.to_dict() if self.schema else None,
            "num_classes": self.num_classes,
            "task": self.task,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "TaskModel":
        config = dict(config)
        config["backbone"] = keras.saving.deserialize_keras_object(
            config["backbone"], custom_objects=custom_objects
        )
        if config["schema"] is not None:
            config["schema"] = SliceSchema.from_dict(config["schema"])
        return cls(**config)
