"""Two slices where a person sees that one found slice is two things."""

import dataclasses
from typing import Any

import numpy as np

from slice_tf.discovery.found import Discovery
from slice_tf.discovery.held_out import halves, measure
from slice_tf.discovery.inputs import check_embeddings, check_predictions
from slice_tf.discovery.mixture import Mixture, fit_mixture
from slice_tf.discovery.starts import regions_start

_MAX_ITER = 60
_LEAST_ROWS = 4


def split_slice(
    found: Discovery,
    name: str,
    embeddings: Any,
    labels: Any,
    probabilities: Any,
) -> Discovery:
    """Returns a discovery in which one slice is two, each measured anew.

    A mixture of two is fitted to the rows of the slice, in the half where it
    was found; its components stand in for the slice's. Other slices stay as
    they are. What was said of all slices, such as rules, is to be said again.

    Args:
        found: What a run found on the same rows.
        name: The slice to split; `found_0` becomes `found_0_a` and
            `found_0_b`.
        embeddings: Of shape `[rows, dim]`.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`, or of class 1 `[rows]`.

    Raises:
        ValueError: If there is no such slice, or it has too few rows.
    """
    names = [one.name for one in found.slices]
    if name not in names:
        raise ValueError(
            "A slice must be among those found to be split. Received: "
            f"slice={name}, found={', '.join(names) or 'none'}"
        )
    embeddings = check_embeddings(embeddings)
    labels, chances = check_predictions(labels, probabilities, len(embeddings))
    wrong = chances.argmax(axis=1) != labels
    first, _ = halves(wrong, found.seed)
    place = names.index(name)
    inside = first[found.regions.members(embeddings)[first, place]]
    regions = found.regions
    z = regions.projection(embeddings[inside], np.float32)
    if len(np.unique(z, axis=0)) < _LEAST_ROWS:
        raise ValueError(
            f"A slice must have {_LEAST_ROWS} different rows to be split. "
            f"Received: slice={name}, rows={len(inside)}"
        )
    rng = np.random.default_rng(found.seed)
    given = z, labels[inside], chances[inside]
    two, _ = fit_mixture(
        regions_start(*given, 2, 0.0, rng), *given, _MAX_ITER, 1e-4
    )
    view, component = regions.places[place].tolist()
    parted = _in_place_of(regions.views[view], component, two)
    last = parted.num_components - 1
    fresh = [[len(regions.views), component], [len(regions.views), last]]
    places = regions.places.tolist()
    places[place : place + 1] = fresh
    told = [(one.name, one.label, one.found_error_rate) for one in found.slices]
    (_, label, _), told[place : place + 1] = told[place], []
    for k, part in enumerate(("a", "b")):
        rate = _found_rate(two.responsibilities(z)[:, k], wrong[inside])
        told.insert(place + k, (f"{name}_{part}", label, rate))
    whole = dataclasses.replace(
        regions, views=(*regions.views, parted), places=np.array(places)
    )
    after = measure(whole, told, embeddings, labels, chances, found.seed)
    return dataclasses.replace(after, embedder=found.embedder)


def _found_rate(shares: Any, wrong: Any) -> float:
    return float(shares @ wrong / max(shares.sum(), 1e-12))


def _in_place_of(whole: Mixture, component: int, two: Mixture) -> Mixture:
    """Returns a mixture whose component is one of two, the other its last."""
    merged = {}
    for name in ("weights", "means", "variances", "labels", "predictions"):
        values, parts = getattr(whole, name), getattr(two, name)
        if name == "weights":
            parts = parts * values[component]
        merged[name] = np.concatenate([values, parts[1:]])
        merged[name][component] = parts[0]
    return Mixture(**merged, label_weight=whole.label_weight)
