"""Slices that a model will fail on, made on purpose in annotated data.

Train a model on what these return and look whether a slicer finds what was
planted: see `slice_tf.discovery.planted_score`.
"""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Induced:
    """Rows of a data set, with planted slices.

    Attributes:
        rows: Numbers of the rows to train, validate or test on, `[kept]`,
            shuffled.
        labels: Their labels, which may have been changed, `[kept]`.
        membership: Bool of shape `[kept, planted]`.
    """

    rows: Any
    labels: Any
    membership: Any


def induce_rare(
    labels: Any, members: Any, share: float, rng: np.random.Generator
) -> Induced:
    """Makes a subclass so rare that a model hardly learns it.

    Args:
        labels: Classes of shape `[rows]`.
        members: Bool of shape `[rows]`; all of one class.
        share: Of the class, how much the members shall be; between 0 and the
            share that they are.
        rng: Draws which members stay.

    Raises:
        ValueError: If members are of no or of several classes, or too few.
    """
    labels, members = _checked(labels, members)
    classes = np.unique(labels[members])
    if len(classes) != 1:
        raise ValueError(
            "A rare subclass must be of one class. Received: classes="
            f"{classes.tolist()}"
        )
    others = int((labels == classes[0]).sum() - members.sum())
    keep = round(share / (1 - share) * others) if 0 < share < 1 else 0
    if not 1 <= keep <= members.sum():
        raise ValueError(
            "`share` must be above 0 and at most what the members are of their "
            f"class. Received: share={share}, members={members.sum()}, others "
            f"of the class={others}"
        )
    mine = rng.choice(np.flatnonzero(members), keep, replace=False)
    rows = rng.permutation(np.concatenate([np.flatnonzero(~members), mine]))
    return Induced(rows, labels[rows], members[rows, None])


def induce_correlation(
    labels: Any, attribute: Any, correlation: float, rng: np.random.Generator
) -> Induced:
    """Ties a class to an attribute, so that a model may use the latter.

    Rows are drawn so that label and attribute keep their means and have the
    correlation; as many as the data allows. Two slices are planted, where the
    attribute misleads: class 0 with it and class 1 without it; the other way
    round where the correlation is negative.

    Args:
        labels: Classes 0 and 1, of shape `[rows]`.
        attribute: Bool of shape `[rows]`.
        correlation: Pearson's, of label and attribute.
        rng: Draws rows.

    Raises:
        ValueError: If there are other labels, or the correlation cannot be
            reached with 20 rows.

    Source:
        Eyuboglu et al. 2022, "Domino", section 5.1.
    """
    labels, attribute = _checked(labels, attribute)
    if set(np.unique(labels).tolist()) != {0, 1}:
        raise ValueError(
            "A correlation is induced with labels 0 and 1. Received: labels="
            f"{np.unique(labels).tolist()[:10]}"
        )
    share, tied = labels.mean(), attribute.mean()
    both = share * tied + correlation * np.sqrt(
        share * (1 - share) * tied * (1 - tied)
    )
    cells = {(1, 1): both, (1, 0): share - both, (0, 1): tied - both}
    cells[0, 0] = 1 - sum(cells.values())
    places = {
        (y, a): np.flatnonzero((labels == y) & (attribute == a))
        for y, a in cells
    }
    size = min(
        (len(places[cell]) / part for cell, part in cells.items() if part > 0),
        default=0.0,
    )
    if min(cells.values()) < 0 or size < 20:
        raise ValueError(
            "A correlation must be one that the data's rows allow. Received: "
            f"correlation={correlation}, rows={len(labels)}, label mean="
            f"{share:.3f}, attribute mean={tied:.3f}"
        )
    drawn = [
        rng.choice(places[cell], round(part * size), replace=False)
        for cell, part in cells.items()
    ]
    rows = rng.permutation(np.concatenate(drawn))
    misled = attribute[rows] if correlation > 0 else ~attribute[rows]
    truth = labels[rows]
    planted = [(truth == 0) & misled, (truth == 1) & ~misled]
    return Induced(rows, truth, np.stack(planted, axis=1))


def induce_noisy_labels(
    labels: Any, members: Any, share: float, rng: np.random.Generator
) -> Induced:
    """Gives some members of a slice another class than their own.

    Args:
        labels: Classes of shape `[rows]`.
        members: Bool of shape `[rows]`.
        share: Of the members, how many get a wrong label.
        rng: Draws who, and the other class.

    Raises:
        ValueError: If `share` is not between 0 and 1, or there is one class.
    """
    labels, members = _checked(labels, members)
    classes = np.unique(labels)
    if not 0 < share <= 1 or len(classes) < 2:
        raise ValueError(
            "`share` must be above 0 and at most 1, of labels of two classes "
            f"at least. Received: share={share}, classes={classes.tolist()}"
        )
    mine = np.flatnonzero(members)
    wrong = rng.choice(mine, round(share * len(mine)), replace=False)
    changed = labels.copy()
    place = np.searchsorted(classes, labels[wrong])
    step = rng.integers(1, len(classes), len(wrong))
    changed[wrong] = classes[(place + step) % len(classes)]
    rows = rng.permutation(len(labels))
    return Induced(rows, changed[rows], members[rows, None])


def _checked(labels: Any, members: Any) -> tuple[Any, Any]:
    labels, members = np.asarray(labels), np.asarray(members, bool)
    if labels.ndim != 1 or labels.shape != members.shape or not members.any():
        raise ValueError(
            "Labels and members must be of shape [rows], with one member at "
            f"least. Received: labels={labels.shape}, members={members.shape}, "
            f"of which {int(members.sum())}"
        )
    return labels, members
