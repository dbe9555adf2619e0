"""A small backbone for text."""

from collections.abc import Iterable

import keras


def build_text(
    feature: str,
    texts: Iterable[str],
    *,
    num_words: int = 10_000,
    length: int = 128,
    dim: int = 64,
    dropout: float = 0.5,
) -> keras.Model:
    """Returns a bag of embedded words, its vocabulary inside the graph.

    Strings go in, also where it is served. It trains in seconds on a CPU and
    is a fair baseline for what `build_bert` costs.

    Args:
        feature: Name of a string feature.
        texts: Training texts; their most frequent words are the vocabulary.
        num_words: Size of the vocabulary, two special entries among it.
        length: Most words of a text that count.
        dim: Width of `z`.
        dropout: Share of `z` that is dropped in training.

    Returns:
        A model from a dict of strings, of shape `[batch]`, to `z`, of shape
        `[batch, dim]`.

    Raises:
        ValueError: If there is no text.
    """
    known = list(texts)
    if not known:
        raise ValueError(
            "`texts` must hold at least one text, because the vocabulary is "
            "made of their words. Received: texts=[]"
        )
    words = keras.layers.TextVectorization(
        num_words, output_sequence_length=length
    )
    words.adapt(known)
    text = keras.Input((), dtype="string", name=feature)
    embedded = keras.layers.Embedding(num_words, dim)(words(text))
    # The largest, not the mean: a text without words has no mean.
    pooled = keras.layers.GlobalMaxPooling1D()(embedded)
    hidden = keras.layers.Dense(dim, activation="relu")(pooled)
    z = keras.layers.Dropout(dropout)(hidden)
    return keras.Model({feature: text}, z, name="bag_of_words")
