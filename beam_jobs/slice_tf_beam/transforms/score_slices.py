"""The transform that scores embeddings with found slices."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np

from slice_tf.discovery.inputs import as_rows
from slice_tf.discovery.regions import Regions, load_regions
from slice_tf.slicing.modules import attribute_of


class ScoreSlices(beam.PTransform):
    """Says how much each embedding is in each found slice.

    Takes pairs of a key and an embedding, a sequence of numbers, or what the
    encoder embeds; gives pairs of the key and its scores, float64 of shape
    `[slices]`, each from 0 to 1. Of embeddings, a row's scores do not depend
    on the rows beside it, so that batches and runners give the same. An
    embedding of another width, or that is not finite, fails its bundle.

    Args:
        path: `regions.npz` of a discovery run, where workers can read it.
        batch_size: Most rows that are embedded and scored at once.
        encoder: Import path of a loader that returns a callable from an array
            of rows to embeddings `[rows, dim]`, or one of Beam's model
            handlers; loaded once a worker. None where rows are embeddings.

    Raises:
        ValueError: If `batch_size` is not positive.
    """

    def __init__(
        self, path: str, batch_size: int = 1024, encoder: str | None = None
    ) -> None:
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
        self._encoder = encoder

    def expand(self, embeddings: Any) -> Any:
        return (
            embeddings
            | "Batch"
            >> beam.BatchElements(
                min_batch_size=1, max_batch_size=self._batch_size
            )
            | "Score"
            >> beam.ParDo(_Score(self._path, self._fingerprint, self._encoder))
        )


class _Score(beam.DoFn):
    """Embeds and scores a batch of keyed rows."""

    def __init__(
        self, path: str, fingerprint: str, encoder: str | None
    ) -> None:
        super().__init__()
        self._path = path
        self._fingerprint = fingerprint
        self._encoder = encoder
        self._regions: Regions
        self._encode: Callable[[Any], Any]

    def setup(self) -> None:
        self._regions = load_regions(self._path, self._fingerprint)
        self._encode = np.asarray
        if self._encoder is not None:
            self._encode = _load(self._encoder)

    def process(
        self, batch: Sequence[tuple[Any, Any]]
    ) -> Iterator[tuple[Any, Any]]:
        keys, rows = zip(*batch, strict=True)
        embeddings = as_rows(self._encode(np.asarray(rows)), len(rows))
        scores = self._regions.scores(embeddings)
        yield from zip(keys, scores, strict=True)


def _load(encoder: str) -> Callable[[Any], Any]:
    """Returns a function from rows to embeddings."""
    model: Any = attribute_of(encoder)()
    if not hasattr(model, "run_inference"):
        return lambda rows: np.asarray(model(rows))
    loaded = model.load_model()

    def encode(rows: Any) -> Any:
        results = model.run_inference(list(rows), loaded)
        return np.stack([getattr(one, "inference", one) for one in results])

    return encode
