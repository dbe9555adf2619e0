"""MoE: a whole model a slice, and a gate."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from slice_tf.losses.cross_entropy import cross_entropy
from slice_tf.models.baselines.task import BaselineTask
from slice_tf.models.baselines.vanilla import new_vanilla
from slice_tf.models.targets import Targets
from slice_tf.models.task_model import TaskModel
from slice_tf.models.vanilla_model import VanillaModel
from slice_tf.schema import SliceSchema


@keras.saving.register_keras_serializable(package="slice_tf")
class MixtureOfExpertsModel(TaskModel):
    """Weighs trained models, one a slice and one of all, by a linear gate.

    The gate reads the representation of the last expert, that of all
    examples. Experts are frozen: only the gate learns.

    Args:
        experts: Trained models, in the order of the slices, the one of all
            examples last.
        schema: The slices.

    Source:
        Chen et al. 2019, section 4.1.1, MoE.
    """

    schema: SliceSchema

    def __init__(
        self, experts: Sequence[Any], schema: SliceSchema, **kwargs: Any
    ) -> None:
        last = experts[-1]
        super().__init__(last.backbone, schema, last.num_classes, **kwargs)
        self.experts = list(experts)
        for expert in self.experts:
            # Its parts, not itself: a model revived as frozen would not
            # freeze the parts that it gets only then.
            expert.backbone.trainable = expert.module.trainable = False
        self.module = keras.layers.Dense(
            len(self.experts), dtype="float32", name="gate"
        )
        self.build_from_backbone()

    def call(self, features: Any, training: bool | None = None) -> Any:
        del training  # Experts are frozen, their dropout with them.
        shares = ops.softmax(self.module(self.represent(features, False)))
        logits = ops.stack(
            [one(features, training=False)["logits"] for one in self.experts],
            axis=1,
        )
        mixed = ops.sum(shares[..., None] * logits, axis=1)
        return {"logits": mixed, "attention": shares}

    def loss_parts(self, outputs: Any, targets: Targets) -> dict[str, Any]:
        label = targets.learned_label
        return {"base_loss": cross_entropy(outputs["logits"], label)}

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "experts": [serialize(one) for one in self.experts],
            "schema": self.schema.to_dict(),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "MixtureOfExpertsModel":
        revive = keras.saving.deserialize_keras_object
        experts = [
            revive(one, custom_objects=custom_objects)
            for one in config["experts"]
        ]
        schema = SliceSchema.from_dict(config["schema"])
        return cls(experts, schema, name=config["name"])


def train_mixture_of_experts(task: BaselineTask) -> TaskModel:
    """Returns a `MixtureOfExpertsModel`, each expert trained on its slice.

    An expert takes as many steps on its slice as one of all examples would;
    as many epochs are too few to learn a small slice. A slice without members
    keeps an expert that has learned nothing.
    """
    experts: list[VanillaModel] = []
    for members in task.membership.T > 0:
        # A copy, without the optimizer that a file of the mixture would hold.
        expert, learner = new_vanilla(task), new_vanilla(task)
        if members.any():
            steps = task.epochs * _steps(task, len(members))
            epochs = steps // _steps(task, int(members.sum()))
            longer = dataclasses.replace(task, epochs=epochs)
            longer.fit(learner, rows=members)
        expert.set_weights(learner.get_weights())
        experts.append(expert)
    return task.fit(MixtureOfExpertsModel(experts, task.schema))


def _steps(task: BaselineTask, num_examples: int) -> int:
    """Returns how many steps an epoch takes."""
    return -(-num_examples // task.batch_size)
