import numpy as np

from discovery.planted import planted
from slice_tf.discovery import MixtureSlicer
from slice_tf.discovery.inputs import error_of
from slice_tf.discovery.local_errors import LocalErrors

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(90, 3)).astype(np.float32)
LABELS = RNG.integers(0, 3, 90)
ERRORS = RNG.random((90, 4))
SLICE_LABELS = [0, 2, 0, 1]
NEW, NEW_LABELS = RNG.normal(size=(20, 3)), RNG.integers(0, 4, 20)


def expected(neighbours):
    """Row by row, slice by slice; label 3 is of no slice."""
    out = np.zeros((len(NEW), len(SLICE_LABELS)))
    for row, (z, label) in enumerate(zip(NEW, NEW_LABELS, strict=True)):
        for k, slice_label in enumerate(SLICE_LABELS):
            mine = np.flatnonzero(slice_label == LABELS)
            far = ((Z[mine] - z) ** 2).sum(axis=1)
            near = mine[np.argsort(far)[:neighbours]]
            out[row, k] = ERRORS[near, k].mean() * (label == slice_label)
    return out


def local_errors(order):
    return LocalErrors(
        Z[order],
        LABELS[order],
        ERRORS[order],
        SLICE_LABELS,
        np.random.default_rng(0),
    )


def test_they_are_means_over_the_nearest_of_the_label():
    assert min(np.bincount(LABELS)[:3]) < 30, "A label has fewer than 30."
    found = local_errors(np.arange(90))(NEW, NEW_LABELS)
    np.testing.assert_allclose(found, expected(30), atol=1e-6)


def test_the_order_of_rows_does_not_matter():
    one = local_errors(np.arange(90))(NEW, NEW_LABELS)
    other = local_errors(RNG.permutation(90))(NEW, NEW_LABELS)
    np.testing.assert_allclose(one, other, atol=1e-12)


def test_the_default_ranks_a_slices_examples_by_them():
    embeddings, labels, probabilities, _ = planted()
    slicer = MixtureSlicer().fit(embeddings, labels, probabilities)
    error = error_of(labels, probabilities)[:, None]
    alike = labels[:, None] == [one.label for one in slicer.slices_]
    inside = slicer.predict_proba(embeddings) * error * alike
    found = slicer.predict_proba(embeddings, labels, probabilities)
    z = slicer.projection_(embeddings)
    inside *= slicer.error_directions_(z, labels)[:, None]
    np.testing.assert_allclose(
        found, inside * slicer.local_errors_(z, labels), atol=1e-12
    )
    assert found.max() > 0.1
