"""The few directions in which embeddings differ most."""

import dataclasses
from typing import Any

import numpy as np

from slice_tf.discovery.inputs import BLOCK, blocks

# More rows change the leading directions by less than a restart does.
_MAX_ROWS = 10_000
# "auto": share of the variance to hold, in how many directions.
_HELD, _FEWEST, _MOST = 0.9, 16, 32


@dataclasses.dataclass(frozen=True)
class Projection:
    """Centres embeddings, turns them to principal directions, scales them.

    All directions are divided by one number, so that the mean variance is one
    whatever the scale of the encoder; their proportions stay.

    Attributes:
        mean: Of shape `[dim]`.
        matrix: Of shape `[dim, kept]`.
    """

    mean: Any
    matrix: Any

    def __call__(self, embeddings: Any, dtype: Any = np.float64) -> Any:
        """Returns an array of shape `[rows, kept]`, reading in blocks.

        It computes in the more exact of `dtype` and the embeddings' own.
        """
        exact = np.result_type(embeddings.dtype, dtype)
        if np.abs(self.matrix).max() > np.finfo(exact).max:
            exact = np.dtype(np.float64)  # Embeddings are all but zero.
        mean, matrix = self.mean.astype(exact), self.matrix.astype(exact)
        out = np.empty((len(embeddings), self.matrix.shape[1]), dtype)
        for rows in blocks(len(embeddings), BLOCK):
            centred = np.asarray(embeddings[rows], exact) - mean
            out[rows] = centred @ matrix
        return out


def fit_projection(
    embeddings: Any, max_dim: int | str, rng: np.random.Generator
) -> Projection:
    """Returns the projection on at most `max_dim` principal directions.

    Args:
        embeddings: Of shape `[rows, dim]`; at most 10,000 rows are read.
        max_dim: Directions to keep. Those without variance are dropped.
            "auto" keeps those that hold 90 % of the variance, 16 at least and
            32 at most: the rest of a clean encoder is noise to a mixture, and
            of a noisy one no number holds 90 %.
        rng: Draws the rows.
    """
    chosen = sample_rows(len(embeddings), _MAX_ROWS, rng)
    rows = np.asarray(embeddings[chosen], np.float64)
    mean = rows.mean(axis=0)
    centred = rows - mean
    # Divided first: squares of huge embeddings overflow, of tiny ones vanish.
    size = np.abs(centred).max()
    if not size > 0:
        return Projection(mean, np.zeros((len(mean), 1)))
    centred /= size
    variances, directions = np.linalg.eigh(centred.T @ centred / len(rows))
    kept = np.argsort(-variances, kind="stable")
    kept = kept[: _num_directions(variances[kept], max_dim)]
    kept = kept[variances[kept] > 1e-9 * variances.max()]
    turned = _signed(directions[:, kept])
    return Projection(mean, turned / (size * np.sqrt(variances[kept].mean())))


def _num_directions(variances: Any, max_dim: int | str) -> int:
    if max_dim != "auto":
        return int(max_dim)
    shares = np.cumsum(variances) / variances.sum()
    return int(np.clip((shares < _HELD).sum() + 1, _FEWEST, _MOST))


def sample_rows(num_rows: int, at_most: int, rng: np.random.Generator) -> Any:
    """Returns sorted row numbers, all where there are few enough."""
    if num_rows <= at_most:
        return np.arange(num_rows)
    return np.sort(rng.choice(num_rows, at_most, replace=False))


def _signed(directions: Any) -> Any:
    """Makes the largest entry of each column positive, for repeatability."""
    top = directions[np.abs(directions).argmax(0), range(directions.shape[1])]
    return directions * np.where(top < 0, -1, 1)
