import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing.util import assert_that

from discovery.planted import planted
from slice_tf.discovery import discover
from slice_tf_beam.transforms.score_slices import ScoreSlices

EMBEDDINGS, LABELS, PROBABILITIES, _ = planted()
FOUND = discover(EMBEDDINGS, LABELS, PROBABILITIES)


@pytest.mark.parametrize("batch_size", [1, 7, 1024])
def test_scores_equal_those_in_memory(tmp_path, batch_size):
    FOUND.regions.save(tmp_path / "regions.npz")
    expected = FOUND.regions.scores(EMBEDDINGS[:60])
    order = np.random.default_rng(0).permutation(60).tolist()

    def check(scored):
        found = dict(scored)
        assert sorted(found) == list(range(60))
        rows = np.stack([found[key] for key in range(60)])
        np.testing.assert_allclose(rows, expected, atol=1e-9)

    with beam.Pipeline() as pipeline:
        keyed = [(key, EMBEDDINGS[key]) for key in order]
        scores = (
            pipeline
            | beam.Create(keyed)
            | ScoreSlices(str(tmp_path / "regions.npz"), batch_size)
        )
        assert_that(scores, check)


def test_batches_must_not_be_empty(tmp_path):
    FOUND.regions.save(tmp_path / "regions.npz")
    with pytest.raises(ValueError, match=r"must be positive.*batch_size=0"):
        ScoreSlices(str(tmp_path / "regions.npz"), 0)


HALVES = """import numpy as np


def load():
    return lambda rows: np.asarray(rows) * 2


class Handler:
    def load_model(self):
        return 2

    def run_inference(self, batch, model):
        return [row * model for row in batch]
"""


@pytest.mark.parametrize("loader", ["load", "Handler"])
def test_rows_are_embedded_where_they_are_scored(tmp_path, loader):
    FOUND.regions.save(tmp_path / "regions.npz")
    (tmp_path / "halves.py").write_text(HALVES)
    expected = FOUND.regions.scores(EMBEDDINGS[:20])

    def check(scored):
        rows = np.stack([row for _, row in sorted(scored, key=lambda r: r[0])])
        np.testing.assert_allclose(rows, expected, atol=1e-6)

    with beam.Pipeline() as pipeline:
        halves = list(enumerate(EMBEDDINGS[:20] / 2))
        encoder = f"{tmp_path / 'halves.py'}:{loader}"
        transform = ScoreSlices(
            str(tmp_path / "regions.npz"), 8, encoder=encoder
        )
        assert_that(pipeline | beam.Create(halves) | transform, check)
