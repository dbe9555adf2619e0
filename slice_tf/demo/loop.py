"""The whole way: each stage called once, in order, on one task."""

import dataclasses
import json
import logging
import pathlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import slice_tf
from slice_tf.demo import MARKER, stages
from slice_tf.demo.task import Task

logger = logging.getLogger("slice_tf.demo")


@dataclasses.dataclass(frozen=True)
class Places:
    """Where the artifacts of a demonstration lie, below one directory."""

    root: pathlib.Path

    @property
    def raw(self) -> pathlib.Path:
        """Input records, `train` and `test`."""
        return self.root / "raw"

    @property
    def sliced(self) -> pathlib.Path:
        """The same records with membership, `train` and `test`."""
        return self.root / "sliced"

    @property
    def models(self) -> pathlib.Path:
        """One model directory a method and seed."""
        return self.root / "models"

    @property
    def results(self) -> pathlib.Path:
        """Results of the first seed's two models."""
        return self.root / "results.json"

    @property
    def saved_model(self) -> pathlib.Path:
        """The exported slice-aware model of the first seed."""
        return self.root / "saved_model"

    @property
    def serving(self) -> pathlib.Path:
        """The base directory that a model server watches."""
        return self.root / "serving"


def run(
    task: Task, output_dir: pathlib.Path, num_seeds: int, num_workers: int
) -> None:
    """Takes a task from raw records to answered requests.

    Args:
        task: Data, slicing functions and sizes of the models.
        output_dir: An empty directory.
        num_seeds: Training runs a method, at least 1.
        num_workers: Beam worker processes.
    """
    started = time.monotonic()
    places = Places(output_dir)
    (output_dir / MARKER).write_text(
        json.dumps({"data": task.name, "slice_tf": slice_tf.__version__})
    )
    show(f"slice-tf demo: {task.title}")
    with stage(1, "Write raw TFRecords"):
        task.write(places.raw)
    with stage(2, "Apply slicing functions with Beam"):
        summary = stages.apply(task, places, num_workers)
    show(summary)
    with stage(3, f"Train vanilla and slice-aware, {num_seeds} seeds each"):
        models = stages.train(task, places, range(num_seeds))
    with stage(4, "Evaluate per slice on the test records"):
        comparison = stages.compare(task, places, models)
    show(comparison)
    with stage(5, "Export, check in a clean process, publish"):
        stages.export(task, places, models)
    with stage(6, "Serve, and ask over REST and gRPC"):
        answers = stages.ask(task, places, models)
    show(answers)
    show(stages.describe(places))
    show(f"Done in {time.monotonic() - started:.0f} s.")


@contextmanager
def stage(number: int, title: str) -> Iterator[None]:
    """Logs a stage's title and, when it is through, its wall time."""
    logger.info("[%d/6] %s", number, title)
    started = time.monotonic()
    yield
    logger.info("      %.1f s", time.monotonic() - started)


def show(text: str) -> None:
    """Prints one result, apart from the next."""
    print(f"{text}\n", flush=True)  # noqa: T201 - results go to stdout
