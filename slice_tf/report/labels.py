"""Results of several labels of one model, which one page shows."""

from collections.abc import Sequence
from typing import Any

from slice_tf.evaluation import Results


def check_labels(results: Sequence[Results]) -> None:
    """Refuses results that one page cannot show.

    Raises:
        ValueError: If there are none, they are of other models, data or
            slices, or two are of the same label.
    """
    if not results:
        raise ValueError("A page must show some results. Received: results=[]")
    labels = [one.data.label for one in results]
    if len(set(labels)) < len(labels):
        raise ValueError(
            "A page shows one file of results, or one for each of several "
            "labels that `slice-tf evaluate --label-index` chose. Received: "
            f"labels={', '.join(one or 'none' for one in labels)}. To compare "
            "two models, evaluate one with `--baseline`."
        )
    for one in results[1:]:
        if family_of(one) != family_of(results[0]):
            raise ValueError(
                "Labels of one page must be of the same model, data and "
                f"slices. Received: {labels[0]} of {results[0].model.path!r} "
                f"on {results[0].data.path!r}, {one.data.label} of "
                f"{one.model.path!r} on {one.data.path!r}"
            )


def family_of(results: Results) -> tuple[Any, ...]:
    """Returns what results of several labels have in common."""
    baseline = results.baseline and results.baseline.fingerprint
    return (
        *(results.model.path, results.model.fingerprint, baseline),
        *(results.data.path, results.data.num_examples),
        results.schema.fingerprint,
    )
