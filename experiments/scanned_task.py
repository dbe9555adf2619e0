"""Trains what `BaselineTask` trains, in a fraction of the time.

The models are small, so that a step of `fit` is mostly waiting. Here JAX runs
Keras' own `train_step` in a compiled loop, compiled once for all models that
are alike: a training of 4,000 steps takes 0.1 to 0.2 seconds.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from slice_tf.models.baselines import BaselineTask

_PROGRAMS: dict[str, Callable[..., Any]] = {}


@dataclasses.dataclass(frozen=True)
class ScannedTask(BaselineTask):
    """A task that is trained in a compiled loop; its batches are all full.

    Args:
        slice_rates: Share of the training examples in each slice, `[slices]`.
        seed: Seed of the order of examples.
    """

    slice_rates: Any = None
    seed: int = 0

    def fit(
        self,
        model: Any,
        weights: np.ndarray | None = None,
        rows: np.ndarray | None = None,
        **changes: Any,
    ) -> Any:
        features = changes.get("features", self.features)
        targets = changes.get("targets", self.targets)
        size = len(targets["label"])
        if weights is None:
            weights = np.ones(size, np.float32)
        trained = np.arange(size) if rows is None else np.flatnonzero(rows)
        self.prepare(model)
        train = _compiled("train", model, trainer)
        found = train(
            state_of(model),
            _values(model.metrics_variables),
            self.order(trained),
            (features, targets, weights),
        )
        for variables, values in zip(_state(model), found, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return model

    def prepare(self, model: Any) -> None:
        """Gives a model the task's optimizer."""
        model.compile(self.optimizer())
        model.optimizer.build(model.trainable_variables)

    def order(self, trained: Any) -> Any:
        """Returns whose turn it is, of shape `[steps, batch]`.

        The last batch of an epoch is filled up from the epoch's start.
        """
        rng = np.random.default_rng(self.seed)
        shape = (-(-len(trained) // self.batch_size), self.batch_size)
        epochs = [
            np.resize(rng.permutation(trained), shape)
            for _ in range(self.epochs)
        ]
        return np.concatenate(epochs)


def outputs_of(model: Any, features: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a model predicts of many examples, as arrays."""
    predict = _compiled("predict", model, predictor)
    found = predict(
        _values(model.trainable_variables),
        _values(model.non_trainable_variables),
        features,
    )
    return {name: np.asarray(value) for name, value in found.items()}


def state_of(model: Any) -> tuple[list[Any], ...]:
    """Returns the arrays of weights, other variables and the optimizer."""
    return tuple(map(_values, _state(model)))


def trainer(model: Any) -> Callable[..., Any]:
    """Returns the function that trains from a state and an order of rows."""

    def train(state: Any, metrics: Any, order: Any, data: Any) -> Any:
        def step(state: Any, rows: Any) -> tuple[Any, None]:
            batch = jax.tree.map(lambda column: column[rows], data)
            _, (*state, _) = model.train_step((*state, metrics), batch)
            return tuple(state), None

        return jax.lax.scan(step, state, order)[0]

    return train


def predictor(model: Any) -> Callable[..., Any]:
    """Returns the function from weights and features to outputs."""

    def predict(weights: Any, fixed: Any, features: Any) -> Any:
        return model.stateless_call(weights, fixed, features, training=False)[0]

    return predict


def _state(model: Any) -> tuple[Any, ...]:
    return (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
    )


def _values(variables: Any) -> list[Any]:
    return [jnp.asarray(variable.value) for variable in variables]


def _compiled(what: str, model: Any, make: Callable[..., Any]) -> Any:
    """Returns a compiled function, the same for models that are alike.

    Alike are models of one configuration, names aside, and of layers of the
    same classes: what differs then are weights, which are arguments.
    """
    config = keras.saving.serialize_keras_object(model)
    layers = [type(layer).__name__ for layer in model._flatten_layers()]
    trained = [variable.shape for variable in model.trainable_variables]
    alike = _nameless(config), layers, trained
    key = what + json.dumps(alike, sort_keys=True, default=str)
    if key not in _PROGRAMS:
        _PROGRAMS[key] = jax.jit(make(model))
    return _PROGRAMS[key]


def _nameless(config: Any) -> Any:
    if isinstance(config, Mapping):
        return {
            key: _nameless(value)
            for key, value in config.items()
            if key != "name"
        }
    if isinstance(config, list | tuple):
        return [_nameless(one) for one in config]
    return config
