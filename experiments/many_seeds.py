"""Trains the same Keras model from many seeds at once.

The models are small, so that a step of one seed is mostly waiting. Here JAX
runs a step of all seeds as one: `vmap` over weights, data and order.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from slice_tf.models.targets import Targets

Weights = Any


@dataclasses.dataclass(frozen=True)
class Training:
    """How every method is trained.

    Args:
        epochs: Passes over the training data.
        batch_size: Examples a step; the last batch of an epoch is filled up
            from the next shuffle's start.
        learning_rate: Adam's.
    """

    epochs: int = 100
    batch_size: int = 64
    learning_rate: float = 1e-3


@dataclasses.dataclass(frozen=True)
class Data:
    """Training and test data of many seeds, seeds along the first axis.

    Args:
        points: Of shape `[seeds, examples, features]`.
        label: Integers, of shape `[seeds, examples]`.
        membership: What slicing functions say, `[seeds, examples, slices]`.
        test_points: Of shape `[seeds, test examples, features]`.
    """

    points: Any
    label: Any
    membership: Any
    test_points: Any


def train_and_predict(
    build: Callable[[], Any],
    data: Data,
    seeds: Sequence[int],
    training: Training,
    member_weight: float = 1.0,
) -> dict[str, np.ndarray]:
    """Trains a model from each seed and returns its test outputs.

    Args:
        build: Makes a model of slice-tf, new weights at every call.
        data: One data set a seed.
        seeds: Seeds of the initial weights and of the order of examples.
        training: The budget.
        member_weight: Weight of examples in any slice, besides what the
            model's own losses do.

    Returns:
        The model's outputs, seeds along the first axis.
    """
    model, first = _initial_weights(build, seeds)
    weights, fixed = jax.vmap(_trainer(model, training, member_weight))(
        first,
        jnp.asarray(seeds),
        *map(jnp.asarray, (data.points, data.label, data.membership)),
    )

    def predict(weights: Weights, fixed: Weights, points: Any) -> Any:
        outputs, _ = model.stateless_call(
            weights, fixed, {"point": points}, training=False
        )
        return outputs

    outputs = jax.jit(jax.vmap(predict))(
        weights, fixed, jnp.asarray(data.test_points)
    )
    return {name: np.asarray(value) for name, value in outputs.items()}


def _initial_weights(
    build: Callable[[], Any], seeds: Sequence[int]
) -> tuple[Any, tuple[Weights, Weights]]:
    """Returns a model and the first weights of every seed, stacked."""
    found = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        model = build()
        found.append(
            [
                [jnp.asarray(variable.value) for variable in variables]
                for variables in (
                    model.trainable_variables,
                    model.non_trainable_variables,
                )
            ]
        )
    return model, jax.tree.map(lambda *each: jnp.stack(each), *found)


def _trainer(
    model: Any, training: Training, member_weight: float
) -> Callable[..., Any]:
    """Returns a function that trains one seed's weights."""
    optimizer = keras.optimizers.Adam(training.learning_rate)
    optimizer.build(model.trainable_variables)

    def loss(
        weights: Weights, fixed: Weights, batch: Mapping[str, Any]
    ) -> tuple[Any, Weights]:
        outputs, fixed = model.stateless_call(
            weights, fixed, {"point": batch["points"]}, training=True
        )
        membership = batch["membership"]
        targets = Targets(batch["label"], membership, jnp.ones_like(membership))
        total = sum(model.loss_parts(outputs, targets).values())
        in_any = membership.max(axis=1, initial=0.0)
        weight = 1.0 + (member_weight - 1.0) * in_any
        return jnp.mean(weight * total), fixed

    def train(
        first: tuple[Weights, Weights], seed: Any, *columns: Any
    ) -> tuple[Weights, Weights]:
        names = ("points", "label", "membership")
        size, batch_size = columns[0].shape[0], training.batch_size
        steps = -(-size // batch_size)
        key = jax.random.key(seed)

        def step(state: Any, rows: Any) -> tuple[Any, None]:
            weights, fixed, moments = state
            batch = {
                name: column[rows]
                for name, column in zip(names, columns, strict=True)
            }
            gradients, fixed = jax.grad(loss, has_aux=True)(
                weights, fixed, batch
            )
            weights, moments = optimizer.stateless_apply(
                moments, gradients, weights
            )
            return (weights, fixed, moments), None

        def epoch(state: Any, number: Any) -> tuple[Any, None]:
            order = jax.random.permutation(
                jax.random.fold_in(key, number), size
            )
            rows = jnp.resize(order, (steps, batch_size))
            return jax.lax.scan(step, state, rows)

        moments = [variable.value for variable in optimizer.variables]
        state = (*first, [jnp.asarray(one) for one in moments])
        state, _ = jax.lax.scan(epoch, state, jnp.arange(training.epochs))
        return state[0], state[1]

    return jax.jit(train)
