"""Results of several labels of one model, which one page shows."""

from collections.abc import Sequence

from slice_tf.evaluation import Results
from slice_tf.evaluation.labels import check_family


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
            "labels. Received: "
            f"labels={', '.join(one or 'none' for one in labels)}. To compare "
            "two models, evaluate one with `--baseline`."
        )
    check_family(results)
