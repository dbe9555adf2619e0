"""Ways to train on a synthetic plane, all on the same terms."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from attention_forms import FORMS, ProductAttention
from scanned_task import ScannedTask, outputs_of
from synthetic_data import Problem

from slice_tf.losses.recipe import DEFAULT, PAPER, Recipe
from slice_tf.models import SliceAwareModel, build_mlp
from slice_tf.models.baselines import BASELINES
from slice_tf.models.baselines.vanilla import new_vanilla
from slice_tf.schema import SliceSchema

UNITS = 13  # Backbone and experts, as in the paper's section 3.3.
TRAINING = {"epochs": 100, "batch_size": 64}
Method = Callable[[ScannedTask], Any]


def new_slice_aware(
    recipe: Recipe = DEFAULT,
    attention: type | None = None,
    units: int = UNITS,
    rank: int | None = None,
    **changes: Any,
) -> Method:
    """Returns what makes slice-aware models, with a recipe changed."""

    def make(task: ScannedTask) -> Any:
        model = SliceAwareModel(
            task.backbone(),
            task.schema,
            units=units,
            rank=rank,
            recipe=dataclasses.replace(recipe, **changes),
            slice_rates=task.slice_rates,
        )
        if attention is not None:
            model.module.slice_attention.__class__ = attention
        return model

    return make


def slice_aware(*choices: Any, **changes: Any) -> Method:
    """Returns a method: a new slice-aware model, trained."""
    make = new_slice_aware(*choices, **changes)
    return lambda task: task.fit(make(task))


def up_weighted(member_weight: float) -> Method:
    """Returns a method: no slices, members of any weigh more."""

    def train(task: ScannedTask) -> Any:
        in_any = task.targets["membership"].max(axis=1)
        weights = 1 + (member_weight - 1) * in_any
        return task.fit(new_vanilla(task), weights=weights)

    return train


# The reference implementation averages an expert's loss over members, which
# is what dividing by the slice's rate does.
PER_MEMBER = dataclasses.replace(PAPER, expert_rate_power=1.0)

BASELINE_METHODS: Mapping[str, Method] = {
    "VANILLA": BASELINES["vanilla"],
    "HPS": BASELINES["hard_parameter_sharing"],
    "MANUAL": BASELINES["manual"],
    "MoE": BASELINES["mixture_of_experts"],
    "DP": BASELINES["data_programming"],
    "members x 5": up_weighted(DEFAULT.member_weight),
    "up-weighting": BASELINES["up_weighting"],
    "group DRO": BASELINES["group_dro"],
    "JTT": BASELINES["just_train_twice"],
    "DFR": BASELINES["last_layer_retraining"],
}
REFERENCE_METHODS: Mapping[str, Method] = {
    "product attention, mean over members": slice_aware(
        PER_MEMBER, ProductAttention
    ),
    "product attention, paper's losses": slice_aware(PAPER, ProductAttention),
}
ATTENTION_METHODS: Mapping[str, Method] = {
    f"default, attention: {name}": slice_aware(attention=form)
    for name, form in FORMS.items()
}


def accuracies(
    method: Method, problem: Problem, units: tuple[int, ...] = (UNITS, UNITS)
) -> dict[str, Any]:
    """Trains a method from every seed and scores it.

    Returns:
        `accuracy`, percent right of shape `[seeds, 1 + discs]`, of all points
        first, and `parameters`, how many a trained model has.
    """
    found, model = [], None
    for seed in range(problem.num_seeds):
        keras.utils.set_random_seed(seed)
        model = method(task_of(problem, seed, units))
        points = {"point": problem.test.points[seed]}
        says_one = outputs_of(model, points)["logits"][:, 0] > 0
        found.append(scores(says_one, problem, seed))
    return {"accuracy": np.round(found, 4).tolist(), "parameters": size(model)}


def task_of(
    problem: Problem, seed: int, units: tuple[int, ...] = (UNITS, UNITS)
) -> ScannedTask:
    """Returns the data set of a seed, and the budget."""
    membership = problem.train.membership
    schema = SliceSchema.from_names(
        [f"slice_{i}" for i in range(membership.shape[2])]
    )
    (features, targets), held_out = (
        (
            {"point": part.points[seed]},
            {
                "label": part.label[seed],
                "membership": part.membership[seed],
            },
        )
        for part in (problem.train, problem.held_out)
    )
    return ScannedTask(
        backbone=lambda: build_mlp({"point": ((2,), "float32")}, units),
        schema=schema,
        features=features,
        targets=targets,
        held_out=held_out,
        # One for all seeds, so that their models are alike and one compiled
        # loop trains all.
        slice_rates=membership.mean(axis=(0, 1)),
        seed=seed,
        **TRAINING,
    )


def scores(says_one: Any, problem: Problem, seed: int) -> Any:
    """Returns percent right: of all points, and inside every disc."""
    right = says_one == (problem.test.label[seed] == 1)
    inside = problem.test.membership[seed]
    everyone = np.ones((len(right), 1), bool)
    members = np.concatenate([everyone, inside], axis=1)
    return 100 * right @ members / members.sum(axis=0)


def size(model: Any) -> int:
    """Returns how many numbers a prediction reads."""
    weights = [one for layer in model.layers for one in layer.weights]
    each = {id(one): np.prod(one.shape) for one in weights}
    return int(sum(each.values()))
