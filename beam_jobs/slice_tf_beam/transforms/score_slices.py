"""The transform that scores embeddings with found slices."""

from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np

from slice_tf.discovery.regions import Regions, load_regions


class ScoreSlices(beam.PTransform):
    """Says how much each embedding is in each found slice.

    Takes pairs of a key and an embedding, a sequence of numbers; gives pairs
    of the key and its scores, float64 of shape `[slices]`, each from 0 to 1.
    A row's scores do not depend on the rows beside it, so that batches and
    runners give the same. An embedding of another width fails its bundle.

    Args:
        path: `regions.npz` of a discovery run, where workers can read it.
        batch_size: Most embeddings that are scored at once.

    Raises:
        ValueError: If `batch_size` is not positive.
    """

    def __init__(self, path: str, batch_size: int = 1024) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(
                "`batch_size` must be positive. Received: "
                f"batch_size={batch_size}"
            )
        self._path = path
        # Read here, too: a missing file stops the job before it starts.
        self._fingerprint = load_regions(path).fingerprint
        self._batch_size = batch_size

    def expand(self, embeddings: Any) -> Any:
        return (
            embeddings
            | "Batch"
            >> beam.BatchElements(
                min_batch_size=1, max_batch_size=self._batch_size
            )
            | "Score" >> beam.ParDo(_Score(self._path, self._fingerprint))
        )


class _Score(beam.DoFn):
    """Scores a batch of keyed embeddings."""

    def __init__(self, path: str, fingerprint: str) -> None:
        super().__init__()
        self._path = path
        self._fingerprint = fingerprint
        self._regions: Regions

    def setup(self) -> None:
        self._regions = load_regions(self._path, self._fingerprint)

    def process(
        self, batch: Sequence[tuple[Any, Any]]
    ) -> Iterator[tuple[Any, Any]]:
        keys, rows = zip(*batch, strict=True)
        scores = self._regions.scores(np.asarray(rows))
        yield from zip(keys, scores, strict=True)
