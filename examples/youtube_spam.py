"""Spam among YouTube comments, with slices that need offline tools.

    python examples/youtube_spam.py --data-dir DIR --output-dir out/spam

DIR holds `comments.jsonl.gz` (YouTube Spam Collection, CC BY 4.0): a JSON
object a line with `split`, `text`, `label` and `weak`, ten votes of offline
tools. Two slices read those votes, which come from spaCy and TextBlob: no
such tool is there when the model is served.
"""

import gzip
import json
import pathlib
import sys
from typing import Any

import numpy as np
from example_program import run_example

from slice_tf.data import Feature, FeatureSpec
from slice_tf.demo.task import Task, write_shards

SPEC = FeatureSpec({"text": Feature("string")}, "label", 2)
VOCABULARY = 3_000
WORDS = 40


def read_comments(path: pathlib.Path) -> list[dict[str, Any]]:
    """Returns the comments of all splits."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def columns(comments: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns comments as columns; `votes` never becomes a model feature."""
    return {
        "text": [one["text"] for one in comments],
        "votes": np.array([one["weak"] for one in comments]),
        "label": np.array([one["label"] for one in comments]),
    }


def build_backbone(texts: list[str]) -> Any:
    """Returns a bag of embedded words, its vocabulary inside the graph."""
    from slice_tf.backbones import build_text

    return build_text("text", texts, num_words=VOCABULARY, length=WORDS, dim=32)


def spam_task(path: pathlib.Path) -> Task:
    """Returns the task: is a comment spam?"""
    comments = read_comments(path)
    train = [one for one in comments if one["split"] != "test"]
    test = [one for one in comments if one["split"] == "test"]

    def write(directory: pathlib.Path) -> None:
        write_shards(directory / "train", columns(train), 4)
        write_shards(directory / "test", columns(test), 2)

    functions = pathlib.Path(__file__).with_name("youtube_spam_slices.py")
    return Task(
        name="spam",
        title="is a YouTube comment spam?",
        functions=(str(functions),),
        spec=SPEC,
        write=write,
        backbone=lambda: build_backbone([one["text"] for one in train]),
        expert_units=32,
        epochs=20,
    )


if __name__ == "__main__":
    sys.exit(run_example(__doc__, "comments.jsonl.gz", spam_task))
