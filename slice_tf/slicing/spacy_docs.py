"""What spaCy makes of a text, once for all slicing functions."""

import functools
from typing import Any

from slice_tf.slicing.batch import Batch
from slice_tf.slicing.preprocessor import Preprocessor
from slice_tf.slicing.resource import Resource


@functools.cache
def spacy_docs(
    feature: str,
    model: str = "en_core_web_sm",
    *,
    exclude: tuple[str, ...] = (),
) -> Preprocessor:
    """Returns a preprocessor whose value is the text's spaCy `Doc`.

    The model is loaded once a process, and its `pipe` sees many texts at
    once. Calls with equal arguments return the same preprocessor, so that
    functions in several files share the docs. Needs spaCy, as in
    `pip install 'slice-tf[nlp]'`, and the model.

    ```python
    @slicing_function(uses={"doc": spacy_docs("text")})
    def names_a_person(row, doc):
        return any(entity.label_ == "PERSON" for entity in doc.ents)
    ```

    Args:
        feature: The bytes feature that holds the text.
        model: What `spacy.load` takes, or `blank:en` for the tokenizer of a
            language alone, which needs no model.
        exclude: Parts of the model that are not loaded, such as `ner`: each
            costs time.
    """
    kind, _, language = model.rpartition(":")
    if kind == "blank":
        nlp = Resource("spacy:blank", language)
    else:
        nlp = Resource("spacy:load", model, exclude=exclude)

    def docs(batch: Batch, nlp: Any) -> Any:
        return nlp.pipe(batch.text(feature))

    return Preprocessor(
        docs, f"spacy_docs({feature!r})", batch=True, uses={"nlp": nlp}
    )
