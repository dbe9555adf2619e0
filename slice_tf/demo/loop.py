"""The whole way: each stage called once, in order, on one task."""

import json
import logging
import pathlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import slice_tf
from slice_tf.demo import MARKER, questions, stages
from slice_tf.demo.places import Places
from slice_tf.demo.task import Task
from slice_tf.evaluation import RunComparison, render_table, runs_table
from slice_tf_beam import Summary

logger = logging.getLogger("slice_tf.demo")


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
    mark = {"data": task.name, "slice_tf": slice_tf.__version__}
    (output_dir / MARKER).write_text(json.dumps(mark), encoding="utf-8")
    show(f"{task.name}: {task.title}")

    with stage(1, "Write raw TFRecords"):
        task.write(places.raw)
    with stage(2, "Apply slicing functions with Beam"):
        summary = stages.apply(task, places, num_workers)
    show(_sliced(summary))
    with stage(3, f"Train vanilla and slice-aware, {num_seeds} seeds each"):
        pairs = stages.train(task, places, range(num_seeds))
    with stage(4, "Evaluate per slice on the test records"):
        test = stages.read_test(task, places)
        comparisons = stages.compare(task, places, pairs, test)
        if task.draw is not None:
            task.draw(places.figure, pairs, comparisons)
    model = pairs[0].slice_aware
    show(_compared(model.schema.names, comparisons))
    with stage(5, "Export, check in a clean process, publish"):
        stages.export(task, places, model)
    with stage(6, "Serve, and ask over REST and gRPC"):
        asked, answer = questions.ask(task, places, model, test)
    show(_answered(model.schema.names, asked, answer))
    show(render_table(["artifact", "path", "what it is"], places.describe()))
    show(f"Done in {time.monotonic() - started:.0f} s.")


@contextmanager
def stage(number: int, title: str) -> Iterator[None]:
    """Logs a stage's title and, when it is through, its wall time."""
    logger.info("[%d/6] %s", number, title)
    started = time.monotonic()
    yield
    logger.info("[%d/6] took %.1f s", number, time.monotonic() - started)


def show(text: str) -> None:
    """Prints one result, apart from the next."""
    print(f"{text}\n", flush=True)  # noqa: T201 - results go to stdout


def _sliced(summary: Summary) -> str:
    rows = [
        [one.name, f"{one.size:,}", f"{100 * one.coverage:.1f}"]
        for one in summary.slices
    ]
    return (
        f"Slices of {summary.num_examples:,} training records, as the slicing "
        "functions see them:\n\n"
        f"{render_table(['slice', 'size', 'coverage, %'], rows)}"
    )


def _compared(names: tuple[str, ...], comparisons: list[RunComparison]) -> str:
    text = render_table(
        *runs_table(names, comparisons, ("vanilla", "slice-aware"))
    )
    covered = "other examples"
    if comparisons[0].num_runs > 1:
        covered += " and other seeds"
    lines = [f"Accuracy on test records. Intervals cover {covered}.", "", text]
    if "*" in text:
        lines.append("* too few examples to rely on")
    return "\n".join(lines)


def _answered(
    names: tuple[str, ...],
    asked: questions.Answers,
    answer: questions.Answers,
) -> str:
    table = questions.answers_table(names, asked, answer)
    return (
        "Answers over REST and gRPC, both equal to the Keras model to "
        f"{questions.TOLERANCE:g}.\nNo slicing function took part.\n\n"
        f"{render_table(*table)}"
    )
