"""Words for a slice, from embeddings that texts and examples share."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from slice_tf.discovery.found import Discovery, Phrase
from slice_tf.discovery.inputs import check_embeddings, check_predictions

_MOST = 5


def with_phrases(
    found: Discovery,
    phrases: Sequence[str],
    embed: Callable[[Sequence[str]], Any],
    embeddings: Any,
    labels: Any,
    probabilities: Any,
) -> Discovery:
    """Returns a discovery whose slices have the phrases nearest to them.

    Args:
        found: What a run found on the same rows.
        phrases: Candidates, such as "a photo of a cat at night".
        embed: From texts to embeddings `[phrases, dim]` in the very space of
            the examples: CLIP's two towers, or a sentence encoder for text.
        embeddings: Of the examples, of shape `[rows, dim]`.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`, or of class 1 `[rows]`.

    Raises:
        ValueError: If there is no phrase, or its embedding is of another
            width than the examples'.

    Source:
        Eyuboglu et al. 2022, "Domino", section 4.3.
    """
    embeddings = check_embeddings(embeddings)
    labels, _ = check_predictions(labels, probabilities, found.num_rows)
    if not phrases:
        raise ValueError("There must be candidate phrases. Received: none")
    towards = np.asarray(embed(list(phrases)), np.float64)
    if towards.shape != (len(phrases), embeddings.shape[1]):
        raise ValueError(
            "Phrases must be embedded where the examples are, because they "
            f"are compared. Received: phrases={towards.shape}, expected="
            f"({len(phrases)}, {embeddings.shape[1]})"
        )
    towards = _unit(towards - towards.mean(axis=0))
    inside = found.regions.members(embeddings)
    slices = []
    for place, one in enumerate(found.slices):
        alike = labels == one.label
        rows = inside[:, place] & alike
        if not rows.any():
            slices.append(one)
            continue
        here = _mean(embeddings, rows) - _mean(embeddings, alike)
        scores = towards @ _unit(here)
        first = np.argsort(-scores, kind="stable")[:_MOST].tolist()
        named = tuple(Phrase(phrases[k], round(scores[k], 4)) for k in first)
        slices.append(dataclasses.replace(one, phrases=named))
    return dataclasses.replace(found, slices=tuple(slices))


def _mean(embeddings: Any, rows: Any) -> Any:
    return np.asarray(embeddings[rows], np.float64).mean(axis=0)


def _unit(vectors: Any) -> Any:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-12)
