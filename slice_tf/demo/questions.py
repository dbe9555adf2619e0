"""Asks the served model over both transports, and shows what it says."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slice_tf.demo.places import Places
from slice_tf.demo.stages import TestData
from slice_tf.demo.task import Task
from slice_tf.schema import BASE
from slice_tf_serving import Client, ModelServer

NUM_QUESTIONS = 8
TOLERANCE = 1e-5

Answers = dict[str, Any]


def ask(
    task: Task, places: Places, model: Any, test: TestData
) -> tuple[Answers, Answers]:
    """Serves the published model and asks for a few test examples.

    Returns:
        Row, label and membership of the examples, and the answer to
        `explain`.

    Raises:
        RuntimeError: If an answer differs from the Keras model's by more than
            1e-5.
    """
    rows = _interesting(test)
    features = {name: array[rows] for name, array in test.features.items()}
    expected = {
        name: np.asarray(value)
        for name, value in model.explain(features).items()
    }
    with ModelServer(places.serving, task.name) as server:
        urls = (
            f"http://127.0.0.1:{server.rest_port}",
            f"grpc://127.0.0.1:{server.grpc_port}",
        )
        answers = [_ask_one(url, task, features) for url in urls]
    for url, answer in zip(urls, answers, strict=True):
        _check_equal(url, answer, expected)
    asked = {
        "row": rows,
        "label": test.labels[rows],
        "membership": test.membership[rows],
    }
    return asked, answers[0]


def _interesting(test: TestData) -> Any:
    """Returns the first rows of every slice and two rows of none."""
    num_slices = test.membership.shape[1]
    each = max(1, (NUM_QUESTIONS - 2) // max(1, num_slices))
    first = [np.flatnonzero(one)[:each] for one in test.membership.T]
    none = np.flatnonzero(~test.membership.any(axis=1))[:2]
    return np.unique(np.concatenate([*first, none]).astype(int))


def _ask_one(url: str, task: Task, features: Answers) -> Answers:
    with Client(url, model=task.name) as client:
        return client.predict(features, signature="explain")


def _check_equal(url: str, answer: Answers, expected: Answers) -> None:
    for name, value in answer.items():
        worst = np.abs(value - expected[name]).max()
        if worst > TOLERANCE:
            raise RuntimeError(
                "Served outputs must equal the Keras model's. Received: "
                f"url={url}, output={name}, largest difference={worst}"
            )


def answers_table(
    names: Sequence[str], asked: Answers, answer: Answers
) -> tuple[list[str], list[list[str]]]:
    """Returns headers and rows: one row an example that was asked for.

    Args:
        names: Of the slices.
        asked: Rows, labels and membership of the examples.
        answer: Outputs of the signature `explain`.
    """
    headers = [
        "test row",
        "label",
        "predicted",
        "is in slices",
        "slices the model sees",
        "attention",
    ]
    rows = []
    for place, row in enumerate(asked["row"].tolist()):
        best = int(answer["class_ids"][place])
        sure = answer["probabilities"][place][best]
        rows.append(
            [
                str(row),
                str(asked["label"][place]),
                f"{best} ({sure:.0%})",
                ", ".join(_names(names, asked["membership"][place])) or "-",
                _above(names, answer["slice_probabilities"][place], 0.5),
                _above((*names, BASE), answer["attention"][place], 0.2),
            ]
        )
    return headers, rows


def _names(names: Sequence[str], membership: Any) -> list[str]:
    return [names[place] for place in np.flatnonzero(membership).tolist()]


def _above(names: Sequence[str], values: Any, least: float) -> str:
    found = [
        f"{names[place]} {values[place]:.0%}"
        for place in np.argsort(-values).tolist()
        if values[place] >= least
    ]
    return ", ".join(found) or "-"
