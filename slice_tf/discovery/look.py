"""What there is to see of found slices."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf.discovery.found import Discovery
from slice_tf.discovery.inputs import check_predictions
from slice_tf.evaluation.preview import preview


def with_examples(
    found: Discovery,
    features: Mapping[str, Any],
    labels: Any,
    probabilities: Any,
) -> Discovery:
    """Returns a discovery whose slices show their clearest errors.

    Whoever may read `discovered.json` can read these examples then.

    Args:
        found: What a run found on the same rows.
        features: Name to values to show, of shape `[rows, ...]`: text,
            images `[height, width]` or `[height, width, 3]`, numbers.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`, or of class 1 `[rows]`.

    Raises:
        ValueError: If there is not one value a row, or it is of another kind.
    """
    labels, chances = check_predictions(labels, probabilities, found.num_rows)
    for name, values in features.items():
        if len(values) != found.num_rows:
            raise ValueError(
                "A feature to show must have a value a row. Received: "
                f"feature={name!r}, values={len(values)}, "
                f"rows={found.num_rows}"
            )
        kind = np.asarray(values).dtype
        if kind.kind not in "biufOSU":
            raise ValueError(
                "A feature to show must be numbers, texts or images. Received: "
                f"feature={name!r}, dtype={kind}"
            )
    predicted = np.argmax(chances, axis=1)

    def show(row: int) -> dict[str, Any]:
        return {
            "key": str(row),
            "label": int(labels[row]),
            "prediction": int(predicted[row]),
            "score": round(float(chances[row, predicted[row]]), 4),
            "features": {k: preview(v[row]) for k, v in features.items()},
        }

    slices = tuple(
        dataclasses.replace(one, examples=tuple(map(show, one.nearest)))
        for one in found.slices
    )
    return dataclasses.replace(found, slices=slices)
