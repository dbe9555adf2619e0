"""The stages of the whole way, each a few calls of its room."""

import dataclasses
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np

from slice_tf.data.dataset import load_dataset, slice_rates
from slice_tf.demo.places import Places
from slice_tf.demo.task import Task
from slice_tf.evaluation import (
    Evaluator,
    ModelFacts,
    RunComparison,
    compare_runs,
    to_probabilities,
)
from slice_tf.export import check_saved_model, export_saved_model
from slice_tf.models import SliceAwareModel, VanillaModel
from slice_tf.report import read_summary, write_page
from slice_tf.schema import SliceSchema
from slice_tf.training import fit, save_model_directory, set_seed
from slice_tf_beam import apply_slicing_functions
from slice_tf_serving import publish, write_warmup


@dataclasses.dataclass(frozen=True)
class Pair:
    """The two models of one seed."""

    seed: int
    vanilla: Any
    slice_aware: Any


@dataclasses.dataclass(frozen=True)
class TestData:
    """All test examples, as arrays with examples along the first axis."""

    __test__ = False  # Not a test, whatever pytest makes of the name.

    features: dict[str, Any]
    labels: Any
    membership: Any
    known: Any


def apply(task: Task, places: Places, num_workers: int) -> Any:
    """Applies the slicing functions to both parts.

    Returns:
        The summary of the training part.
    """
    summaries = {
        part: apply_slicing_functions(
            str(places.raw / part / "*.tfrecord"),
            str(places.sliced / part),
            task.functions,
            num_workers=num_workers,
        )
        for part in ("train", "test")
    }
    return summaries["train"]


def train(task: Task, places: Places, seeds: Iterable[int]) -> list[Pair]:
    """Trains both models from each seed, on the same backbone."""
    directory = places.sliced / "train"
    schema = SliceSchema.load(directory)
    rates = slice_rates(directory, schema)
    return [_train_pair(task, places, schema, rates, seed) for seed in seeds]


def _train_pair(
    task: Task, places: Places, schema: SliceSchema, rates: Any, seed: int
) -> Pair:
    set_seed(seed)
    vanilla = VanillaModel(task.backbone(), task.spec.num_classes, schema)
    _train_one(task, places, vanilla, f"vanilla-{seed}", seed)
    set_seed(seed)
    slice_aware = SliceAwareModel(
        task.backbone(),
        schema,
        task.spec.num_classes,
        units=task.expert_units,
        slice_rates=rates,
    )
    _train_one(task, places, slice_aware, f"slice_aware-{seed}", seed)
    return Pair(seed, vanilla, slice_aware)


def _train_one(
    task: Task, places: Places, model: Any, name: str, seed: int
) -> None:
    model.compile(keras.optimizers.Adam(task.learning_rate))
    batches = load_dataset(
        places.sliced / "train",
        task.spec,
        model.schema,
        task.batch_size,
        shuffle=True,
        seed=seed,
        cache=True,
    )
    history = fit(model, batches, epochs=task.epochs, verbose=0)
    facts = {"seed": seed, "epochs": task.epochs}
    save_model_directory(
        places.models / name, model, task.spec, model.schema, history, facts
    )


def read_test(task: Task, places: Places) -> TestData:
    """Reads the test records; true slices replace membership where known."""
    directory = places.sliced / "test"
    schema = SliceSchema.load(directory)
    batches = load_dataset(directory, task.spec, schema, batch_size=1024)
    parts = list(batches.as_numpy_iterator())
    features = {
        name: np.concatenate([one[name] for one, _ in parts])
        for name in task.spec.features
    }
    targets = {
        name: np.concatenate([one[name] for _, one in parts])
        for name in ("label", "membership", "known")
    }
    membership, known = targets["membership"], targets["known"]
    if task.true_membership is not None:
        membership = task.true_membership(features)
        known = np.ones_like(membership)
    return TestData(features, targets["label"], membership, known)


def compare(
    task: Task, places: Places, pairs: Sequence[Pair], test: TestData
) -> list[RunComparison]:
    """Compares both methods over all seeds and writes the first's results.

    Returns:
        One comparison a slice, the base slice last.
    """
    correct: dict[str, list[Any]] = {"vanilla": [], "slice_aware": []}
    for pair in pairs:
        for method, runs in correct.items():
            probabilities, _ = _predict(task, getattr(pair, method), test)
            runs.append(probabilities.argmax(axis=1) == test.labels)
    _save_results(task, places, pairs[0], test)
    return compare_runs(
        np.stack(correct["vanilla"]),
        np.stack(correct["slice_aware"]),
        test.membership,
        test.known,
    )


def _predict(task: Task, model: Any, test: TestData) -> tuple[Any, Any]:
    # One call on all rows: `predict` would trace a graph for each model.
    outputs = {
        name: np.asarray(value)
        for name, value in model(test.features, training=False).items()
    }
    classes = task.spec.num_classes
    return to_probabilities(outputs["logits"], classes), outputs


def _save_results(
    task: Task, places: Places, pair: Pair, test: TestData
) -> None:
    baseline, _ = _predict(task, pair.vanilla, test)
    candidate, outputs = _predict(task, pair.slice_aware, test)
    evaluator = Evaluator(pair.slice_aware.schema, task.spec.num_classes)
    evaluator.add(
        test.labels,
        candidate,
        test.membership,
        test.known,
        baseline_probabilities=baseline,
        indicator_logits=outputs["indicator_logits"],
    )
    results = evaluator.results(
        data_path=str(places.sliced / "test"),
        model=ModelFacts(str(places.models / f"slice_aware-{pair.seed}")),
        baseline=ModelFacts(str(places.models / f"vanilla-{pair.seed}")),
    )
    results.save(places.results)
    summary = places.sliced / "test" / "summary.json"
    write_page(places.report, results, read_summary(summary, results.schema))


def export(task: Task, places: Places, model: Any) -> pathlib.Path:
    """Exports a model, has it checked in a clean process, publishes it.

    Returns:
        The version directory.
    """

    def finish(staging: pathlib.Path) -> None:
        write_warmup(staging)
        check_saved_model(staging, task.allow_operations)

    export_saved_model(
        model,
        places.saved_model,
        task.spec,
        allow_operations=task.allow_operations,
        finish=finish,
    )
    return publish(places.saved_model, places.serving)
