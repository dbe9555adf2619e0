"""How well found slices are those that were planted."""

import dataclasses
from typing import Any

import numpy as np

# Precision at ten that counts as found.
SUCCESS = 0.8


@dataclasses.dataclass(frozen=True)
class PlantedScore:
    """What a slicer found of planted slices.

    Attributes:
        precision: Of each planted slice, the best precision at k of all
            reported ones, `[planted]`.
        first: Best precision at k, over planted slices, of the slice that was
            reported first: no hindsight chooses it.
    """

    precision: Any
    first: float

    @property
    def success(self) -> float:
        """Share of planted slices with a precision of at least 0.8."""
        return float((self.precision >= SUCCESS).mean())


def planted_score(
    scores: Any, membership: Any, k: int = 10, seed: int = 0
) -> PlantedScore:
    """Compares a slicer's scores with the slices that were planted.

    Args:
        scores: How much rows that the slicer did not see are in each reported
            slice, `[rows, reported]`.
        membership: Bool of shape `[rows, planted]`.
        k: How many rows with the highest scores count.
        seed: Breaks ties at random, so that equal scores gain nothing.

    Raises:
        ValueError: If shapes do not fit or there are fewer than `k` rows.

    Source:
        Eyuboglu et al. 2022, "Domino", section 5.2.
    """
    scores, membership = np.asarray(scores), np.asarray(membership)
    if (
        scores.ndim != 2
        or membership.ndim != 2
        or len(scores) != len(membership)
        or not 1 <= k <= len(scores)
    ):
        raise ValueError(
            "Scores and membership must have as many rows, `k` at least. "
            f"Received: scores={scores.shape}, membership={membership.shape}, "
            f"k={k}"
        )
    if not scores.shape[1]:
        return PlantedScore(np.zeros(membership.shape[1]), 0.0)
    chance = np.random.default_rng(seed).random(len(scores))
    top = np.stack([np.lexsort((chance, -one))[:k] for one in scores.T])
    precision = membership[top].mean(axis=1)
    return PlantedScore(precision.max(axis=0), float(precision[0].max()))
