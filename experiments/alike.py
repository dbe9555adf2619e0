"""Trains one model a seed, all seeds in one compiled loop.

A step of so small a model is mostly waiting: twenty side by side take little
longer than one. It serves methods that train one model; those that train
several, or choose, go through `methods.accuracies`.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from kept_results import KeptResults
from methods import UNITS, scores, size, task_of
from scanned_task import predictor, state_of, trainer
from synthetic_data import Problem


@dataclasses.dataclass(frozen=True)
class AlikeModels:
    """Models of one shape, a seed each.

    Args:
        model: One of them; its own weights are of no use.
        states: Trained weights and other variables, seeds first.
        seeds: Which of the problem's.
    """

    model: Any
    states: tuple[list[Any], list[Any]]
    seeds: Sequence[int]

    def output(self, name: str, points: Any) -> Any:
        """Returns one of their outputs of points `[seeds, examples, 2]`.

        Seeds take turns: side by side, 300 slices of 50,000 points would take
        gigabytes an output.
        """
        predict = predictor(self.model)

        @jax.jit
        def one_by_one(weights: Any, fixed: Any) -> Any:
            def of_seed(given: Any) -> Any:
                weights, fixed, points = given
                return predict(weights, fixed, {"point": points})[name]

            return jax.lax.map(of_seed, (weights, fixed, points))

        return np.asarray(one_by_one(*self.states))

    def accuracies(self, problem: Problem) -> dict[str, Any]:
        """Returns what `methods.accuracies` does."""
        points = problem.test.points[list(self.seeds)]
        says_one = self.output("logits", points)[..., 0] > 0
        found = [
            scores(one, problem, seed)
            for seed, one in zip(self.seeds, says_one, strict=True)
        ]
        accuracy = np.round(found, 4).tolist()
        return {"accuracy": accuracy, "parameters": size(self.model)}


def train_alike(
    make: Callable[[Any], Any],
    problem: Problem,
    units: tuple[int, ...] = (UNITS, UNITS),
    labels: Any = None,
    seeds: Sequence[int] | None = None,
) -> AlikeModels:
    """Trains a model of every seed's examples.

    Args:
        make: From a `ScannedTask` to a new model.
        problem: The data sets.
        units: Widths of the backbone's layers.
        labels: Labels or probabilities to learn instead of the problem's, of
            shape `[seeds, examples]` or `[seeds, examples, classes]`.
        seeds: Which of the problem's; `None` is all.
    """
    starts, orders, model = [], [], None
    seeds = range(problem.num_seeds) if seeds is None else seeds
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        task = task_of(problem, seed, units)
        model = make(task)
        task.prepare(model)
        starts.append(state_of(model))
        orders.append(task.order(np.arange(len(problem.train.label[seed]))))
    data = jax.tree.map(lambda one: one[list(seeds)], _data(problem, labels))
    train = jax.jit(jax.vmap(trainer(model), in_axes=(0, None, 0, 0)))
    metrics = [jnp.asarray(one.value) for one in model.metrics_variables]
    first = jax.tree.map(lambda *each: np.stack(each), *starts)
    weights, fixed, _ = train(first, metrics, np.stack(orders), data)
    return AlikeModels(model, (weights, fixed), seeds)


def compare(
    makers: Mapping[str, Callable[[Any], Any]],
    problem: Problem,
    kept: KeptResults,
    budget: str,
    units: tuple[int, ...] = (UNITS, UNITS),
    groups: Sequence[Sequence[int]] | None = None,
) -> dict[str, Any]:
    """Returns accuracies by the name of what makes the models.

    Args:
        makers: From a `ScannedTask` to a new model, by name.
        problem: The data sets.
        kept: What was found before.
        budget: What results depend on besides the name.
        units: Widths of the backbone's layers.
        groups: Of seeds, each trained side by side and kept, for models that
            are large; `None` is one group of all.
    """
    groups = groups or [range(problem.num_seeds)]

    def of_group(name: str, seeds: Sequence[int]) -> Any:
        key = f"{budget}: {name}"
        if len(seeds) < problem.num_seeds:
            key += f", seeds {', '.join(map(str, seeds))}"
        return kept.get(
            key,
            lambda: train_alike(
                makers[name], problem, units, seeds=seeds
            ).accuracies(problem),
        )

    parts = [
        {name: of_group(name, seeds) for name in makers} for seeds in groups
    ]
    return {name: _joined([part[name] for part in parts]) for name in makers}


def _joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns accuracies of several groups of seeds as of one."""
    accuracy = [row for part in parts for row in part["accuracy"]]
    return {**parts[0], "accuracy": accuracy}


def _data(problem: Problem, labels: Any) -> Any:
    train = problem.train
    targets = {
        "label": train.label if labels is None else labels,
        "membership": train.membership,
    }
    weights = np.ones(train.label.shape, np.float32)
    return {"point": train.points}, targets, weights
